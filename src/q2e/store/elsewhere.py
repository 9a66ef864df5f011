"""What a store offers that keeps a generation outside the folder of the index, as on a server."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Elsewhere(Protocol):
    """A store of which the index's folder holds only a small file that says where it is."""

    def size_bytes(self) -> int:
        """Return the bytes that the generation takes there."""
        ...

    def drop(self) -> None:
        """Remove the generation there, with the file that says where it is, and close."""
        ...

    def copied_by(self) -> str:
        """Return the commands that copy it and put the copy back, as part of a sentence."""
        ...
