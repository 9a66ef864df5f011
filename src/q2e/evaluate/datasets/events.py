"""Layouts of event retrieval sets: a question about an event, answered by many videos."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from q2e.errors import EvaluationError
from q2e.evaluate.datasets.base import Dataset, Files, Spec, id_of, json_of, objects_of, rows_of
from q2e.evaluate.runs import read_qrels

_MULTIVENT1 = ("video_URL", "video_description", "language", "event_name", "en_article_excerpt")
#: Codes of MultiVENT's names of languages.
LANGUAGES = {
    "arabic": "ar",
    "chinese": "zh",
    "english": "en",
    "korean": "ko",
    "russian": "ru",
    "spanish": "es",
}


def multivent1(spec: Spec, files: Files) -> Dataset:
    """MultiVENT 1.0: one row a video, with its event and the beginning of an English article.

    Queries are the different article beginnings (`excerpts`) or the event names (`names`); the
    videos of an event are relevant, all rows are the collection. Evidence is the description.
    """
    rows = rows_of(files.needed(".csv"), _MULTIVENT1)
    by_name = spec.options.get("queries") == "names"
    first: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    groups: dict[str, str] = {}
    videos: dict[str, dict[str, Any]] = {}
    for row in rows:
        text = row["event_name"].replace("_", " ") if by_name else row["en_article_excerpt"]
        query = first.setdefault(text, id_of(row["event_name"]))
        video = video_of(row["video_URL"])
        language = LANGUAGES.get(row["language"].lower(), row["language"])
        qrels.setdefault(query, {})[video] = 1
        groups.setdefault(query, language)
        videos.setdefault(
            video,
            {
                "video": video,
                "channel": "caption",
                "text": row["video_description"],
                "language": language,
            },
        )
    queries = {query: text for text, query in first.items()}
    return Dataset(queries, qrels, tuple(videos), groups, evidence=tuple(videos.values()))


def video_of(address: str) -> str:
    """Return the video's own name of an address: YouTube's id, or the last part of a path."""
    parts = urlsplit(address.strip())
    return id_of(parse_qs(parts.query).get("v", [parts.path.rstrip("/").rsplit("/", 1)[-1]])[0])


def multivent2(spec: Spec, files: Files) -> Dataset:
    """MultiVENT 2.0: a table of queries, and judgements as TREC qrels or one object a line.

    The collection is the judged videos where no list of videos is given, which makes the task
    far easier than with the whole collection; this is noted.
    """
    table = files.needed("queries.csv")
    rows = rows_of(table, ())
    head = list(rows[0]) if rows else []
    name = next((one for one in head if one.lower() == "query_id"), None)
    text = next((one for one in head if one.lower() == "query"), None)
    if name is None or text is None:
        raise EvaluationError(f"{table}: needs columns query_id and query; it has {head}")
    queries = {row[name]: row[text] for row in rows}
    judged = files.needed("judgments.jsonl", ".qrels", "qrels.trec", "qrels.txt")
    qrels: dict[str, dict[str, int]] = {}
    groups: dict[str, str] = {}
    if judged.suffix == ".jsonl":
        for row in objects_of(judged):
            try:
                qrels.setdefault(str(row["query_id"]), {})[str(row["doc_id"])] = int(
                    row["relevance"]
                )
            except (KeyError, ValueError) as error:
                raise EvaluationError(f"{judged}: a judgement lacks {error}") from None
            groups.setdefault(str(row["query_id"]), str(row.get("query_event_type") or "unknown"))
    else:
        qrels = read_qrels(judged)
    absent = [query for query in qrels if query not in queries]
    if absent:
        raise EvaluationError(f"{judged}: query {absent[0]!r} is not in {table}")
    listed = files.one("video_ids.txt")
    videos = dict.fromkeys(video for items in qrels.values() for video in items)
    notes: tuple[str, ...] = ()
    if listed is None:
        notes = ("no video_ids.txt: the judged videos alone are the collection, which is easier",)
    else:
        videos = dict.fromkeys(listed.read_text("utf-8-sig").split()) | videos
    return Dataset(
        {query: queries[query] for query in qrels}, qrels, tuple(videos), groups, notes=notes
    )


def wikivideo(spec: Spec, files: Files) -> Dataset:
    """WikiVideo: {event: {video: caption}} by one captioning model, the article beside them.

    The event's name is the query, its videos are relevant, all videos of the file the collection.
    """
    path = files.needed(f"{spec.options['captions']}.json")
    data = json_of(path)
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    evidence: dict[str, dict[str, Any]] = {}
    for event, found in data.items():
        if not isinstance(found, dict):
            raise EvaluationError(f"{path}: event {event!r} must hold {{video: caption}}")
        query = id_of(event)
        queries[query], qrels[query] = event, {}
        for video, text in found.items():
            if video == "article":
                continue
            qrels[query][video] = 1
            evidence.setdefault(video, {"video": video, "channel": "caption", "text": text})
    return Dataset(queries, qrels, tuple(evidence), evidence=tuple(evidence.values()))
