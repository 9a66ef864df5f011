"""The kinds of method, and where those that ship with this package lie."""

from __future__ import annotations

from pathlib import Path

from q2e.registry import Kind, Registry

#: A data set is data: a file each.
_DATASETS = Path(__file__).parent / "evaluate" / "datasets" / "specs"

#: Every kind with the package whose files mark its methods.
KINDS = (
    (Kind("channel", "a way of reading a video"), "q2e.channels"),
    (Kind("store", "where evidence is kept and looked up"), "q2e.store"),
    (Kind("engine", "what finds the best videos of a collection larger than memory"), "q2e.store"),
    (Kind("executor", "what runs the reading of videos"), "q2e.ingest.executors"),
    (Kind("encoder", "a model that arrives with a package, by its source"), "q2e.models"),
    (
        Kind("normalise", "how the scores of a matrix are made comparable", optional=True),
        "q2e.methods.normalise",
    ),
    (
        Kind("correction", "what the normalisation `bank` takes hubness away by"),
        "q2e.methods.normalise",
    ),
    (Kind("caption", "who describes the pictures"), "q2e.methods.caption"),
    (Kind("summary", "who tells whole videos"), "q2e.methods.summary"),
    (
        Kind("decompose", "what unfolds a question into events", optional=True),
        "q2e.methods.decompose",
    ),
    (Kind("expand", "what is added to a question", optional=True), "q2e.methods.expand"),
    (Kind("pool", "the rule that makes one score of a video's evidence"), "q2e.methods.pool"),
    (
        Kind("calibrate", "how scores of different channels are made comparable", optional=True),
        "q2e.methods.calibrate",
    ),
    (Kind("fuse", "the rule that makes one score of many"), "q2e.methods.fuse"),
    (
        Kind("feedback", "what the best hits add to the ranking", optional=True),
        "q2e.methods.feedback",
    ),
    (
        Kind("rerank", "what ranks the best videos of a search again", optional=True),
        "q2e.methods.rerank",
    ),
    (Kind("localise", "the way from evidence to the moments that answer"), "q2e.methods.localise"),
    (Kind("measure", "how good a ranking is"), "q2e.evaluate.measures"),
    (
        Kind("compose", "how a text changes the example that is searched with"),
        "q2e.methods.compose",
    ),
    (Kind("training", "what is trained on cached features, by  q2e train"), "q2e.heads.recipes"),
    (Kind("answer", "how a question is answered in cited sentences"), "q2e.answer.strategies"),
    (Kind("chapters", "how a video is cut into titled chapters"), "q2e.methods.chapters"),
    (
        Kind("label", "what tells which labels of a user's own a video deserves"),
        "q2e.methods.label",
    ),
    (Kind("likes", "how liked and disliked hits move a question"), "q2e.methods.likes"),
)


def register(registry: Registry) -> None:
    """Offer all that ships with this package; nothing of it is imported yet."""
    for kind, package in KINDS:
        registry.kind(kind)
        registry.folder(kind.name, package)
    registry.offer("training", "mmi", "q2e.mmi.recipe")
    registry.kind(Kind("dataset", "a data set of the field, read from a local folder"))
    for file in sorted(_DATASETS.glob("*.toml")):
        target = f"q2e.evaluate.datasets.catalogue:declared_{file.stem}"
        registry.offer("dataset", file.stem, target)
