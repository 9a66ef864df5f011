"""Models behind a server, or in a GGUF file."""
