"""What `q2e train eye` is given, and the name by which an index is seen through what came of it.

An eye is a profile of the user's own: the one it was trained for, with the head upon its pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from q2e.cli.options import one_line, talk
from q2e.errors import ConfigError, unknown
from q2e.models import profiles

if TYPE_CHECKING:
    from q2e.heads.features import FeatureSet
    from q2e.heads.kept import Kept

#: Files that could not be used, of which so many are told.
_TOLD = 5


def profile_of(eye: str, profile: str | None) -> str:
    """Return the profile of an eye. Raises ConfigError for an unknown one, or two profiles."""
    if profile is not None and profile != eye:
        raise ConfigError(
            f"--eye {eye} is a profile of its own, beside --profile {profile}; give one of them. "
            f"An eye for that profile is trained with  q2e train eye ... --profile {profile}"
        )
    known = profiles.eyes()
    if eye not in known:
        if not known:
            raise ConfigError(
                f"there is no eye {eye!r} here, nor any other; train one with  q2e train eye "
                "PICTURES CAPTIONS  (docs/how-to/training.md)"
            )
        raise ConfigError(unknown("eye", eye, known))
    return eye


def name_of(name: str | None, out: Path | None, profile: str) -> str:
    """Return the name that an eye is to have. Raises ConfigError where it may not have that."""
    made = name or (out.name if out is not None else "eye")
    if made in profiles.names() and made not in profiles.eyes():
        raise ConfigError(f"{made!r} is a profile that is no eye; give the eye another --name")
    if made == profile:
        raise ConfigError(f"{made!r} cannot stand on itself; give the eye another --name")
    profiles.load(profile)
    profiles.check_name(made)
    return made


def folder_of(name: str) -> Path:
    """Return where an eye is kept that was given no folder."""
    return profiles.own_folder().parent / "eyes" / name


def features_of(
    what: str,
    captions: Sequence[Path],
    profile: str,
    most: int,
    each: int,
    data: str,
    licence: str,
) -> FeatureSet:
    """Return what an eye is trained on: cached features, pictures with captions, or an index."""
    from q2e.cli.progress import CountProgress
    from q2e.cli.train import loaded
    from q2e.features import of_index, of_pairs

    folder = Path(what)
    if not folder.is_dir():
        if captions:
            raise ConfigError(f"{what}: no folder of pictures")
        return loaded(what)
    with CountProgress("pictures") as progress:
        if captions:
            from q2e.models.registry import Models
            from q2e.settings import load_settings

            made = of_pairs(
                folder, captions, Models(load_settings(profile=profile)), most=most, each=each,
                data=data, licence=licence, watch=progress.watch,
            )  # fmt: skip
        else:
            import q2e

            with q2e.open(folder) as index:
                if not index.exists:
                    raise ConfigError(f"{what}: no index; pictures need files of CAPTIONS too")
                made = of_index(index, eye=True, watch=progress.watch)
    for name, reason in list(made.missing.items())[:_TOLD]:
        talk(f"left out: {one_line(name, 80)}: {one_line(reason, 200)}")
    if len(made.missing) > _TOLD:
        talk(f"and {len(made.missing) - _TOLD} more")
    return made.features


def named(name: str, profile: str, folder: Path, kept: Kept) -> str:
    """Write the profile by which an eye is found, and return its name."""
    told = f"{profile}, seeing through what was learnt from {one_line(kept.data, 200)}"
    profiles.write(name, profile, told, {"eye": f"file:{folder.resolve()}"})
    return name
