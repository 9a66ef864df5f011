"""The question: parsing it and unfolding it into events."""
