"""`q2e mmi train | export | eval | tune`: train on cached features, keep it, measure it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from q2e.cli.options import Json, print_json, talk
from q2e.cli.train import loaded, watch

app = typer.Typer(
    name="mmi",
    help="Train a head of the multi-modal inductive framework (MMI-TVR) on cached features.",
    epilog="Start with:  q2e mmi train synthetic --out my-training",
    no_args_is_help=True,
    add_completion=False,
)

_Features = Annotated[
    str,
    typer.Argument(
        help="Cached features, .npz or .jsonl (see the page on MMI), or `synthetic`: made-up "
        "videos in which only the order of events tells one from another."
    ),
]
_Split = Annotated[str, typer.Option("--split", help="train, val or test.")]


@app.command("train")
def train_command(
    features: _Features,
    out: Annotated[Path, typer.Option("--out", help="Folder for checkpoints, log and weights.")],
    steps: Annotated[int, typer.Option("--steps", help="Steps of contrast.")] = 600,
    masked_steps: Annotated[
        int, typer.Option("--masked-steps", help="Steps of masked prediction before.")
    ] = 200,
    batch: Annotated[int, typer.Option("--batch", help="Videos in a batch.")] = 64,
    accumulate: Annotated[
        int, typer.Option("--accumulate", help="Batches to one step of the optimizer.")
    ] = 1,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="Highest rate.")] = 1e-3,
    warmup: Annotated[int, typer.Option("--warmup", help="Steps until the highest rate.")] = 50,
    patience: Annotated[
        int, typer.Option("--patience", help="Checks without gain until it stops; 0 never.")
    ] = 5,
    check_every: Annotated[
        int, typer.Option("--check-every", help="Steps between checkpoints.")
    ] = 100,
    precision: Annotated[
        str, typer.Option("--precision", help="float32, bfloat16 or float16.")
    ] = "float32",
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 0,
    threads: Annotated[int, typer.Option("--threads", help="Threads on the CPU.")] = 1,
    temporal: Annotated[
        str, typer.Option("--temporal", help="Temporal attention: H, self or none.")
    ] = "H",
    spatial: Annotated[
        str, typer.Option("--spatial", help="Spatial attention: G, self or none.")
    ] = "G",
    alpha: Annotated[
        str,
        typer.Option(
            "--alpha", help="Weights of frames: closeness, disparity, learned or uniform."
        ),
    ] = "closeness",
    beta: Annotated[
        str,
        typer.Option(
            "--beta",
            help="Weights of key-images: length, closeness, disparity, learned or uniform.",
        ),
    ] = "length",
    most: Annotated[int, typer.Option("--key-images", help="Most key-images of a video.")] = 16,
    json: Json = False,
) -> None:
    """Train on the split `train`, keep the best by `val`; run again to go on where it stopped.

    `q2e train mmi FEATURES --out DIR --set steps=600` is the same training, with the parameters of
    the recipe `mmi`.
    """
    from q2e.heads.recipe import needs_torch

    needs_torch("training")
    from q2e.heads.schedule import TrainConfig
    from q2e.mmi.features import config_for
    from q2e.mmi.train import train_head
    from q2e.mmi.weights import save_head

    data = loaded(features)
    head_config = config_for(
        data, temporal=temporal, spatial=spatial, alpha=alpha, beta=beta, most=most
    )
    config = TrainConfig(
        seed=seed,
        steps=steps,
        masked_steps=masked_steps,
        batch=batch,
        accumulate=accumulate,
        learning_rate=learning_rate,
        warmup=warmup,
        check_every=check_every,
        patience=patience,
        precision=precision,  # type: ignore[arg-type]
        device=device,
        threads=threads,
    )
    talk(
        f"{len(data.frames)} videos, {len(data.tokens)} texts, {config.total} steps; "
        f"log and checkpoints in {out}"
    )
    head, done = train_head(data, head_config, config, out, watch)
    save_head(head, out, **_facts(features, done))
    if done.stopped_early:
        talk(f"stopped early: no gain in the last {patience} checks")
    answer = {"weights": str(out), "source": f"file:{out}", **_facts(features, done)}
    if json:
        print_json(answer)
        return
    print(f"best at step {done.best_step}: mean reciprocal rank {done.best:.4f} on val")
    print(f"weights in {out}; measure them with  q2e mmi eval {features} --head {out}")


@app.command("export")
def export_command(
    source: Annotated[
        Path, typer.Argument(help="Folder of a training, also of one that was stopped.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the weights.")],
    json: Json = False,
) -> None:
    """Write a training's best weights as a model source: mmi.safetensors and mmi.json."""
    from q2e.heads.recipe import needs_torch

    needs_torch("training")
    from q2e.mmi.train import best_head
    from q2e.mmi.weights import save_head

    head, facts = best_head(source)
    save_head(head, out, **facts)
    size = (out / "mmi.safetensors").stat().st_size
    if json:
        print_json({"weights": str(out), "source": f"file:{out}", "size_bytes": size} | facts)
        return
    print(f"{size} bytes in {out}")
    print(f'name it in a profile:  [optional]  mmi = "file:{out.resolve()}"')


