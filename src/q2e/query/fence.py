"""The fence of `q2e.text.fence`, by the name under which questions know it."""

from q2e.text.fence import MAX_CHARACTERS, clean, fence

__all__ = ["MAX_CHARACTERS", "clean", "fence"]
