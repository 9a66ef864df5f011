"""`q2e eval label | labels | channels`: judge hits in the terminal, and measure one's own index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from q2e.cli.options import IndexDir, Json, clock, directory, one_line, print_json, talk

if TYPE_CHECKING:
    from q2e.evaluate.labels import Labels
    from q2e.evaluate.leave_out import LeftOut
    from q2e.types import Hit

_KEYS = "y answers, n does not, 0-3 how well, s or nothing skip, u undo, q stop"
#: Labels named of a moment that shows no text.
_SEEN = 3
#: Probability from which a label is worth naming.
_LEAST = 0.1


def label(
    questions: Annotated[
        list[str] | None, typer.Argument(help="Questions; asked for without.", show_default=False)
    ] = None,
    index_dir: IndexDir = None,
    top: Annotated[int, typer.Option("--top", "-n", min=1, help="Hits shown of each.")] = 10,
    again: Annotated[bool, typer.Option("--again", help="Show hits with a label too.")] = False,
) -> None:
    """Judge hits of your own questions, one key each; `q2e eval labels` gives the measures.

    Labels go to labels.jsonl in the index, which the page shares. Judge all ten hits of some
    twenty questions: hits without a label count as wrong.
    """
    import q2e
    from q2e.evaluate.labels import ENOUGH, Labels

    index = q2e.open(directory(index_dir))
    labels = Labels(index.directory)
    talk(_KEYS)
    for question in questions or iter(_asked, ""):
        hits = index.search(question, top=top, confidence=0.0)
        known = {one.video for one in labels.all() if one.query == question}
        shown = [hit for hit in hits if again or hit.video.id not in known]
        print(f"{question}: {len(shown)} hits to judge, {len(known)} judged before")
        if not _judge(labels, question, shown):
            break
    count = len(labels.all())
    if count >= ENOUGH:
        talk(f"{count} labels:  q2e eval labels  measures them,  q2e eval channels  what helps")
    else:
        talk(f"{count} of the {ENOUGH} labels from which on  q2e eval labels  has intervals")


def _asked() -> str:
    return str(typer.prompt("question (empty to stop)", default="", show_default=False))


def _judge(labels: Labels, question: str, hits: list[Hit]) -> bool:
    """Ask for a key on each hit; False where the person wants to stop."""
    made: list[tuple[int, str]] = []
    number = 0
    while number < len(hits):
        _show(hits[number])
        key = str(typer.prompt("", default="s", show_default=False, prompt_suffix="> "))
        key = key.strip().lower()
        if key == "q":
            return False
        if key == "u":
            if made:
                number, label_id = made.pop()
                labels.remove(label_id)
            continue
        grade = {"y": 1, "n": 0}.get(key, int(key) if key in ("0", "1", "2", "3") else None)
        if grade is not None:
            made.append((number, _keep(labels, question, hits[number], grade)))
        elif key != "s":
            talk(_KEYS)
            continue
        number += 1
    return True


def _keep(labels: Labels, question: str, hit: Hit, grade: int) -> str:
    """Label the stretch that was shown where it answers, else the whole video."""
    from q2e.evaluate.labels import Label

    for old in labels.all():
        if (old.query, old.video) == (question, hit.video.id):
            labels.remove(old.id)
    best = hit.moments[0] if hit.moments and grade else None
    known = best is not None and best.end_s > best.start_s
    start_s, end_s = (best.start_s, best.end_s) if best and known else (0.0, None)
    return labels.put(Label(question, hit.video.id, start_s, end_s, grade)).id


def _show(hit: Hit) -> None:
    said = [one.text for moment in hit.moments[:1] for one in moment.evidence if one.text]
    where = ""
    if hit.moments:
        where = f"  {clock(hit.moments[0].start_s)}-{clock(hit.moments[0].end_s)}"
    print(f"{hit.rank}. {one_line(hit.video.title or hit.video.path or hit.video.id, 90)}{where}")
    if not said:
        said = [_seen(hit)]
    for text in filter(None, said[:2]):
        print(f"   {one_line(text, 110)}")


def _seen(hit: Hit) -> str:
    """Return what was recognised in the best moment's pictures, the surest first."""
    tags = [tag for one in hit.moments[:1] for piece in one.evidence for tag in piece.tags]
    best = sorted(tags, key=lambda tag: -tag.probability)
    names = list(dict.fromkeys(tag.label for tag in best if tag.probability >= _LEAST))[:_SEEN]
    return f"perhaps seen: {', '.join(names)}" if names else ""


