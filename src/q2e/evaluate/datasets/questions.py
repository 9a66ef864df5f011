"""Layouts of question sets: questions with the texts and windows that answer them."""

from __future__ import annotations

from typing import Any

from q2e.errors import EvaluationError
from q2e.evaluate.answer_files import articles
from q2e.evaluate.datasets.base import (
    Dataset,
    Files,
    Spec,
    id_of,
    json_of,
    number_of,
    objects_of,
    rows_of,
)
from q2e.evaluate.moment_measures import VideoMoment


def qa(spec: Spec, files: Files) -> Dataset:
    """Rows with `question`, and optional `video`, `start`, `end`, `text`, `id`, `group`.

    `questions.jsonl`, `questions.csv` (with a head) or `questions.tsv`. Rows of the same question
    belong together; a row without video and text says that nothing answers it. A row with `end` is
    a window. `evidence.jsonl`, as for `q2e import`, adds what the videos say.
    """
    path = files.needed("questions.jsonl", "questions.csv", "questions.tsv")
    if path.suffix == ".jsonl":
        rows: list[dict[str, Any]] = objects_of(path)
    else:
        rows = list(rows_of(path, ("question",), "\t" if path.suffix == ".tsv" else ","))
    brought = files.one("evidence.jsonl")
    evidence = tuple(objects_of(brought)) if brought else ()
    videos = dict.fromkeys(id_of(one.get("video", "")) for one in evidence)
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    groups: dict[str, str] = {}
    moments: dict[str, list[VideoMoment]] = {}
    texts: dict[str, list[str]] = {}
    numbers: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        where = f"{path}, row {number}"
        asked = " ".join(str(row.get("question") or "").split())
        if not asked:
            raise EvaluationError(f"{where}: needs a question, got {row.get('question')!r}")
        query = id_of(row.get("id") or "") or numbers.setdefault(asked, str(len(numbers) + 1))
        if queries.setdefault(query, asked) != asked:
            raise EvaluationError(f"{where}: id {query!r} stands for {queries[query]!r} too")
        own = qrels.setdefault(query, {})
        if group := row.get("group") or row.get("language"):
            groups[query] = str(group)
        if text := str(row.get("text") or "").strip():
            texts.setdefault(query, []).append(text)
        start_s, end_s = (number_of(row, name, where) for name in ("start", "end"))
        video = id_of(row.get("video") or "")
        if not video:
            if end_s is not None:
                raise EvaluationError(f"{where}: a window to {end_s:g} s needs its video")
            continue
        own[video], videos[video] = 1, None
        if end_s is not None:
            begins_s = start_s or 0.0
            if end_s < begins_s:
                raise EvaluationError(f"{where}: ends at {end_s:g} s before {begins_s:g} s")
            moments.setdefault(query, []).append(VideoMoment(video, begins_s, end_s))
    return Dataset(queries, qrels, tuple(videos), groups, moments, evidence, texts=texts)


def wikivideo_articles(spec: Spec, files: Files) -> Dataset:
    """WikiVideo: events, and articles about them that people wrote, as reference texts.

    The file that the option `references` names holds {event: {query, article}}; captions by one
    model, where they are there, are evidence and the collection. Empty articles are left out.
    """
    told = articles(files.needed(f"{spec.options['references']}.json"))
    path = files.one(f"{spec.options['captions']}.json")
    known = json_of(path) if path else {}
    queries = {id_of(event): event for event in told}
    evidence: dict[str, dict[str, Any]] = {}
    qrels: dict[str, dict[str, int]] = {query: {} for query in queries}
    for event, found in known.items():
        for video, text in found.items():
            if video == "article":
                continue
            evidence.setdefault(video, {"video": video, "channel": "caption", "text": text})
            if event in told:
                qrels[id_of(event)][video] = 1
    absent = [event for event in told if event not in known]
    notes: tuple[str, ...] = ()
    if path and absent:
        notes = (f"{len(absent)} events have no captions in {path.name}: {absent[0]}",)
    return Dataset(
        queries,
        qrels,
        tuple(evidence),
        evidence=tuple(evidence.values()),
        notes=notes,
        texts={id_of(event): (text,) for event, text in told.items()},
    )
