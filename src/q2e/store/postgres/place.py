"""The file in an index's folder that says which schema of the database keeps a generation."""

from __future__ import annotations

import re
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path

from q2e.errors import StoreError

SUFFIX = ".postgresql"
_TEXT = """\
# Which schema of the database keeps this part of the index; q2e.toml says which database.
schema = "{schema}"
profile = "{profile}"
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one generation lies."""

    schema: str
    profile: str = ""


def file_of(file: Path) -> Path:
    """Return the file that names the schema of what a store of files would keep in `file`."""
    return file.with_suffix(SUFFIX)


def fresh(file: Path) -> Place:
    """Return a place for a new index, named after its folder and never twice the same."""
    name = re.sub(r"\W+", "_", file.absolute().parent.stem.lower(), flags=re.ASCII).strip("_")
    return Place(f"q2e_{name[:30]}_{secrets.token_hex(4)}".replace("__", "_"))


def read(file: Path) -> Place | None:
    """Return the place that a file names, or None where there is none.

    Raises StoreError for a file that cannot be used.
    """
    try:
        values = tomllib.loads(file.read_text("utf-8"))
        schema, profile = values["schema"], values.get("profile", "")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError):
        schema, profile = "", ""
    if not re.fullmatch(r"q2e_[a-z0-9_]{1,59}", str(schema)):
        raise StoreError(f"{file} names no schema of an index; take it from a copy of the folder")
    return Place(str(schema), str(profile))


def write(file: Path, place: Place, *, new: bool = False) -> bool:
    """Write where a generation lies; with `new` only where no file is, and return whether."""
    text = _TEXT.format(schema=place.schema, profile=_escaped(place.profile))
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, "utf-8")
        try:
            if not new:
                beside.replace(file)
                return True
            file.hardlink_to(beside)
        except FileExistsError:
            return False
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}") from None
    return True


def _escaped(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in plain)
