"""Ways of answering, a file each."""