@app.command("eval")
def eval_command(
    features: Annotated[
        str,
        typer.Argument(
            help="Cached features, .npz or .jsonl, `synthetic`, or the folder of an index."
        ),
    ],
    head: Annotated[
        Path | None, typer.Option("--head", help="Folder of weights; untrained without it.")
    ] = None,
    split: _Split = "test",
    matrix: Annotated[
        Path | None, typer.Option("--matrix", help="Also write the scores (.npy), texts x videos.")
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions",
            help="With the folder of an index: rows of query and video (.csv, .tsv, .jsonl).",
        ),
    ] = None,
    way: Annotated[
        str, typer.Option("--rerank", help="With an index: how the joint score is made.")
    ] = "mmi",
    json: Json = False,
) -> None:
    """Measure a head on features, text to video and video to text.

    Of the folder of an index, with --questions, the joint score of vectors and skeletons is
    measured: skeletons are compared for the best videos of each question, and for the best
    questions of each video.
    """
    if Path(features).is_dir():
        return _eval_index(Path(features), questions, way, json)
    import numpy as np

    from q2e.evaluate.matrix import evaluate_matrices
    from q2e.mmi.features import config_for, scores
    from q2e.mmi.reason import Head
    from q2e.mmi.weights import load_head

    data = loaded(features).subset(split)
    used = Head.untrained(config_for(data)) if head is None else load_head(head)
    table = scores(used, data)
    if matrix is not None:
        np.save(matrix, table)
    report = evaluate_matrices([table], relevance=data.relevance())
    answer: dict[str, Any] = {
        "head": "untrained" if head is None else str(head),
        "split": split,
        "texts": len(data.tokens),
        "videos": len(data.frames),
        "text_to_video": report.queries_to_items.values,
        "video_to_text": report.items_to_queries.values,
        "intervals": {name: [one.low, one.high] for name, one in report.intervals.items()},
        "notes": list(report.notes),
    }
    for note in report.notes:
        talk(f"note: {note}")
    _say(answer, json)


def _eval_index(folder: Path, questions: Path | None, way: str, json: bool) -> None:
    import math

    import numpy as np

    import q2e
    from q2e.errors import ConfigError
    from q2e.evaluate.datasets.own import judged
    from q2e.evaluate.matrix import evaluate_matrices
    from q2e.methods.rerank.base import Tools
    from q2e.methods.rerank.both_ways import both_ways
    from q2e.methods.rerank.mmi import MmiReranker
    from q2e.plugins import registry
    from q2e.store.listed import Listed

    if questions is None:
        raise ConfigError(f"{folder} is an index: give --questions, rows of query and video")
    chosen = registry().one("rerank", way)
    if not isinstance(chosen.bound, MmiReranker):
        raise ConfigError(f"--rerank {way}: here it is  mmi(...);  see  q2e methods rerank mmi")
    data = judged(questions)
    with q2e.open(folder) as index:
        videos = Listed(index.store, index.each_video())
        place = {video.id: number for number, video in enumerate(videos)}
        relevance = np.zeros((len(data.queries), len(videos)))
        for row, query in enumerate(data.queries):
            for name, grade in data.qrels[query].items():
                relevance[row, place[index.find(name).id]] = grade
        tools = Tools(index.settings, index.models, math.inf, index.store)
        found = both_ways(chosen.bound, list(data.queries.values()), videos, tools)
    shown = {
        direction: evaluate_matrices([scores], relevance=relevance)
        for direction, scores in found.scores.items()
    }
    answer = {
        "index": str(folder),
        "way": str(chosen),
        "texts": len(data.queries),
        "videos": len(videos),
        "text_to_video": shown["text_to_video"].queries_to_items.values,
        "video_to_text": shown["video_to_text"].items_to_queries.values,
        "judged": {name: dict(count) for name, count in found.judged.items()},
    }
    _say(answer, json)


def _say(answer: dict[str, Any], json: bool) -> None:
    if json:
        print_json(answer)
        return
    for direction in ("text_to_video", "video_to_text"):
        values = "  ".join(f"{name} {value:.4g}" for name, value in answer[direction].items())
        print(f"{direction.replace('_', ' ')}: {values}")


