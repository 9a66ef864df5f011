"""What a figure depends on besides the code: the machine it was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Return processor, cores, memory, system, Python and the load when this was asked."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = named[0].split(":", 1)[1].strip() if named else model
    found: dict[str, Any] = {
        "processor": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    if hasattr(os, "sysconf"):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        found["memory_gb"] = round(memory / 1e9, 1)
    if hasattr(os, "getloadavg"):
        found["load_at_start"] = [round(value, 2) for value in os.getloadavg()]
    return found


def in_words(found: dict[str, Any]) -> str:
    """Return one line for people."""
    return (
        f"{found['cores']} cores of {found['processor']}, {found.get('memory_gb', '?')} GB, "
        f"{found['system']}, Python {found['python']}"
    )
