"""Commands that say what is installed, what is missing, and the command that completes it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from q2e.cli.options import IndexDir, Json, directory, print_json, talk

models = typer.Typer(help="The models of each profile.", no_args_is_help=True)


def doctor(json: Json = False) -> None:
    """Check this machine: what each profile needs, has and lacks, and what to do about it."""
    from q2e.checks import check_all

    checks = check_all()
    enough = all(check.ok or check.optional for check in checks)
    if json:
        print_json({"ok": enough, "checks": [check.shape() for check in checks]})
    else:
        for check in checks:
            mark = "ok  " if check.ok else ("--  " if check.optional else "MISSING")
            print(f"{mark:8}{check.name}: {check.found}")
            if check.advice:
                print(f"{'':8}  {check.advice}")
    if not enough:
        raise typer.Exit(1)


def config(index_dir: IndexDir = None, json: Json = False) -> None:
    """Show every setting with its value, and where to change it."""
    from q2e.choices import KINDS
    from q2e.settings import Settings, effective, load_settings
    from q2e.settings_file import CONFIG_NAME

    where = directory(index_dir)
    settings = load_settings(where)
    values = effective(settings)
    if json:
        print_json(values)
        return
    talk(f"change them in {where / CONFIG_NAME}, by environment variables Q2E_NAME, or for one run")
    talk("of  index, search  or  run  with --set NAME=VALUE")
    for name, field in Settings.model_fields.items():
        told = field.description
        if name in KINDS:
            told = f"{told} See  q2e methods {name}."
            told += f" [by the recipe {settings.recipe}]" * (getattr(settings, name) is None)
        print(f"{name} = {values[name]!r}")
        print(f"    {told}")


@models.command("list")
def list_models(json: Json = False) -> None:
    """List the models of each profile with licence, size and languages."""
    from q2e.checks import model_rows
    from q2e.models.fetch.sources import said

    rows = model_rows()
    if json:
        print_json(rows)
        return
    for row in rows:
        state = "ready" if row["installed"] else f"missing: {row['install'] or 'a plugin'}"
        print(f"{row['profile']:9} {row['task']:10} {row['id']}  ({state})")
        size = said(row["size"]) if row["size"] else "size not known"
        print(f"{'':21}{row['licence']}, {size}, languages: {row['languages']}")
        if row["note"]:
            print(f"{'':21}{row['note']}")


@models.command("pull")
def pull(
    what: Annotated[
        str, typer.Argument(metavar="PROFILE|SOURCE", help="Profile, or one model's source.")
    ] = "local",
    profile: Annotated[
        str | None, typer.Option("--profile", help="The profile, in place of the argument.")
    ] = None,
    optional: Annotated[
        bool, typer.Option("--all", help="With a profile: its optional models too.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Look up anew what a branch such as `main` stands for.")
    ] = False,
    code: Annotated[
        bool,
        typer.Option(
            "--with-code",
            help="Also fetch the repository's own Python files; they only run where the setting "
            "`remote_code` names it.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Fetch and check models, so that later runs need no network; go on where a pull stopped.

    Nothing else ever downloads: not indexing, not searching. Models come at a pinned revision;
    where a source names a branch, the commit it stands for is said and kept. Each file is held to
    the hash the hub lists, and only weights that cannot run code are taken.
    Every model of the profile `local` arrives with a package, so pulling it only checks them.
    """
    from q2e.cli.progress import PullProgress
    from q2e.models.fetch.pulling import pull as fetch

    with PullProgress() as progress:
        pulled = fetch(profile or what, optional=optional, update=update, code=code, watch=progress)
    if json:
        print_json([asdict(one) for one in pulled])
        return
    for one in pulled:
        print(f"{one.task:10} {one.source}")
        if one.path:
            talk(f"{'':10} {one.path}")
