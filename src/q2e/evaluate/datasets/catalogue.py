"""Knows which data sets there are, reads one from a folder and says what is not as published."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files as resources
from pathlib import Path
from types import MappingProxyType

from q2e.errors import EvaluationError, unknown
from q2e.evaluate.datasets import captions, events, moments, own, questions
from q2e.evaluate.datasets.base import (
    Dataset,
    Files,
    Finding,
    Loaded,
    Spec,
    sha256_of,
)
from q2e.registry import method

_SPECS = resources("q2e.evaluate.datasets") / "specs"

#: How the files of a set are laid out, by the name a specification uses.
LAYOUTS: Mapping[str, Callable[[Spec, Files], Dataset]] = MappingProxyType(
    {
        "activitynet": captions.activitynet,
        "condensed_movies": captions.condensed_movies,
        "didemo": captions.didemo,
        "hirest": moments.hirest,
        "languages": captions.languages,
        "lovr": captions.lovr,
        "lsmdc": captions.lsmdc,
        "msrvtt_json": captions.msrvtt_json,
        "msvd": captions.msvd,
        "msvd_zh": captions.msvd_zh,
        "multivent1": events.multivent1,
        "multivent2": events.multivent2,
        "own": own.own,
        "pairs_csv": captions.pairs_csv,
        "qa": questions.qa,
        "queryd": captions.queryd,
        "tvr": moments.tvr,
        "tvr_ranking": moments.tvr_ranking,
        "vatex": captions.vatex,
        "wikivideo": events.wikivideo,
        "wikivideo_articles": questions.wikivideo_articles,
    }
)


#: What stands before the name of a set among this module's attributes; see `q2e.builtin`.
_DECLARED = "declared_"


def __getattr__(attribute: str) -> Callable[[], Spec]:
    """Return the method of a set declared in `specs`, which tells its specification."""
    name = attribute.removeprefix(_DECLARED)
    file = _SPECS / f"{name}.toml"
    if name == attribute or not file.is_file():
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")

    def declared() -> Spec:
        return Spec.of(file)

    title = Spec.of(file).title.rstrip(".")
    declared.__doc__ = f"{title[:1].upper()}{title[1:]}."
    return method("dataset", name)(declared)


def names() -> tuple[str, ...]:
    """Return the names of all data sets."""
    from q2e.plugins import registry

    return tuple(sorted(registry().names("dataset")))


def spec_of(name: str) -> Spec:
    """Return the specification of a data set. Raises EvaluationError with the names there are."""
    from q2e.plugins import registry

    if name not in names():
        raise EvaluationError(unknown("data set", name, names()))
    spec: Spec = registry().one("dataset", name).bound()
    return spec


def load(name: str, folder: Path, check_hashes: bool = True) -> Loaded:
    """Read a data set from a local folder and check files, counts and hashes.

    Raises EvaluationError where the folder is none, the name is unknown, or a file is not laid
    out as it should be; what is missing or not as published is in `findings`.
    """
    spec = spec_of(name)
    if not folder.is_dir():
        raise EvaluationError(f"{folder}: no such folder")
    files = Files(folder, spec.files)
    findings = list(_missing(spec, files))
    if any(one.level == "problem" for one in findings):
        return Loaded(spec, None, tuple(findings), {})
    dataset = (spec.read or LAYOUTS[spec.layout])(spec, files)
    hashes = {path.name: sha256_of(path) for path in files.all()} if check_hashes else {}
    findings += _different(spec, files, hashes)
    findings += _miscounted(spec, dataset)
    findings += [Finding("note", "warning", note) for note in dataset.notes]
    return Loaded(spec, dataset, tuple(findings), hashes)


def _missing(spec: Spec, files: Files) -> Iterator[Finding]:
    """Alternatives are written `a|b` in a specification by sharing the same `what`."""
    for what in dict.fromkeys(one.what for one in spec.files):
        ways = [one for one in spec.files if one.what == what]
        if any(files.found[one.name] for one in ways):
            continue
        named = " or ".join(one.name for one in ways)
        optional = all(one.optional for one in ways)
        yield Finding(
            "missing",
            "note" if optional else "problem",
            f"{named}: {what}{' (may be left out)' if optional else ''}; "
            f"published at {ways[0].url}",
            ways[0].url,
        )


def _different(spec: Spec, files: Files, hashes: Mapping[str, str]) -> Iterator[Finding]:
    for one in spec.files:
        for path in files.found[one.name]:
            if one.sha256 and hashes and hashes[path.name] != one.sha256:
                yield Finding(
                    "hash",
                    "warning",
                    f"{path.name} is not the published file: SHA-256 {hashes[path.name][:12]}..., "
                    f"published {one.sha256[:12]}...",
                    one.url,
                )


def _miscounted(spec: Spec, dataset: Dataset) -> Iterator[Finding]:
    found = dataset.counts()
    for what, expected in spec.counts.items():
        if found[what] != expected:
            kind = "a part of the set" if found[what] < expected else "more than the set"
            yield Finding(
                "count",
                "warning",
                f"{found[what]} {what.replace('_', ' ')}, published are {expected}: this is "
                f"{kind}, and its figures compare with no published ones",
            )
