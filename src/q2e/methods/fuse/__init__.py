"""Rules that make one score per video of many; pure functions on arrays."""
