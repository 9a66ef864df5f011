"""Shuts the calling process in: bounded, without network, with no files but those it is given.

Landlock (kernel 5.13 and later) takes away the file system, and from 6.7 on TCP; seccomp takes
away all system calls but the few that computing, threads and reading need, so that there are no
sockets, no new programs and no other process to reach. What a kernel does not have is left out
and said by `kernel_has`.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import stat
import struct
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from q2e.decoding import syscalls


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one decoding may take."""

    memory_bytes: int
    """Address space, which is more than what is used."""
    cpu_s: int
    file_bytes: int
    """Largest file that may be written."""


_SET_NO_NEW_PRIVS, _SET_PDEATHSIG, _SET_DUMPABLE, _SET_SECCOMP = 38, 1, 4, 22
_SIGKILL = 9

# Landlock's rights, from linux/landlock.h.
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_WRITE_FILE, _REMOVE_FILE, _MAKE_REG, _TRUNCATE = 1 << 1, 1 << 5, 1 << 8, 1 << 14
#: Rights over files that each version knows, all of which are taken away.
_FILES_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP, _SCOPES = 0b11, 0b11
#: What decoding is done by, wherever it was installed; some of it is loaded late.
PACKAGES = ("av", "cv2", "numpy", "scenedetect")


@dataclass(frozen=True, slots=True)
class Kernel:
    """What this machine can shut a process in with."""

    landlock: int
    """Version, 0 where there is none."""
    seccomp: bool

    def __str__(self) -> str:
        has = [f"landlock {self.landlock}"] * bool(self.landlock) + ["seccomp"] * self.seccomp
        return " and ".join(has) or "neither landlock nor seccomp"


@cache
def kernel_has() -> Kernel:
    """Return what the kernel offers, asked without changing anything."""
    version = syscalls.call(syscalls.LANDLOCK_CREATE_RULESET, None, 0, 1)
    # Asked for the action "errno", it answers whether filters can be set at all.
    action = ctypes.c_uint32(syscalls.REFUSE & 0xFFFF0000)
    known = syscalls.call(syscalls.SECCOMP, 2, 0, ctypes.byref(action)) == 0
    return Kernel(max(0, version), known and syscalls.NUMBERS is not None)


def bound(bounds: Bounds) -> None:
    """Limit this process's memory, processor time and files; nothing can raise them again."""
    import resource

    for what, most in (
        (resource.RLIMIT_AS, bounds.memory_bytes),
        (resource.RLIMIT_CPU, bounds.cpu_s),
        (resource.RLIMIT_FSIZE, bounds.file_bytes),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def shut_in(reads: Sequence[str], folder: str | None, kernel: Kernel) -> None:
    """Let this process read `reads` and programs, write into `folder`, and nothing more.

    `reads` are files that exist. Raises OSError where the kernel refuses what it said it has.
    """
    for option, value in ((_SET_NO_NEW_PRIVS, 1), (_SET_PDEATHSIG, _SIGKILL), (_SET_DUMPABLE, 0)):
        syscalls.checked(syscalls.LIBC.prctl(option, value, 0, 0, 0))
    if kernel.landlock:
        _take_files_away(reads, folder, kernel.landlock)
    if kernel.seccomp:
        program = syscalls.program(os.getpid(), writes=folder is not None)
        syscalls.checked(syscalls.LIBC.prctl(_SET_SECCOMP, 2, ctypes.byref(program), 0, 0))


def _take_files_away(reads: Sequence[str], folder: str | None, version: int) -> None:
    known = max(one for one in _FILES_BY_VERSION if one <= version)
    handled = _FILES_BY_VERSION[known]
    attributes = struct.pack("=Q", handled)
    if version >= 4:
        attributes += struct.pack("=Q", _TCP)
    if version >= 6:
        attributes += struct.pack("=Q", _SCOPES)
    rules = syscalls.checked(
        syscalls.call(syscalls.LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    )
    for path in programs():
        _allow(rules, path, _READ_FILE | _READ_DIR)
    for path in reads:
        _allow(rules, path, _READ_FILE)
    if folder is not None:
        rights = _READ_FILE | _READ_DIR | _WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE
        _allow(rules, folder, rights & handled)
    syscalls.checked(syscalls.call(syscalls.LANDLOCK_RESTRICT_SELF, rules, 0))
    os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there cannot be read: opening it says so in words
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= ~_READ_DIR
        rule = struct.pack("=Qi", rights, place)
        syscalls.checked(syscalls.call(syscalls.LANDLOCK_ADD_RULE, rules, 1, rule, 0))
    finally:
        os.close(place)


@cache
def programs() -> tuple[str, ...]:
    """Return the folders of Python, its packages, ours, and the system's libraries."""
    found_by = (importlib.util.find_spec(name) for name in PACKAGES)
    packages = [path for one in found_by if one for path in one.submodule_search_locations or ()]
    own = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    system = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
    cores = ("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu")
    found = dict.fromkeys((*own, *packages, str(Path(__file__).parents[1]), *system, *cores))
    return tuple(path for path in found if path is not None and os.path.exists(path))  # noqa: PTH110
