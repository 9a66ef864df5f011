"""Finds the subtitle files that belong to a video, by the names that media players know."""

from __future__ import annotations

import os
import re
import time
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from q2e.errors import MediaError
from q2e.media.discover import SUFFIXES
from q2e.paths import is_dir, is_file, may_read
from q2e.text.languages import language_code

_KINDS = (".srt", ".vtt", ".ass", ".ssa")
#: Folders beside a video that players look into for subtitles.
_FOLDERS = ("sub", "subs", "subtitle", "subtitles")
_PARTS = re.compile(r"[.\s()\[\]&+]+")
#: `pt-BR` and `zh_Hans` are one word, `en-forced` and `eng_sdh` are two.
_TAG = re.compile(r"[a-z]{2,3}(?:[-_](?:[a-z]{2}|[a-z]{4}|\d{3}))+")
_FORCED = {"forced", "foreign", "signs"}
_NEEDED = {"sdh", "cc", "hi", "hoh", "closedcaptions"}
_ASIDE = {"commentary", "lyrics", "songs"}
_NEUTRAL = {
    *("default", "full", "orig", "auto", "asr", "subs", "sub", "subtitle", "subtitles"),
    *("und", "mul", "mis", "zxx"),  # languages that are none, or several
    *("latin", "american", "latam", "brazilian", "european", "castilian", "british", "canadian"),
}
#: What subtitles are called by, beside codes and names of languages.
_CALLED = {
    **dict.fromkeys(("sc", "tc", "big5", "simplified", "traditional"), "zh"),
    **dict.fromkeys(("简", "繁", "简体", "繁体", "繁體", "简中", "繁中"), "zh"),
    **dict.fromkeys(("简体中文", "繁体中文", "繁體中文", "中字"), "zh"),
    **dict.fromkeys(("vf", "vff", "vfq", "vostfr"), "fr"),
    "ptbr": "pt",
}
_KNOWN = _FORCED | _NEEDED | _ASIDE | _NEUTRAL | _CALLED.keys()
#: A folder whose time of change lies so far back would have another one if it had changed since.
_SETTLED_NS = 2_000_000_000
#: Files of one folder that are looked at, and subtitles of one video.
_MOST_FILES, _MOST = 100_000, 50


@dataclass(frozen=True, slots=True, order=True)
class Beside:
    """A subtitle file and what its name says; sorted, the one to be taken first."""

    forced: bool
    """Of signs and foreign words alone."""
    aside: bool
    """A commentary or lyrics."""
    named: bool
    """Has more than the video's own name."""
    needed: bool
    """With descriptions of sounds."""
    kind: int
    path: Path
    language: str = ""


def subtitle_files(video: Path) -> list[Beside]:
    """Return the subtitle files of a video, the one that a player takes first at the beginning.

    `talk.mp4` takes `talk.srt`, `talk.mp4.srt`, `talk.en.srt`, `Talk_English.SRT`, `talk.pt-BR.vtt`
    and `talk.en.sdh.srt`, also from a folder `Subs` beside it, where the only video of its folder,
    and any one from `Subs/talk`, takes `2_English.srt` too. One without more than its name goes
    first, one for the deaf after others, a forced one last: it holds foreign words alone.

    Raises MediaError where the folder cannot be listed.
    """
    try:
        own = listed(video.parent)
    except OSError as error:
        raise MediaError(f"{video.parent}: cannot be listed ({error.strerror})") from error
    inner, of_it = [], []
    for folder in own.folders:
        with suppress(OSError):  # what may not be looked into has nothing for us
            inner.append(listed(folder))
            if is_dir(deep := folder / video.stem):
                of_it.append(listed(deep))
    keys = (key(video.name), key(video.stem))
    others = own.media - set(keys)
    # Of these, a language alone is enough of a name.
    unnamed = [*of_it, *(() if others else inner)]
    found = []
    for beside in (own, *inner, *of_it):
        for stem, file in beside.subtitles:
            if stem in others:
                continue
            said = _said(stem, keys)
            if said is None and beside in unnamed:
                said = _words(stem)
            if said is not None and is_file(file) and may_read(file):
                language, flags = said
                found.append(
                    Beside(
                        forced=bool(flags & _FORCED),
                        aside=bool(flags & _ASIDE),
                        named=bool(language or flags),
                        needed=bool(flags & _NEEDED),
                        kind=_KINDS.index(file.suffix.lower()),
                        path=file,
                        language=language,
                    )
                )
    return sorted(found)[:_MOST]


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """What a folder holds, by the keys of names without their suffix."""

    media: frozenset[str]
    subtitles: tuple[tuple[str, Path], ...]
    descriptions: Mapping[str, tuple[Path, ...]]
    folders: tuple[Path, ...]
    """Those for subtitles."""


def listed(folder: Path) -> Folder:
    """Return what a folder holds. Raises OSError where it cannot be listed."""
    changed_ns = folder.stat().st_mtime_ns
    if time.time_ns() - changed_ns < _SETTLED_NS:
        return _scanned(folder)
    return _kept(folder, changed_ns)


@lru_cache(maxsize=8)
def _kept(folder: Path, changed_ns: int) -> Folder:
    return _scanned(folder)


def _scanned(folder: Path) -> Folder:
    media, subtitles, folders = set(), [], []
    descriptions: dict[str, tuple[Path, ...]] = {}
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry, _ in zip(entries, range(_MOST_FILES), strict=False))
    for name in names:
        stem, _, end = name.rpartition(".")
        suffix = f".{end.lower()}" if stem else ""
        if suffix in SUFFIXES:
            media.add(key(stem))
        elif suffix in _KINDS:
            subtitles.append((key(stem), folder / name))
        elif suffix == ".json":
            descriptions[key(stem)] = (*descriptions.get(key(stem), ()), folder / name)
        elif name.lower() in _FOLDERS and is_dir(folder / name):
            folders.append(folder / name)
    return Folder(frozenset(media), tuple(subtitles), descriptions, tuple(folders))


def key(name: str) -> str:
    # A name is in another normal form where a file came from a Mac.
    return unicodedata.normalize("NFC", name).casefold()


def _said(stem: str, keys: tuple[str, ...]) -> tuple[str, frozenset[str]] | None:
    """Return language and flags in the name of a subtitle file, None where it is another's."""
    for key in keys:
        if stem == key:
            return "", frozenset()
        if stem.startswith(key) and (rest := stem[len(key) :])[0] in "._-[( ":
            said = _words(rest)
            if said is not None:
                return said
    return None


def _words(rest: str) -> tuple[str, frozenset[str]] | None:
    languages: dict[str, None] = {}
    flags = set()
    words = [word for word in _split(rest) if word]
    for word in words:
        if words == ["hi"]:  # Hindi, where nothing else says the language
            languages["hi"] = None
        elif code := _CALLED.get(word) or (None if word in _KNOWN else language_code(word)):
            languages[code] = None
        elif word in _KNOWN or (word.isdecimal() and len(word) < 3):
            flags.add(word)
        else:
            return None
    if len(languages) > 1:  # one under the other
        return "", frozenset((*flags, *languages))
    return "".join(languages), frozenset(flags)


def _split(rest: str) -> Iterator[str]:
    for part in _PARTS.split(rest):
        part = part.strip("-_")
        words = re.split("[-_]", part)
        is_tag = _TAG.fullmatch(part) and not _KNOWN & set(words[1:])
        yield from [part] if is_tag and language_code(part) else words
