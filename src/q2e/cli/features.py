"""`q2e features`: cached features of real clips, as `q2e train` reads them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from q2e.cli.options import Json, Quiet, Set, one_line, print_json, settings_given, talk

if TYPE_CHECKING:
    from q2e.features import Made
    from q2e.mmi.tuned import Tower

#: How the space of a vision tower ends.
TOWER = "/vision tower"
#: Files that could not be used, of which so many are told.
_TOLD = 5


def features(
    what: Annotated[
        str,
        typer.Argument(
            metavar="DATASET|INDEX",
            help="The folder of an index, or a data set by name (see  q2e eval datasets).",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="File to write, .npz.")],
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="Where the data set's own files lie."),
    ] = None,
    videos: Annotated[
        Path | None,
        typer.Option("--videos", metavar="DIR", help="Where its videos, or pictures, lie."),
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions",
            help="Of an index: rows of query and video (.csv, .tsv, .jsonl) instead of its own "
            "texts.",
        ),
    ] = None,
    texts: Annotated[
        str,
        typer.Option(
            "--texts",
            help="Of an index: which of its own texts, comma-separated, of a video; `none` for "
            "trainings that need no text, as language_free.",
        ),
    ] = "title,caption,summary,speech",
    eye: Annotated[
        bool,
        typer.Option("--eye", help="For  q2e train eye: what the picture model sees, unnamed."),
    ] = False,
    tower: Annotated[
        Path | None,
        typer.Option(
            "--tower",
            metavar="MODEL",
            help="For  q2e mmi tune MODEL:  what the vision tower of that LLaVA-class model sees.",
        ),
    ] = None,
    skeletons: Annotated[
        bool,
        typer.Option(
            "--skeletons",
            help="Of an index: also a skeleton of each text and video, for  q2e mmi tune.",
        ),
    ] = False,
    frames: Annotated[
        int, typer.Option("--frames", min=1, max=1_000, help="Frames read of each video.")
    ] = 16,
    most: Annotated[
        int, typer.Option("--most", min=1, help="Texts of a channel that a video is told by.")
    ] = 5,
    changes: Set = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Make features of clips for  q2e train,  by the models of the profile.

    Of an index, its stored vectors are taken and nothing is read again, but with --eye or --tower.
    Of a data set, files are found under --videos by their name. A run that was stopped goes on.
    Skeletons are made as  --rerank mmi  makes them, by a model where one is named; of what an index
    says itself, a video's skeleton leaves out the texts that it is told by.

    \b
      q2e features videos.q2e --out own.npz                              its own texts
      q2e features videos.q2e --texts none --out silent.npz              its frames alone
      q2e features videos.q2e --questions judged.csv --out judged.npz    questions with answers
      q2e features msrvtt_1ka --folder DIR --videos DIR --out msrvtt.npz
      q2e features own --folder DIR --videos PICTURES --eye --out eye.npz
      q2e features videos.q2e --questions judged.csv --tower LLAVA --skeletons --out tune.npz
    """
    from q2e.cli.progress import CountProgress
    from q2e.errors import ConfigError
    from q2e.evaluate.datasets import names
    from q2e.features import of_dataset, of_index
    from q2e.heads.feature_files import save

    if out.suffix != ".npz":
        raise ConfigError(f"--out {out}: features are written as .npz")
    if eye and tower is not None:
        raise ConfigError("--eye and --tower: frames are seen by one of them")
    given = settings_given(changes)
    with CountProgress("clips", quiet) as progress:
        if what in names():
            if skeletons:
                raise ConfigError(
                    f"--skeletons: {what} is a data set, and skeletons are made of what an index "
                    "holds; index its videos and give the index with --questions FILE"
                )
            if folder is None or videos is None:
                raise ConfigError(
                    f"{what} is a data set: give --folder, where its files lie, and --videos, "
                    "where its videos lie"
                )
            from q2e.models.registry import Models
            from q2e.settings import load_settings

            made = of_dataset(
                what, folder, videos, Models(load_settings(**given)), eye=eye,
                tower=_tower(tower), frames=frames, watch=progress.watch,
            )  # fmt: skip
        else:
            import q2e

            if not Path(what).is_dir():
                raise ConfigError(
                    f"{what}: neither the folder of an index nor a data set; see  q2e eval datasets"
                )
            named = "" if texts.strip() == "none" else texts
            own = tuple(filter(None, (part.strip() for part in named.split(","))))
            with q2e.open(what, **given) as index:
                made = of_index(
                    index, questions=questions, own=own, eye=eye, tower=_tower(tower),
                    frames=frames, most=most, watch=progress.watch,
                )  # fmt: skip
                if skeletons:
                    from q2e.outlines import outlined

                    found = outlined(made.features, index, () if questions else own, progress.watch)
                    made = replace(made, features=found.features)
                    by = ", ".join(f"{n} by {name}" for name, n in sorted(found.made_by.items()))
                    talk(one_line(f"skeletons: {by}", 300))
    save(made.features, out)
    _say(made, out, json)


def _tower(folder: Path | None) -> Tower | None:
    if folder is None:
        return None
    from q2e.heads.recipe import needs_torch

    needs_torch("a vision tower")
    from q2e.mmi.tuned import tower
    from q2e.settings import load_settings

    return tower(folder, load_settings())


def _say(made: Made, out: Path, json: bool) -> None:
    data = made.features
    counts = {name: data.split.count(name) for name in ("train", "val", "test")}
    for name, reason in list(made.missing.items())[:_TOLD]:
        talk(f"left out: {one_line(name, 80)}: {one_line(reason, 200)}")
    if len(made.missing) > _TOLD:
        talk(f"and {len(made.missing) - _TOLD} more")
    if json:
        print_json(
            {
                "features": str(out),
                "videos": len(data.frames),
                "texts": len(data.tokens),
                "splits": counts,
                "dimension": data.dimension,
                "text_dimension": data.text_dimension,
                "space": data.space,
                "skeletons": bool(data.video_outlines),
                "data": data.data,
                "licence": data.licence,
                "left_out": dict(made.missing),
            }
        )
        return
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"{len(data.frames)} videos ({told}), {len(data.tokens)} texts of {data.data}")
    print(f"{data.dimension} dimensions, {data.space}")
    if data.space.endswith(TOWER):
        print(f"in {out}; tune with  q2e mmi tune {out} --model MODEL --out adapters")
        return
    kind = "eye" if data.dimension != data.text_dimension else "head"
    named = " --recipe xpool" if kind == "head" else ""
    print(f"in {out}; train with  q2e train {kind} {out}{named} --out my-{kind}")
