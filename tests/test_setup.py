"""What a fresh machine is given: packages of the system where they may be installed, said else."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
#: Programs that the script finds, by what they do instead.
PROGRAMS = {
    "id": "echo {user}",
    "dpkg-query": 'case "$*" in *here) echo install ok installed;; *) exit 1;; esac',
    "apt-get": 'echo "$*" >>{log}; case "$*" in *unknown) exit 100;; esac',
}


def _system(folder: Path, user: int, *packages: str, without: str = "") -> tuple[str, list[str]]:
    """Return what the script says, and what it asked of apt-get."""
    programs, log = folder / "programs", folder / "log"
    programs.mkdir()
    for name, does in PROGRAMS.items():
        if name != without:
            (programs / name).write_text("#!/bin/sh\n" + does.format(user=user, log=log) + "\n")
            (programs / name).chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "scripts" / "system.sh"), *packages],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == ""
    return done.stderr, log.read_text().splitlines() if log.exists() else []


def test_root_installs_what_is_missing(tmp_path: Path) -> None:
    said, asked = _system(tmp_path, 0, "here", "one", "two")
    assert said == ""
    assert asked[0] == "-qq update"
    assert [line.split()[-1] for line in asked[1:]] == ["one", "two"]


def test_one_unknown_package_keeps_no_other_away(tmp_path: Path) -> None:
    said, asked = _system(tmp_path, 0, "unknown", "two")
    assert said == "not installed: apt-get failed for unknown\n"
    assert asked[-1].split()[-1] == "two"


@pytest.mark.parametrize(
    ("user", "without", "says"),
    [(1000, "", "sudo apt-get install one"), (0, "apt-get", "has no apt-get")],
)
def test_where_nothing_may_be_installed_it_is_said(
    tmp_path: Path, user: int, without: str, says: str
) -> None:
    said, asked = _system(tmp_path, user, "one", "here", without=without)
    assert says in said and said.count("\n") == 1 and "here" not in said
    assert asked == []


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    assert _system(tmp_path, 0, "here") == ("", [])


def test_ci_runs_what_anyone_can() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert lines[-1].endswith("exec make system test")
    assert sum(not line.startswith("#") for line in lines) == 1


def test_packages_that_skipped_tests_name_are_installed() -> None:
    listed = re.search(r"^SYSTEM := ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    assert listed is not None
    installed = set(listed[1].replace("\\\n", " ").split())
    packs = {"ara", "hin", "kor", "rus", "tha"}
    assert installed == {"chromium", "tesseract-ocr", *(f"tesseract-ocr-{pack}" for pack in packs)}


@pytest.mark.parametrize(
    "file", sorted((ROOT / "tests").glob("test_web*.py")), ids=lambda p: p.stem
)
def test_tests_of_the_page_wait_for_states(file: Path) -> None:
    by_time = r"\bsleep\(|wait_for_timeout|wait_for_function|networkidle"
    assert not re.search(by_time, file.read_text("utf-8"))
