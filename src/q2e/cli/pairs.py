"""The command that writes pairs of video and text to train on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from q2e.cli.complete import channel_names
from q2e.cli.options import Force, IndexDir, Json, directory, one_line, print_json, shown, talk


def pairs(
    file: Annotated[
        Path, typer.Argument(help="File to write: .jsonl or .csv.", show_default=False)
    ],
    pictures: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Also write a picture of each pair here.", show_default=False
        ),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            "--channel",
            "-c",
            help="Texts of this channel; may be repeated. [default: caption, told, speech]",
            autocompletion=channel_names,
            show_default=False,
        ),
    ] = None,
    composed: Annotated[
        bool,
        typer.Option("--composed", help="Also captions that are composed of other channels."),
    ] = False,
    force: Force = False,
    index_dir: IndexDir = None,
    json: Json = False,
) -> None:
    """Write stretches of video with the texts that tell of them, as data to train on.

    Each line of speech is one pair, and each caption. With --pictures the videos are opened once
    more, and  q2e train eye  reads what is written.

    \b
      q2e pairs pairs.jsonl
      q2e pairs pairs.csv --channel speech --pictures pictures
      q2e train eye pictures pairs.csv
    """
    import q2e
    from q2e.errors import ConfigError
    from q2e.paired import CHANNELS, pairs_of, write_pairs

    if file.exists() and not force:
        raise ConfigError(f"{file} is there already; --force writes over it")
    opened = q2e.open(directory(index_dir))
    found = pairs_of(opened.store, opened.each_video(), tuple(channel or CHANNELS), composed)
    count, failed = write_pairs(found, file, pictures)
    if json:
        print_json({"file": str(file), "pairs": count, "failed": failed})
        return
    for path, why in failed.items():
        talk(f"{one_line(path, 120)}: {why}")
    talk(f"{shown(file)}: {count:,} {'pair' if count == 1 else 'pairs'}")
    if not count:
        talk("no text tells of its own time here; see --channel and --composed")
