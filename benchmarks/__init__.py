"""Figures that the documentation quotes, reproduced by `python -m benchmarks`."""
