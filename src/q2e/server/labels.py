"""The labels that the server shares with the command line; see `q2e.evaluate.labels`."""

from q2e.evaluate.labels import Label, Labels, measure

__all__ = ["Label", "Labels", "measure"]
