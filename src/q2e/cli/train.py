"""`q2e train`: a recipe on cached features; `q2e eval head` measures what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from q2e.cli.options import Json, one_line, print_json, talk

if TYPE_CHECKING:
    from q2e.heads.checkpoint import Line
    from q2e.heads.features import FeatureSet
    from q2e.heads.kept import Kept

Features = Annotated[
    str,
    typer.Argument(
        help="Cached features, .npz or .jsonl, as  q2e features  writes them, or `synthetic`: "
        "made-up videos in which only the order of events tells one from another.",
        show_default=False,
    ),
]


def train(
    kind: Annotated[
        str,
        typer.Argument(
            help="What is trained: eye, head, compose, localise or mmi.", show_default=False
        ),
    ],
    features: Annotated[
        str,
        typer.Argument(
            metavar="FEATURES|PICTURES|INDEX",
            help="Cached features, .npz or .jsonl, as  q2e features  writes them, or `synthetic`. "
            "For an eye also a folder of pictures, or of an index whose frames and texts serve.",
            show_default=False,
        ),
    ],
    captions: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[CAPTIONS]...",
            help="For an eye, with a folder of pictures: their captions, COCO-style JSON, .csv, "
            ".tsv or .jsonl; a file for each language.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for checkpoints, log and weights; an eye that has a --name needs none.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Of an eye: what  q2e index --eye  calls it.  [default: eye]"),
    ] = None,
    most: Annotated[
        int, typer.Option("--pictures", min=1, help="Of an eye: pictures trained on, at most.")
    ] = 10_000,
    each: Annotated[
        int, typer.Option("--each", min=1, help="Of an eye: captions of a picture in a file.")
    ] = 1,
    data: Annotated[
        str, typer.Option("--data", help="Of an eye: what the pictures are, kept with it.")
    ] = "",
    licence: Annotated[
        str, typer.Option("--licence", help="Of an eye: what their licence says, kept with it.")
    ] = "",
    profile: Annotated[
        str, typer.Option("--profile", help="Of an eye: the profile that it is trained for.")
    ] = "local",
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="NAME",
            help="How: see  q2e methods training.  Needed where a kind has several.",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A parameter of the recipe. May be repeated."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Train a part of the search on cached features, and keep the best.

    The split `train` is trained on, `val` says which step was best, `test` is for  q2e eval head.
    Stop it at any time: the same command goes on from the last checkpoint, bit for bit.

    \b
      q2e features videos.q2e --out own.npz                      features of an index
      q2e train head own.npz --recipe xpool --out my-head        attention by the question
      q2e train head own.npz --recipe meanpool --out baseline    what it has to beat
      q2e train eye pictures captions.json --name coco           then  q2e index --eye coco
      q2e eval head own.npz --head my-head                       measured on the split test
      q2e methods xpool                                          all parameters for --set
    """
    from q2e.cli import eye as eyes
    from q2e.cli.options import pairs_of
    from q2e.errors import ConfigError
    from q2e.heads.train import chosen, trained

    choice = chosen(kind, recipe, pairs_of(changes))
    if kind == "eye":
        named = eyes.name_of(name, out, profile)
        out = out or eyes.folder_of(named)
        made = eyes.features_of(features, captions or [], profile, most, each, data, licence)
    elif out is None:
        raise ConfigError("--out is needed: the folder for checkpoints, log and weights")
    elif captions or name:
        raise ConfigError(f"captions and --name are of an eye; a {kind} is trained on FEATURES")
    else:
        named, made = "", loaded(features)
    counts = {name: sum(one == name for one in made.split) for name in ("train", "val", "test")}
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    talk(f"{choice}: {len(made.frames)} videos ({told}), {len(made.tokens)} texts")
    kept, note = trained(choice, made, out, watch)
    _mmi(kept, out, features)
    if note:
        talk(f"note: {note}")
    answer = {"head": str(out), **_about(kept), "note": note}
    if named:
        answer["name"] = eyes.named(named, profile, out, kept)
    if json:
        print_json(answer)
        return
    print(f"{kept.recipe}: {kept.facts['validation']:.4f} on val")
    print(f"learnt from {kept.data or 'data not named'}; licence {kept.licence or 'not stated'}")
    if named:
        print(f"kept in {out}; see through it with  q2e index PATH --eye {named}")
    else:
        print(f"kept in {out}; measure it with  q2e eval head {features} --head {out}")


def head(
    features: Features,
    head: Annotated[
        Path, typer.Option("--head", help="Folder of what was trained.", show_default=False)
    ],
    split: Annotated[str, typer.Option("--split", help="train, val or test.")] = "test",
    matrix: Annotated[
        Path | None, typer.Option("--matrix", help="Also write the scores (.npy), texts x videos.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure what  q2e train  has learnt, on a split of features.

    The scores that --matrix writes can be fused and compared with  q2e eval matrix.
    """
    import numpy as np

    from q2e.heads.train import opened

    kept, recipe = opened(head)
    data = loaded(features).subset(split)
    figures = recipe.figures(kept.weights, data)
    if matrix is not None:
        np.save(matrix, recipe.scores(kept.weights, data))
    if json:
        print_json(
            {
                "head": str(head),
                **_about(kept),
                "split": split,
                "texts": len(data.tokens),
                "videos": len(data.frames),
                "figures": figures,
            }
        )
        return
    print(f"{kept.recipe} on {split}: {len(data.tokens)} texts, {len(data.frames)} videos")
    print("  ".join(f"{name} {value:.4g}" for name, value in figures.items()))
    print(f"learnt from {kept.data or 'data not named'}; licence {kept.licence or 'not stated'}")


def loaded(features: str) -> FeatureSet:
    """Return the features of a file, or the synthetic ones."""
    from q2e.heads.feature_files import load
    from q2e.mmi.synthetic import synthetic

    return synthetic() if features == "synthetic" else load(Path(features))


def _about(kept: Kept) -> dict[str, Any]:
    return {
        "kind": kept.kind,
        "recipe": kept.recipe,
        "space": kept.space,
        "data": kept.data,
        "licence": kept.licence,
        **kept.facts,
    }


def _mmi(kept: Kept, out: Path, features: str) -> None:
    """Write a head of MMI-TVR in the form of a model source too."""
    if kept.kind != "mmi":
        return
    from q2e.mmi.train import best_head
    from q2e.mmi.weights import save_head

    made, facts = best_head(out)
    save_head(made, out, features=Path(features).name, **facts)
    talk(one_line(f"name it in a profile:  [optional]  mmi = 'file:{out.resolve()}'", 300))


def watch(line: Line, total: int) -> None:
    """Say one line of a training's log."""
    value = "" if line.validation is None else f", val {line.validation:.4f}"
    talk(
        f"step {line.step}/{total} {line.stage}: loss {line.loss:.4f}{value}, {line.seconds:.0f} s"
    )
