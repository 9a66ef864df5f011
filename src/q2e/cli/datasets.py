"""`q2e eval datasets`: the data sets of the field, checked, and written for other commands."""

from __future__ import annotations

import json as json_lib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from q2e.cli.options import Json, one_line, print_json, talk

if TYPE_CHECKING:
    from q2e.evaluate.datasets import Dataset, Loaded, Spec


def datasets(
    name: Annotated[
        str | None, typer.Argument(help="Data set; all are listed without it.", show_default=False)
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="Where its files lie; check and read them."),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write",
            metavar="DIR",
            help="Write queries.tsv, qrels.txt, moments.json, references.jsonl and others there.",
        ),
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Ask a repeated sentence once, all its videos right.")
    ] = False,
    json: Json = False,
) -> None:
    """List the field's data sets, or check one in a folder and write it for other commands.

    Nothing is downloaded: what is missing is named, with where it is published. Counts and hashes
    that are not the published ones are warned of, as figures then compare with nothing published.
    """
    from q2e.errors import ConfigError
    from q2e.evaluate.datasets import load, names, spec_of

    if name is None:
        specs = [spec_of(one) for one in names()]
        if json:
            print_json({"datasets": [_spec(one) for one in specs]})
        else:
            for one in specs:
                print(f"{one.name:18} {one.title}")
        return
    spec = spec_of(name)
    if folder is None:
        if write is not None:
            raise ConfigError("--write needs --folder, where the data set's files lie")
        if json:
            print_json(_spec(spec))
        else:
            _print_spec(spec)
        return
    loaded = load(name, folder)
    dataset = loaded.dataset
    if dataset is not None and merge:
        dataset = dataset.merged()
    written = [] if dataset is None or write is None else _write(dataset, write)
    if json:
        print_json(_loaded(loaded, dataset, written))
    else:
        _print_loaded(loaded, dataset, written)
    if dataset is None:
        raise typer.Exit(1)


def _write(dataset: Dataset, folder: Path) -> list[str]:
    from q2e.evaluate.runs import write_qrels

    folder.mkdir(parents=True, exist_ok=True)
    write_qrels(folder / "qrels.txt", dataset.qrels)
    lines = {
        "queries.tsv": [
            f"{query}\t{' '.join(text.split())}" for query, text in dataset.queries.items()
        ],
        "videos.txt": list(dataset.videos),
        "groups.tsv": [f"{query}\t{group}" for query, group in dataset.groups.items()],
        "evidence.jsonl": [json_lib.dumps(one, ensure_ascii=False) for one in dataset.evidence],
    }
    written = ["qrels.txt"]
    for name, content in lines.items():
        if content:
            (folder / name).write_text("\n".join(content) + "\n", encoding="utf-8")
            written.append(name)
    if dataset.texts or dataset.moments:
        told = [json_lib.dumps(one, ensure_ascii=False) for one in dataset.references()]
        (folder / "references.jsonl").write_text("\n".join(told) + "\n", encoding="utf-8")
        written.append("references.jsonl")
    if dataset.moments:
        moments = {
            query: [[one.video, one.start_s, one.end_s, one.relevance] for one in found]
            for query, found in dataset.moments.items()
        }
        text = json_lib.dumps(moments, ensure_ascii=False)
        (folder / "moments.json").write_text(text + "\n", encoding="utf-8")
        written.append("moments.json")
    return [str(folder / name) for name in written]


def _spec(spec: Spec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "title": spec.title,
        "licence": spec.licence,
        "published": spec.published,
        "protocol": spec.protocol,
        "counts": dict(spec.counts),
        "files": [
            {"name": one.name, "what": one.what, "url": one.url, "sha256": one.sha256,
             "optional": one.optional}
            for one in spec.files
        ],
    }  # fmt: skip


def _loaded(loaded: Loaded, dataset: Dataset | None, written: list[str]) -> dict[str, Any]:
    return {
        "name": loaded.spec.name,
        "licence": loaded.spec.licence,
        "protocol": loaded.spec.protocol,
        "usable": dataset is not None,
        "as_published": loaded.whole,
        "counts": {} if dataset is None else dataset.counts(),
        "findings": [
            {"kind": one.kind, "level": one.level, "text": one.text, "url": one.url}
            for one in loaded.findings
        ],
        "files": dict(loaded.files),
        "written": written,
    }


def _print_spec(spec: Spec) -> None:
    print(
        f"{spec.title}\n  {spec.protocol}\n  licence: {spec.licence}\n  published: {spec.published}"
    )
    for one in spec.files:
        print(f"  file {one.name}{' (may be left out)' if one.optional else ''}: {one.what}")
    for what, count in spec.counts.items():
        print(f"  {what.replace('_', ' ')}: {count}")
    talk(f"check a folder:  q2e eval datasets {spec.name} --folder DIR")


def _print_loaded(loaded: Loaded, dataset: Dataset | None, written: list[str]) -> None:
    print(loaded.spec.title)
    for what, count in ({} if dataset is None else dataset.counts()).items():
        if count:
            print(f"  {what.replace('_', ' ')}: {count}")
    for finding in loaded.findings:
        talk(f"{finding.level}: {one_line(finding.text, 400)}")
    if loaded.whole:
        print("  as published")
    for path in written:
        print(path)