def labels(index_dir: IndexDir = None, json: Json = False) -> None:
    """Measure the search on the labelled questions, with intervals from twenty labels on."""
    import q2e
    from q2e.evaluate.labels import ENOUGH, Labels, measure

    index = q2e.open(directory(index_dir))
    known = Labels(index.directory).all()
    answers = {
        question: index.search(question, top=100, confidence=0.0, duplicates="keep")
        for question in dict.fromkeys(one.query for one in known)
    }
    found = measure(known, answers)
    if json:
        print_json(found)
        return
    print(f"{found['labels']} labels of {found['queries']} questions")
    for name, value in found["measures"].items():
        bounds = found["intervals"].get(name)
        print(
            f"{name:20} {value:.4f}" + (f"  [{bounds[0]:.4f}, {bounds[1]:.4f}]" if bounds else "")
        )
    if 0 < found["labels"] < ENOUGH:
        talk(f"intervals from {ENOUGH} labels on:  q2e eval label")
    if found["labels"] and found["measures"]["judged@10"] < 0.9:
        talk("many of the first ten hits have no label and count as wrong; judge them too")


def channels(
    index_dir: IndexDir = None,
    queries: Annotated[
        Path | None, typer.Option("--queries", help="Lines of id, tab, text; else the labels.")
    ] = None,
    qrels: Annotated[
        Path | None, typer.Option("--qrels", help="Judgements of these queries.")
    ] = None,
    measure: Annotated[str, typer.Option("--measure", help="What is compared.")] = "nDCG@10",
    json: Json = False,
) -> None:
    """Leave each channel out in turn and say which earns its keep on your labels or judgements."""
    import q2e
    from q2e.errors import ConfigError
    from q2e.evaluate.leave_out import labelled, leave_one_out
    from q2e.evaluate.measures import parse_measures
    from q2e.evaluate.runs import read_qrels
    from q2e.search.batch import read_queries

    if (queries is None) != (qrels is None):
        raise ConfigError("--queries and --qrels belong together; without both, labels are used")
    index = q2e.open(directory(index_dir))
    asked: dict[str, str]
    judged: dict[str, dict[str, int]]
    if queries is not None and qrels is not None:
        asked, judged = read_queries(queries), read_qrels(qrels)
    else:
        asked, judged = labelled(index)
    found = leave_one_out(index, asked, judged, parse_measures(measure)[0])
    if json:
        print_json(
            {
                "measure": found.measure,
                "queries": found.queries,
                "everything": _interval(found.everything),
                "channels": [
                    {
                        "channel": one.channel,
                        "evidence": one.evidence,
                        "alone": one.alone,
                        "without": one.without,
                        "brings": _interval(one.brings),
                        "p_value": one.p_value,
                        "p_holm": one.p_holm,
                        "verdict": one.verdict,
                    }
                    for one in found.channels
                ],
            }
        )
    else:
        _print_channels(found)


def _print_channels(found: LeftOut) -> None:
    whole = found.everything
    print(f"{found.measure} over {found.queries} questions, all channels: {whole.value:.4f} "
          f"[{whole.low:.4f}, {whole.high:.4f}]")  # fmt: skip
    print(f"{'channel':12} {'alone':>7} {'without':>8} {'brings':>8}")
    for one in found.channels:
        print(
            f"{one.channel:12} {one.alone:7.4f} {one.without:8.4f} {one.brings.value:+8.4f} "
            f"[{one.brings.low:+.4f}, {one.brings.high:+.4f}]  p {one.p_value:.2g} "
            f"(Holm {one.p_holm:.2g})  {one.verdict}"
        )


def _interval(value: Any) -> dict[str, float]:
    return {"value": value.value, "low": value.low, "high": value.high}
