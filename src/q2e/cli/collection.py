"""Commands that make and look after a collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from q2e.cli.complete import channel_names, eye_names, profile_names, video_names
from q2e.cli.options import (
    IndexDir,
    Json,
    Quiet,
    Set,
    Wait,
    clock,
    directory,
    one_line,
    print_json,
    print_list,
    settings_given,
    shown,
    talk,
)

if TYPE_CHECKING:
    from q2e.ingest.run import Report
    from q2e.store.base import Failure
    from q2e.store.generations import Generation

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH...",
        help="Folders (searched recursively), files, globs, addresses (s3://BUCKET/FOLDER, gs://), "
        "or a .csv/.tsv/.jsonl manifest with "
        "path,title,description,date,language,tags.",
        show_default=False,
    ),
]


def index(
    paths: Paths = None,
    index_dir: IndexDir = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            "--channel",
            "-c",
            help="Read only this channel; may be repeated.",
            autocompletion=channel_names,
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Set of models. Another than the index has makes a second generation beside the "
            "first, which answers until the new one is whole; without PATH all its videos are "
            "read again.",
            autocompletion=profile_names,
        ),
    ] = None,
    eye: Annotated[
        str | None,
        typer.Option(
            help="See through what  q2e train eye  has learnt, by its name: a second generation, "
            "as with --profile.",
            autocompletion=eye_names,
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="Where a new index keeps its evidence; `q2e methods store` lists them."),
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(help="What runs the reading; `q2e methods executor` lists them."),
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads a model may use.")] = None,
    speech_language: Annotated[
        str | None, typer.Option(help="Language spoken (such as `es`); else recognised.")
    ] = None,
    fast: Annotated[
        bool | None,
        typer.Option(
            "--fast/--no-fast",
            help="Decode key frames alone (the setting `key_frames`): a fraction of the time, and "
            "shots found less exactly.",
            show_default=False,
        ),
    ] = None,
    words: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="A list of words, one a line, in any language (`list.de.txt` says which): those "
            "nearest to what is seen are kept as the channel `word`; none takes them back.",
            show_default=False,
        ),
    ] = "",
    told: Annotated[
        bool | None,
        typer.Option(
            "--told/--no-told",
            help="Keep captions that the language model writes by what is said, where pictures fit "
            "them, as the channel `told`; or take them back.",
            show_default=False,
        ),
    ] = None,
    seen: Annotated[
        bool | None,
        typer.Option(
            "--seen/--no-seen",
            help="Keep things that several captions of a video name, as the channel `seen`; or "
            "take them back.",
            show_default=False,
        ),
    ] = None,
    settings: Set = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Read videos into an index; run it again to add new ones or to go on after a stop.

    Files are known by content: renamed ones are recognised, unchanged ones cost nothing. A file
    that cannot be read is reported, the others are indexed, and the exit code is then 1. Words and
    text vectors made by other rules or another model are first made again of what is stored, and
    without PATH nothing else is done.
    """
    import q2e
    from q2e.cli.eye import profile_of
    from q2e.cli.progress import IndexProgress
    from q2e.errors import ConfigError, ModelError
    from q2e.models.fetch.pulling import lacking

    used = settings_given(
        settings,
        channels=tuple(channel) if channel else None,
        profile=profile if eye is None else profile_of(eye, profile),
        store=store,
        executor=executor,
        threads=threads,
        speech_language=speech_language,
        key_frames=fast,
    )
    collection = q2e.open(directory(index_dir), **used)
    if away := lacking(collection.settings.profile):
        raise ModelError(away)
    renew = not paths and "profile" not in used
    if words:
        kept = collection.keep_words(None if words == "none" else words, wait_s=wait)
        talk(f"{kept:,} shots have words of a list")
    if told is not None:
        talk(f"{collection.keep_told(told, wait_s=wait):,} captions are told by what is said")
    if seen is not None:
        talk(f"{collection.keep_seen(seen, wait_s=wait):,} things are seen in several captions")
    if renew and (words or told is not None or seen is not None):
        return
    if renew and not (collection.exists and collection.outdated):
        raise ConfigError("name folders or files to index, or a --profile to change to")
    with IndexProgress(quiet) as progress:
        if paths:
            report = collection.add(*paths, watch=progress.watch, wait_s=wait)
        elif renew:
            report = collection.refresh(watch=progress.watch, wait_s=wait)
        else:
            report = collection.switch(watch=progress.watch, wait_s=wait)
    if not json and "profile" in used:
        _say_generations(collection.status().generations, talk)
    _say_report(report, directory(index_dir), json)


