"""Help of commands comes from tables, so that no command is imported for it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from q2e.cli import app
from q2e.cli.eval import app as evaluation
from q2e.cli.later import found_at, table_of

TABLES = [table_of(app), table_of(evaluation)]


@pytest.mark.parametrize("table", TABLES)
def test_each_command_is_there_and_tells_what_the_list_says(
    table: dict[str, tuple[str, str]],
) -> None:
    assert table
    for name, (target, summary) in table.items():
        found = found_at(target)
        if isinstance(found, typer.Typer):
            assert found.info.help == summary, name
        else:
            assert " ".join(found.__doc__.partition("\n\n")[0].split()) == summary, name


def test_help_imports_no_command() -> None:
    code = (
        "import contextlib, io, sys\n"
        "from q2e.cli import app\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    app(['--help'])\n"
        "print(*(name for name in sys.modules if name.startswith('q2e')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) < {
        *("q2e", "q2e.about", "q2e.errors", "q2e.processes", "q2e.cli", "q2e.cli.later"),
        "q2e.paths",
        "q2e.text",
    }
