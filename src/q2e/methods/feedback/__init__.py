"""What the best hits add to a ranking."""