def retry(
    failed: Annotated[bool, typer.Option("--failed", help="Read again what failed.")] = True,
    index_dir: IndexDir = None,
    wait: Wait = 0.0,
    json: Json = False,
) -> None:
    """Read again the files that failed before, as after mending or replacing them."""
    import q2e
    from q2e.cli.progress import IndexProgress

    collection = q2e.open(directory(index_dir))
    with IndexProgress() as progress:
        report = collection.retry(watch=progress.watch, wait_s=wait)
    _say_report(report, directory(index_dir), json)


def remove(
    videos: Annotated[
        list[str] | None,
        typer.Argument(
            help="Path, file name or id.", show_default=False, autocompletion=video_names
        ),
    ] = None,
    missing: Annotated[
        bool,
        typer.Option("--missing", help="Remove every video whose file is gone or overwritten."),
    ] = False,
    forget: Annotated[
        bool,
        typer.Option(
            "--forget",
            help="Leave no trace: not in other generations, labels or the cache, nor in the "
            "unused parts of files. Alone, do so for what was removed before.",
        ),
    ] = False,
    generation: Annotated[
        str | None,
        typer.Option(metavar="PROFILE", help="Remove what this profile's models made of all."),
    ] = None,
    index_dir: IndexDir = None,
    wait: Wait = 0.0,
    json: Json = False,
) -> None:
    """Remove videos from the index; the files themselves are never touched."""
    import q2e
    from q2e.errors import ConfigError

    collection = q2e.open(directory(index_dir))
    if not videos and not missing and not forget and generation is None:
        raise ConfigError("name the videos to remove, or use --missing or --generation")
    freed = 0 if generation is None else collection.remove_generation(generation)
    gone = []
    if videos or missing or forget:
        gone = collection.remove(*videos or (), missing=missing, forget=forget, wait_s=wait)
    if json:
        listed = [{"video": video.id, "path": video.path} for video in gone]
        print_json(
            {"removed": listed, "generation": generation, "freed": freed, "forgotten": forget}
        )
        return
    for video in gone:
        print(shown(video.path))
    if generation is not None:
        talk(f"the generation of {generation} is removed, {freed / 1e6:.1f} MB are free")
    else:
        talk(f"{len(gone)} removed" + (", and no trace left; backups are yours" if forget else ""))


def show(
    video: Annotated[
        str,
        typer.Argument(
            help="Path, file name or id.", show_default=False, autocompletion=video_names
        ),
    ],
    index_dir: IndexDir = None,
    json: Json = False,
) -> None:
    """Show everything known about one video: shots, transcript, screen text, tags, failures."""
    import q2e
    from q2e import shape
    from q2e.cli.render import print_record

    record = q2e.open(directory(index_dir)).show(video)
    if json:
        print_json(shape.record(record))
    else:
        print_record(record)


def list_videos(index_dir: IndexDir = None, json: Json = False) -> None:
    """List the videos of the index: the id of each, and its path."""
    import q2e
    from q2e import shape
    from q2e.paths import encodable

    videos = q2e.open(directory(index_dir)).each_video()
    if json:
        print_list({"version": shape.VERSION}, "videos", map(encodable(shape.video), videos))
        return
    for video in videos:
        print(f"{video.id}  {shown(video.path)}".rstrip())


