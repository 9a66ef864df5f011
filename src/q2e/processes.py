"""How other processes are started: the current folder, which may be a stranger's, has no say.

`python -m` puts the current folder first among those that modules come from, and an empty or
relative entry in PATH, PYTHONPATH or LD_LIBRARY_PATH means the current folder too: a file `av.py`
among downloaded videos would run as soon as they are indexed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path

#: What a container may use, in versions 2 and 1 of control groups.
_GROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
#: Lists of folders that code is loaded from.
_LISTS = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
#: What makes Python run or import something more.
_HOOKS = ("PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONBREAKPOINT", "PYTHONWARNINGS", "PYTHONSAFEPATH")


def one_thread() -> None:
    """Give OpenBLAS one thread, unless it is set; it is read when numpy is loaded.

    Products of one question are short: helpers would spend more processor time on waiting for one
    another than they save, and on a busy machine the question would wait for them.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def python_module(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of ours with this interpreter."""
    flags = ["-P", *(["-s"] if sys.flags.no_user_site else [])]
    return [sys.executable, *flags, "-m", module, *arguments]


def clean_environment(**more: str) -> dict[str, str]:
    """Return this process's environment for a child, with `more` set.

    Relative folders and what makes Python run something more are left out.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _HOOKS}
    for name in _LISTS:
        if name in kept:
            kept[name] = _absolute(kept[name])
            if not kept[name]:
                del kept[name]
    return kept | {"PYTHONSAFEPATH": "1"} | more


def program(name: str) -> str | None:
    """Return the absolute path of an installed program, never one of the current folder."""
    return shutil.which(name, path=_absolute(os.environ.get("PATH", os.defpath)) or os.defpath)


def forget_current_folder() -> None:
    """Let this process, which is a command's, take neither modules nor programs from where it is.

    The folder that `python -m` puts first is taken away, and relative ones of PATH, by which
    libraries find programs such as a browser.
    """
    if not sys.flags.safe_path and sys.path[:1] in ([""], _current_folder()):
        del sys.path[0]
    if "PATH" in os.environ:
        os.environ["PATH"] = _absolute(os.environ["PATH"]) or os.defpath


def memory_bytes() -> int:
    """Return the memory of this machine, or of the container that this process runs in."""
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in _GROUPS:
        with contextlib.suppress(OSError, ValueError):  # no such group, or "max"
            most = min(most, int(Path(file).read_text("ascii")))
    return most


def bound_memory(most_bytes: int) -> None:
    """Let this process, and those it starts, take no more memory than that, nor leave it on disk.

    What goes beyond fails with MemoryError, or ends the process, before the machine has none left
    for others.
    """
    import resource

    for what, most in ((resource.RLIMIT_DATA, most_bytes), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _current_folder() -> list[str]:
    try:
        return [str(Path.cwd())]
    except OSError:  # it was deleted, or may not be read
        return []


def _absolute(folders: str) -> str:
    return os.pathsep.join(one for one in folders.split(os.pathsep) if Path(one).is_absolute())
