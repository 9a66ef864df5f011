"""Asks the collection: a question passes through stages, from its text to hits with reasons."""
