"""Rules that make one score of a video's evidence; pure functions on arrays."""
