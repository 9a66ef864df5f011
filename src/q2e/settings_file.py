"""The settings of an index as its file holds them: read, written when it is made, changed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q2e.errors import ConfigError

if TYPE_CHECKING:
    from q2e.settings import Settings

CONFIG_NAME = "q2e.toml"


def of_file(directory: Path | None) -> dict[str, Any]:
    """Return what the settings of an index say."""
    file = directory / CONFIG_NAME if directory else None
    if file is None or not file.is_file():
        return {}
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML ({error}); mend or delete the file") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}); make it readable") from None
    own = file.parent / str(values.get("recipe", ""))
    return values | ({"recipe": str(own)} if own.is_file() else {})


def write_settings(directory: Path, settings: Settings) -> None:
    """Keep in a new index what differs from the defaults, so that later runs read alike."""
    import tomlkit

    file = directory / CONFIG_NAME
    if file.exists():
        return
    document = tomlkit.document()
    document.add(tomlkit.comment("Settings of this collection; `q2e config` lists all of them."))
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if value != field.default and value is not None:
            document[name] = value
    file.write_text(tomlkit.dumps(document), encoding="utf-8")


def write_setting(directory: Path, name: str, value: object) -> None:
    """Change one setting of an index; the rest of its file, comments too, stays as it is."""
    import tomlkit

    file = directory / CONFIG_NAME
    document = tomlkit.parse(file.read_text("utf-8") if file.is_file() else "")
    document[name] = value
    file.write_text(tomlkit.dumps(document), "utf-8")
