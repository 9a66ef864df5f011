"""System calls by number, and the seccomp filter that leaves only those that decoding needs.

The filter is a program of classic BPF, run by the kernel on each call: see seccomp(2). What is
not named is refused with EPERM rather than deadly, so that libraries can do without it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446

#: Names with their numbers on x86-64 and on 64-bit ARM; None where there is no such call.
_NAMED: dict[str, tuple[int | None, int | None]] = {
    # reading and writing what is open, and opening for reading
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "poll": (7, None),
    "ppoll": (271, 73),
    "lseek": (8, 62),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "readv": (19, 65),
    "writev": (20, 66),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "dup": (32, 23),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "fcntl": (72, 25),
    "ftruncate": (77, 46),
    "getcwd": (79, 17),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getdents64": (217, 61),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    # memory, threads and time
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "futex": (202, 98),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "set_tid_address": (218, 96),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "arch_prctl": (158, None),
    "gettid": (186, 178),
    "getpid": (39, 172),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "times": (100, 153),
    # signals to itself
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    # facts that change nothing
    "getrandom": (318, 278),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
}
#: Allowed besides where a folder may be written to.
_WRITING: dict[str, tuple[int | None, int | None]] = {
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "fallocate": (285, 47),
}
_OPENAT, _CLONE, _CLONE3 = (257, 56), (56, 220), (435, 435)
_TGKILL, _PRLIMIT = (234, 131), (302, 261)
_SECCOMP = (317, 277)

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_machine = _MACHINES.get(platform.machine() if platform.system() == "Linux" else "")
#: Column of this machine's numbers, and what the kernel calls it; None where they are not known.
NUMBERS = _machine
SECCOMP = _SECCOMP[_machine[0] if _machine else 0]

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
_UNKNOWN = 0x00050000 | errno.ENOSYS
_KILL = 0x80000000

_CLONE_THREAD = 0x00010000
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# Instructions of classic BPF, from linux/bpf_common.h.
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16


class _Step(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("then", ctypes.c_ubyte),
        ("otherwise", ctypes.c_ubyte),
        ("k", ctypes.c_uint),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))


def call(number: int, *arguments: Any) -> int:
    """Make a system call and return its answer, -1 where it is refused."""
    if platform.system() != "Linux":
        return -1
    return int(LIBC.syscall(ctypes.c_long(number), *arguments))


def checked(answer: int) -> int:
    """Return the answer of a call. Raises OSError where it is -1."""
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer


def program(pid: int, *, writes: bool) -> ctypes.Structure:
    """Return the filter for process `pid` of this machine, to be given to prctl(2).

    Threads may be started but no processes, files opened for reading (and, with `writes`, for
    writing), signals sent to `pid` alone, limits read but not set.
    """
    assert NUMBERS is not None
    column, machine = NUMBERS
    allowed = {**_NAMED, **(_WRITING if writes else {})}
    steps: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    for numbers in allowed.values():
        if (number := numbers[column]) is not None:
            steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, ALLOW)]
    # glibc takes clone instead, whose flags can be looked at.
    steps += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _UNKNOWN)]
    steps += _if_argument(_CLONE[column], 0, (_ANY_BIT, 0, 1, _CLONE_THREAD))
    if writes:
        steps += [(_EQUAL, 0, 1, _OPENAT[column]), (_RETURN, 0, 0, ALLOW)]
    else:
        steps += _if_argument(_OPENAT[column], 2, (_ANY_BIT, 1, 0, _WRITES))
    steps += _if_argument(_TGKILL[column], 0, (_EQUAL, 0, 1, pid))
    steps += [
        (_EQUAL, 0, 5, _PRLIMIT[column]),
        (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * 2),
        (_EQUAL, 0, 3, 0),
        (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * 2 + 4),
        (_EQUAL, 0, 1, 0),
        (_RETURN, 0, 0, ALLOW),
        (_RETURN, 0, 0, REFUSE),
    ]
    array = (_Step * len(steps))(*(_Step(*step) for step in steps))
    made = _Program(len(steps), array)
    made.kept = array
    return made


def _if_argument(
    number: int, argument: int, test: tuple[int, int, int, int]
) -> list[tuple[int, int, int, int]]:
    """Return steps that end with ALLOW or REFUSE for one call, by the low half of an argument."""
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument),
        test,
        (_RETURN, 0, 0, ALLOW),
        (_RETURN, 0, 0, REFUSE),
    ]
