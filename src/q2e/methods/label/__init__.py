"""Ways of telling which labels of a user's own a video deserves."""
