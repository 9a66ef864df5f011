"""Models behind protocols; the only package that imports an inference runtime."""
