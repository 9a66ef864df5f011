"""Data sets of the field by name: a small specification each, and loaders by layout.

`load(name, folder)` reads a local folder; nothing is ever downloaded. Add a data set by adding a
file to `specs/`, and a function to `LAYOUTS` where its files have a form of their own. A package
adds one by a method of kind `dataset`: () -> `Spec.of(FILE, read)`.
"""

from q2e.evaluate.datasets.base import Dataset, Finding, Loaded, Spec
from q2e.evaluate.datasets.catalogue import load, names, spec_of

__all__ = ["Dataset", "Finding", "Loaded", "Spec", "load", "names", "spec_of"]