def status(
    every: Annotated[
        bool,
        typer.Option(
            "--all", help="Name all failures, files that are gone and, in JSON, ids of videos."
        ),
    ] = False,
    index_dir: IndexDir = None,
    json: Json = False,
) -> None:
    """Say what the index holds, which files failed and why, and which files are gone."""
    import q2e
    from q2e import shape
    from q2e.survey import LISTED

    collection = q2e.open(directory(index_dir))
    listed = None if every else LISTED
    value = collection.status(listed=listed)
    if json:
        ids = [video.id for video in collection.each_video(limit=listed)]
        print_json(shape.status(value, ids))
        return
    videos = _counted(value.videos, "video")
    print(f"{value.directory}: {videos}, {clock(value.duration_s)}, ", end="")
    print(f"{value.size_bytes / 1e6:.1f} MB")
    for name, count in value.evidence.items():
        print(f"  {name:12} {count}")
    if len(value.generations) > 1:
        _say_generations(value.generations, print)
    if value.outdated:
        talk(
            f"words of {value.outdated} pieces of work were made by older rules; "
            "q2e index  without PATH makes them again, without the media"
        )
    _print_failures(value.failures, value.failed)
    if value.lost:
        gone = "file is" if value.lost == 1 else "files are"
        print(f"{value.lost} {gone} gone or overwritten (q2e remove --missing):")
        for path in value.missing:
            print(f"  {shown(path)}")
        if value.lost > len(value.missing):
            print(f"  and {value.lost - len(value.missing)} more (--all)")


def import_evidence(
    file: Annotated[Path, typer.Argument(help="JSONL file.", show_default=False)],
    index_dir: IndexDir = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Bring your own captions, transcripts, descriptions or vectors, without the media.

    One JSON object a line with `video`, `channel`, `text` and optional `start`, `end`,
    `language`, `vector`.
    """
    import q2e
    from q2e.cli.progress import CountProgress

    with CountProgress("lines", quiet) as progress:
        count = q2e.open(directory(index_dir)).import_evidence(
            file, wait_s=wait, watch=progress.watch
        )
    if json:
        print_json({"videos": count.videos, "evidence": count.evidence})
    else:
        pieces, videos = _counted(count.evidence, "piece"), _counted(count.videos, "video")
        talk(f"{pieces} of evidence of {videos} imported")


def _counted(number: int, one: str) -> str:
    return f"{number} {one if number == 1 else one + 's'}"


def _say_report(report: Report, where: Path, json: bool) -> None:
    from q2e import shape

    if json:
        print_json(shape.report(report))
    else:
        # Of a renamed file only what its name says is read again.
        moved = {new for _, new in report.renamed}
        read = sum(video.path not in moved for video in report.indexed)
        parts = [f"{read} indexed", f"{report.unchanged} unchanged"]
        parts += [f"{len(report.empty)} with nothing to read"] if report.empty else []
        parts += [f"{len(report.renamed)} renamed"] if report.renamed else []
        parts += [f"{len(report.replaced)} overwritten"] if report.replaced else []
        parts += [f"{report.refreshed} renewed"] if report.refreshed else []
        parts += [f"{len(report.duplicates)} the same as another"] if report.duplicates else []
        talk(", ".join(parts) + f"  ({where})")
        for node, done in sorted(report.nodes.items()):
            speed = done.video_s / done.busy_s if done.busy_s else 0.0
            tasks = _counted(done.tasks, "task")
            talk(f"  {node}: {tasks}, {clock(done.video_s)} of video, {speed:.1f} times as fast")
        for video in report.empty:
            talk(f"  {shown(video.path)} has nothing for the channels that were read")
        for path, of in report.duplicates:
            talk(f"  {shown(path)} has the same content as {shown(of)}")
        _print_failures(report.failures, len(report.failures), to_stderr=True)
    if report.failures:
        raise typer.Exit(1)


def _say_generations(found: tuple[Generation, ...], say: Callable[[str], None]) -> None:
    for one in found:
        state = "answers" if one.current else f"waits for {one.waiting} more videos"
        if not one.current and not one.waiting:
            state = f"is whole, no longer asked; q2e remove --generation {one.profile}"
        say(f"  profile {one.profile}: {one.videos} videos, {one.size_bytes / 1e6:.1f} MB, {state}")


def _print_failures(failures: Sequence[Failure], count: int, to_stderr: bool = False) -> None:
    say = talk if to_stderr else print
    if count:
        say(f"{count} failed (mend them, then q2e retry --failed):")
    for failure in failures:
        stage = f" [{failure.stage}]" if failure.stage else ""
        say(f"  {shown(failure.path)}{stage}: {one_line(failure.reason, 200)}")
    if count > len(failures):
        say(f"  and {count - len(failures)} more (--all)")
