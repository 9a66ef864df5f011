"""Every exception that Q2E raises on purpose.

    Q2EError                     anything below; the message is meant for a person
    |-- ConfigError              a setting, argument or manifest is not usable
    |-- MissingDependency        an optional package is not installed
    |-- ModelError               a model is missing, damaged or answered nonsense
    |-- MediaError               a file cannot be read as video
    |-- StoreError               an index cannot be opened, read or written
    |   |-- IndexMissing         nothing was indexed there yet
    |   |-- IndexLocked          another process holds the index
    |   `-- IndexMismatch        the index was made by other models or another version
    |-- QueryError               a question cannot be understood
    |-- FusionError              score matrices that must not be fused
    |-- EvaluationError          runs, qrels or matrices that do not fit together
    `-- ServerError              a server that was asked has refused

A message says the value, what is allowed, and the next step.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class Q2EError(Exception):
    """Base of every error raised on purpose; its text is shown to the user as it is."""


class ConfigError(Q2EError):
    """A setting, argument or manifest row is not usable."""


class MissingDependency(Q2EError):
    """An optional package is not installed; the message holds the install command."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        self.package = package
        self.extra = extra
        super().__init__(
            f'{purpose} needs the package {package!r}: run  pip install "q2e[{extra}]"'
        )


class ModelError(Q2EError):
    """A model is missing, damaged, or its answer is not usable."""


class MediaError(Q2EError):
    """A file cannot be read as video; the message is the one-line reason shown in `status`."""


class StoreError(Q2EError):
    """An index cannot be opened, read or written."""


class IndexMissing(StoreError):
    """Nothing was indexed there yet."""


class IndexLocked(StoreError):
    """Another process is writing to the index."""


class IndexMismatch(StoreError):
    """The index was made with other models or by another version."""


class QueryError(Q2EError):
    """A question cannot be understood; `start` and `end` are the characters meant, where known."""

    def __init__(self, message: str, start: int | None = None, end: int | None = None) -> None:
        self.start = start
        self.end = end
        super().__init__(message)


class FusionError(Q2EError):
    """Score matrices that do not describe the same items must not be fused."""


class EvaluationError(Q2EError):
    """Runs, qrels or matrices that do not fit together."""


class ServerError(Q2EError):
    """A server that was asked has refused; `code` is for programs, the text for people."""

    def __init__(self, status: int, code: str, message: str, next_step: str) -> None:
        self.status = status
        self.code = code
        super().__init__(f"{message}; {next_step}")


def unknown(what: str, value: object, known: Iterable[str], listed_by: str = "") -> str:
    """Return what to say of a name that does not exist: the nearest that does, and all.

    Of many the command that lists them is said.
    """
    names = list(known)
    near = get_close_matches(str(value), names, n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ";"
    if listed_by:
        return f"unknown {what} {value!r}{meant} {listed_by} shows all {len(names)}"
    return f"unknown {what} {value!r}{meant} known: {', '.join(names) or 'none'}"
