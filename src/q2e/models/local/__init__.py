"""Models whose weights arrive with a package, run without PyTorch."""
