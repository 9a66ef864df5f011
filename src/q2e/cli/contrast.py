"""`q2e eval contrast`: whether captions score higher than captions that are wrong in one thing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from q2e.cli.asking import Ways
from q2e.cli.grouped import grouped
from q2e.cli.options import IndexDir, Json, directory, print_json, talk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from q2e.evaluate.contrast import Told


@grouped
def contrast(
    captions: Annotated[Path, typer.Argument(metavar="FILE", help="Lines of video, tab, caption.")],
    index_dir: IndexDir = None,
    by: Annotated[
        str, typer.Option(help="Who makes the contrasts: rule (English), model, or both.")
    ] = "rule",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File for the contrasts: video, kind, caption, contrast."),
    ] = None,
    json: Json = False,
    *,
    ways: Ways,
) -> None:
    """Measure whether captions score higher than captions that are wrong in one thing.

    The seven kinds are those of VideoCon: entity, action, attribute, count, relation, order and
    hallucination. AUC is the share of pairs in which the caption scores higher, a tie half:
    0.5 is what chance does. `seen` are cosines with frames, `told` with texts of the video.

    \b
      q2e eval contrast captions.tsv --index videos.q2e
      q2e eval contrast captions.tsv --by model --set language_model=http://127.0.0.1:8080/v1
    """
    import q2e
    from q2e.errors import ConfigError, EvaluationError
    from q2e.evaluate.contrast import by_rule, measured, read_captions

    if by not in ("rule", "model", "both"):
        raise ConfigError(f"--by {by!r} is not known; it may be: rule, model, both")
    index = q2e.open(directory(index_dir), **ways.given())
    read = read_captions(captions)
    made = [one for pair in read for one in by_rule(*pair)] if by != "model" else []
    if by != "rule":
        from q2e.evaluate.contrast_model import by_model
        from q2e.models.language import language_model

        model = language_model(index.settings, index.models)
        made += [one for pair in read for one in by_model(model, *pair)]
    if not made:
        raise EvaluationError(f"{captions}: no contrast can be made of its captions")
    if out is not None:
        lines = ("\t".join((one.video, one.kind, one.caption, one.contrast)) for one in made)
        out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    found = measured(index, made)
    if json:
        print_json(_shape(len(read), len(made), found))
        return
    talk(f"{len(read)} captions, {len(made)} contrasts")
    for score, kinds in found.items():
        for kind, one in kinds.items():
            auc = one.auc
            print(
                f"{score}  {kind:<13}  {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]  "
                f"{one.pairs} pairs"
            )


def _shape(
    captions: int, contrasts: int, found: Mapping[str, Mapping[str, Told]]
) -> dict[str, Any]:
    scores = {
        score: {
            kind: {
                "pairs": one.pairs,
                "auc": one.auc.value,
                "low": one.auc.low,
                "high": one.auc.high,
            }
            for kind, one in kinds.items()
        }
        for score, kinds in found.items()
    }
    return {"captions": captions, "contrasts": contrasts, "scores": scores}