@app.command("tune")
def tune_command(
    features: Annotated[
        Path,
        typer.Argument(help="Features by the model's vision tower, with texts."),
    ],
    model: Annotated[
        Path, typer.Option("--model", help="Folder of a LLaVA-class model.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for checkpoints and adapters.")],
    steps: Annotated[int, typer.Option("--steps", help="Steps of contrast.")] = 600,
    masked_steps: Annotated[
        int, typer.Option("--masked-steps", help="Steps of masked prediction before.")
    ] = 200,
    batch: Annotated[int, typer.Option("--batch", help="Videos in a batch.")] = 16,
    accumulate: Annotated[
        int, typer.Option("--accumulate", help="Batches to one step of the optimizer.")
    ] = 1,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="Highest rate.")] = 3e-5,
    rank: Annotated[int, typer.Option("--rank", min=1, help="Rank of the adapters.")] = 8,
    lambda_r: Annotated[
        float, typer.Option("--lambda-r", min=0, help="Share of the vectors in the loss (eq. 10).")
    ] = 0.6,
    lambda_s: Annotated[
        float, typer.Option("--lambda-s", min=0, help="Share of the skeletons; 0 leaves them out.")
    ] = 0.3,
    asked: Annotated[
        int,
        typer.Option(
            "--asked", min=1, help="Texts of a batch whose skeletons are compared, twice each."
        ),
    ] = 8,
    patience: Annotated[
        int, typer.Option("--patience", help="Checks without gain until it stops; 0 never.")
    ] = 5,
    check_every: Annotated[
        int, typer.Option("--check-every", help="Steps between checkpoints.")
    ] = 100,
    precision: Annotated[
        str, typer.Option("--precision", help="float32, bfloat16 or float16.")
    ] = "float32",
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 0,
    json: Json = False,
) -> None:
    """Fine-tune a LLaVA-class model by LoRA; run again to go on where it stopped.

    \b
      q2e features videos.q2e --questions judged.csv --tower LLAVA --skeletons --out tune.npz
      q2e mmi tune tune.npz --model LLAVA --out adapters

    Where the features hold skeletons the model learns to compare those too, by the very question
    that a search asks it.

    A profile names the result as `mmi = "file:OUT"` under `[optional]`. `--rerank mmi` then takes
    its vectors, skeletons and judgements from it; `mmi(tuned=False)` is the same without its
    adapters.
    """
    from q2e.heads.recipe import needs_torch

    needs_torch("training")
    from q2e.heads.feature_files import load
    from q2e.heads.schedule import TrainConfig
    from q2e.mmi.lora import LoraSettings, tune
    from q2e.mmi.tuned import enc_of, opened, save_tuned
    from q2e.settings import load_settings

    data, seeing = load(features), opened(model, load_settings())
    config = TrainConfig(
        seed=seed,
        steps=steps,
        masked_steps=masked_steps,
        batch=batch,
        accumulate=accumulate,
        learning_rate=learning_rate,
        check_every=check_every,
        patience=patience,
        precision=precision,  # type: ignore[arg-type]
        device=device,
    )
    used = LoraSettings(
        rank=rank, alpha=2 * rank, relevance=lambda_r, skeleton=lambda_s, asked=asked
    )
    enc = enc_of(seeing) if data.video_outlines and lambda_s else None
    if enc is None:
        talk(
            "note: trained by vectors alone, "
            + ("as --lambda-s 0 says" if data.video_outlines else "for the features hold no "
               "skeletons (q2e features INDEX --tower MODEL --skeletons)")
        )  # fmt: skip
    objective, done = tune(seeing._model, seeing.numbers, data, config, used, out, watch, enc)
    facts = _facts(str(features), done) | {"agreement": _agreement(objective, data)}
    save_tuned(out, model, used, data.space, **facts)
    answer = {"adapters": str(out), "source": f"file:{out}", **facts}
    if json:
        print_json(answer)
        return
    print(f"best at step {done.best_step}: mean reciprocal rank {done.best:.4f} on val")
    if facts["agreement"] is not None:
        before, after = (facts["agreement"][name] for name in ("before", "after"))
        print(
            f"skeletons: right above the wrong video most like it for {after:.0%} of the texts of "
            f"val, {before:.0%} before"
        )
    print(f'name it in a profile:  [optional]  mmi = "file:{out.resolve()}"')


def _agreement(objective: Any, data: Any) -> dict[str, float] | None:
    """Return how often L_s is right on val, by the model as it was and as it is tuned."""
    objective.eval()
    place = next(objective.parameters()).device
    val = data.subset("val")
    after = objective.agreement(val, place)
    if after is None:
        return None
    with objective.language.disable_adapter():
        return {"before": objective.agreement(val, place), "after": after}


def _facts(features: str, done: Any) -> dict[str, Any]:
    return {
        "features": Path(features).name,
        "best_step": done.best_step,
        "validation": round(done.best, 6),
        "steps": done.steps,
        "stopped_early": done.stopped_early,
    }
