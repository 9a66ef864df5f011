"""Q2E as published: whole batches of questions, their arithmetic, and one question among a bank."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from media_files import write_video
from q2e.cli import app
from q2e.errors import ConfigError, ModelError, QueryError
from q2e.evaluate.conduct import conduct
from q2e.evaluate.experiment import read_experiment
from q2e.evaluate.paper_tables import ENCODERS, published
from q2e.evaluate.runs import read_run
from q2e.methods.rows import DOCUMENTS, Vectors
from q2e.models.windows import Windows
from q2e.search.late import Tokens
from q2e.search.scan import Scanner
from q2e.search.search import Searcher
from q2e.search.together import raw_matrices
from q2e.settings import changed
from q2e.store.base import Item, StageKey
from q2e.store.memory import MemoryStore
from q2e.types import Evidence, Query, Video
from scripted_model import Asked, refusing, scripted

LINES = [
    ("flood", "caption", "streets under water after days of heavy rain"),
    ("flood", "speech", "the river has burst its banks, people are rescued by boat"),
    ("fire", "caption", "a warehouse burns at night"),
    ("fire", "speech", "пожарные тушат склад"),
    ("cook", "caption", "a cook slices onions for a soup"),
    ("goal", "speech", "他在最后一分钟进球了"),
]
QUESTIONS = {
    "ar": "فيضان في المدينة", "de": "ein Koch schneidet Zwiebeln", "en": "people rescued by boat",
    "es": "un almacén en llamas", "fr": "inondation dans une ville", "hi": "शहर में बाढ़",
    "ja": "火事の倉庫", "ko": "축구 골", "ru": "пожар на складе", "th": "น้ำท่วมเมือง",
    "zh": "足球进球",
}  # fmt: skip
RIGHT = {"ar": "flood", "de": "cook", "en": "flood", "es": "fire", "fr": "flood", "hi": "flood",
         "ja": "fire", "ko": "goal", "ru": "fire", "th": "flood", "zh": "goal"}  # fmt: skip
#: The recipe without a language model, which none of these tests is about.
PLAIN: dict[str, Any] = {"recipe": "q2e", "decompose": "none"}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> q2e.Index:
    folder = tmp_path_factory.mktemp("q2e")
    file = folder / "lines.jsonl"
    rows = [{"video": v, "channel": c, "text": t, "start": 0, "end": 1} for v, c, t in LINES]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    index = q2e.open(folder / "index", threads=1, duplicates="keep")
    index.import_evidence(file)
    return index


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("asked") / "questions.tsv"
    file.write_text("".join(f"{k}\t{text}\n" for k, text in QUESTIONS.items()), encoding="utf-8")
    return file


def best_texts(index: q2e.Index, asked: np.ndarray) -> np.ndarray:
    """Return (Q, V) the best cosine of each question with any text of each video."""
    rows, matrix = index.store.vectors(index.models.text.space)
    owner = index.store.table().video[rows]
    cosines = asked @ matrix.T
    videos = len(index.store.table().video_ids)
    return np.stack([cosines[:, owner == video].max(axis=1) for video in range(videos)], axis=1)


def released(matrices: list[np.ndarray], heat: float) -> np.ndarray:
    """Return the sum of P / (H + 1e-6), P a softmax over the questions, H in bits."""
    fused = np.zeros(matrices[0].shape)
    for own in matrices:
        power = np.exp(heat * own.astype(np.float64))
        p = power / power.sum(axis=0)
        fused += p / (-(p * np.log2(p + 1e-6)).sum(axis=1) + 1e-6)[:, None]
    return fused


def test_a_batch_is_ranked_as_the_released_code_ranks_it(
    index: q2e.Index, questions: Path, tmp_path: Path
) -> None:
    run = tmp_path / "batch.run"
    index.run(questions, run, **PLAIN)
    asked = index.models.text.encode_queries(list(QUESTIONS.values()))
    wanted = released([best_texts(index, asked)], 50.0)
    names, found = index.store.table().video_ids, read_run(run)
    for number, query in enumerate(QUESTIONS):
        order = [names[one] for one in np.argsort(-wanted[number], kind="stable")]
        assert list(found[query]) == order, query
    assert sum(next(iter(found[q])) == right for q, right in RIGHT.items()) >= 9
    # What was answered before an interruption is answered by the same batch.
    whole = run.read_text("utf-8")
    run.write_text("".join(whole.splitlines(keepends=True)[:10]), encoding="utf-8")
    index.run(questions, run, **PLAIN)
    assert run.read_text("utf-8") == whole


def test_events_are_scores_of_their_own(index: q2e.Index, questions: Path, tmp_path: Path) -> None:
    way = {"recipe": "q2e", "decompose": "events(weight=1.0)"}
    texts = list(QUESTIONS.values())
    settings = changed(index.settings, way)
    found = raw_matrices(
        Searcher(index.store, index.models), [Query(text) for text in texts], settings, tmp_path
    )
    assert set(found) == {"query", "prequel", "current", "sequel"}
    index.run(questions, tmp_path / "run", **way)
    known = [np.where(np.isnan(one), -np.inf, one) for one in found.values()]
    # A question without events of a kind has no such score, and the others decide.
    whole = [
        number for number in range(len(texts)) if all(np.isfinite(k[number]).all() for k in known)
    ]
    wanted, names = released(known, 50.0), index.store.table().video_ids
    run = read_run(tmp_path / "run")
    assert whole
    for number in whole:
        order = [names[one] for one in np.argsort(-wanted[number], kind="stable")]
        assert list(run[list(QUESTIONS)[number]]) == order


def test_a_single_question_is_told_what_takes_it(index: q2e.Index, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="q2e-live"):
        index.search("a flood", **PLAIN)
    one = tmp_path / "one.tsv"
    one.write_text("a\ta flood\n", encoding="utf-8")
    with pytest.raises(QueryError, match="q2e-live"):
        index.run(one, tmp_path / "one.run", **PLAIN)
    two = tmp_path / "two.tsv"
    two.write_text("a\ta flood\nb\tfire OR flood\n", encoding="utf-8")
    with pytest.raises(QueryError, match="operators"):
        index.run(two, tmp_path / "two.run", **PLAIN)
    with pytest.raises(ConfigError, match="feedback"):
        index.run(two, tmp_path / "more.run", **PLAIN, feedback="likeness")


@pytest.mark.parametrize("language", QUESTIONS)
def test_one_question_stands_among_the_bank(index: q2e.Index, language: str) -> None:
    way = {"recipe": "q2e-live", "decompose": "none"}
    settings = changed(index.settings, way)
    state = index._searching().rows(Query(QUESTIONS[language]), settings)
    (row,) = state.rows
    assert row.channel == DOCUMENTS and row.part == "query"
    asked = index.models.text.encode_queries([QUESTIONS[language]])
    bank = index._searching().at.questions.vectors(state.form)
    own, others = (50.0 * best_texts(index, one).astype(np.float64) for one in (asked, bank))
    wanted = np.exp(own[0]) / (np.exp(own[0]) + np.exp(others).sum(axis=0))
    np.testing.assert_allclose(row.video, wanted, rtol=1e-4)
    hits = index.search(QUESTIONS[language], **way, confidence=0.0).hits
    order = np.argsort(-wanted, kind="stable")
    assert [hit.video.id for hit in hits] == [index.store.table().video_ids[n] for n in order]
    assert hits[0].why[0].channel == DOCUMENTS and hits[0].why[0].text


def test_raw_scores_are_written_for_other_tools(
    index: q2e.Index, questions: Path, tmp_path: Path
) -> None:
    judged = "".join(f"{query} 0 {video} 1\n" for query, video in RIGHT.items())
    (tmp_path / "qrels.txt").write_text(judged, encoding="utf-8")
    given = ["--queries", questions, "--index", index.directory, "--qrels", tmp_path / "qrels.txt"]
    told = ["--out", tmp_path / "out", "--decompose", "none", "--json"]
    done = CliRunner().invoke(app, ["eval", "scores", *map(str, [*given, *told])])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["files"] == ["query.npy", "relevant.npy"]
    asked = index.models.text.encode_queries(list(QUESTIONS.values()))
    found = np.load(tmp_path / "out" / "query.npy")
    np.testing.assert_allclose(found, best_texts(index, asked), atol=1e-4)
    names = (tmp_path / "out" / "videos.txt").read_text("utf-8").split()
    relevant = np.load(tmp_path / "out" / "relevant.npy").argmax(axis=1)
    assert [names[one] for one in relevant] == list(RIGHT.values())


def test_tokens_score_all_texts_and_lie_beside_the_run(
    index: q2e.Index, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = PLAIN | {"calibrate": "batch(texts='late')"}
    index.run(questions, tmp_path / "late.run", **way)
    encoder = Windows(index.models.text)
    rows, _ = index.store.vectors(index.models.text.space)
    table, texts = index.store.table(), [one.text for one in index.store.evidence(rows.tolist())]
    told = [
        part.astype(np.float16).astype(np.float32) for part in encoder.encode_passage_tokens(texts)
    ]
    matrix = np.zeros((len(QUESTIONS), len(table.video_ids)))
    for number, asked in enumerate(encoder.encode_query_tokens(list(QUESTIONS.values()))):
        for row, part in zip(rows.tolist(), told, strict=True):
            score = float((asked @ part.T).max(axis=1).sum())
            video = int(table.video[row])
            matrix[number, video] = max(matrix[number, video], score)
    wanted, run = released([matrix], 1.0), read_run(tmp_path / "late.run")
    for number, query in enumerate(QUESTIONS):
        order = [table.video_ids[one] for one in np.argsort(-wanted[number], kind="stable")]
        assert list(run[query]) == order, query
    (kept,) = tmp_path.glob("tokens-*.npz")
    assert kept.stat().st_size and index.models.text.space in index.store.spaces()
    assert set(index.store.spaces()) == {index.models.text.space}

    def encode(self: Windows, texts: Any) -> Any:
        raise AssertionError("encoded again")

    monkeypatch.setattr(Windows, "encode_passage_tokens", encode)
    again = Tokens.of(index.store, index.models.text.space, encoder, tmp_path)
    assert len(again.rows) == len(texts)


def test_frames_are_pooled_by_their_mean_and_texts_as_one_set() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(8, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store = MemoryStore()
    for name in ("a", "b"):
        store.put_video(Video(name, f"{name}.mp4", 9.0))
    for number, (video, channel) in enumerate(
        (v, c) for v in "ab" for c in ("frame", "frame", "caption", "speech")
    ):
        space = "seen" if channel == "frame" else "read"
        own = Evidence(video, channel, 0.0, 1.0, "x", vectors={space: vectors[number]})
        store.put_part(StageKey(video, channel, number), "k", [Item(own)])
    scanner, kept = Scanner(store), vectors.astype(np.float16).astype(np.float32)
    pool = {"frame": "mean", "*": "max(across=True)"}
    part = [Vectors("query", ("q",), vectors[:1])]
    (seen,) = scanner.dense("seen", "picture", part, pool=json.dumps(pool))
    (read,) = scanner.dense("read", "meaning", part, pool=json.dumps(pool))
    assert (seen.channel, read.channel) == ("frame", DOCUMENTS)
    for video, first in enumerate((0, 4)):
        mean = kept[first : first + 2].mean(axis=0)
        cosine = float(vectors[0] @ mean / np.linalg.norm(mean))
        assert seen.video[video] == pytest.approx(cosine, abs=1e-5)
        best = float((kept[first + 2 : first + 4] @ vectors[0]).max())
        assert read.video[video] == pytest.approx(best, abs=1e-5)
    apart = scanner.dense("read", "meaning", part, pool="max")
    assert sorted(row.channel for row in apart) == ["caption", "speech"]


def test_an_experiment_over_an_index_takes_raw_scores_for_a_batch(
    index: q2e.Index, tmp_path: Path
) -> None:
    lines = [f"{json.dumps(QUESTIONS[one], ensure_ascii=False)},{RIGHT[one]}" for one in QUESTIONS]
    (tmp_path / "queries.csv").write_text("\n".join(["query,video", *lines]), encoding="utf-8")
    (tmp_path / "e.toml").write_text(
        '[data]\nset = "own"\nfolder = "."\nindex = ' + json.dumps(str(index.directory)) + "\n"
        '[settings]\nrecipe = "q2e"\ndecompose = "none"\n'
        '[[row]]\nname = "as published"\n'
        '[ablation]\nfuse = "entropy(shares=False)"\nnormalise = "batch(temperature=50)"\n'
        'scores = ["query", "prequel"]\n',
        encoding="utf-8",
    )
    outcome = conduct(read_experiment(tmp_path / "e.toml"), tmp_path / "out")
    (row,), (alone,) = outcome.rows, outcome.subsets
    asked = index.models.text.encode_queries(list(QUESTIONS.values()))
    power = np.exp(50.0 * best_texts(index, asked).astype(np.float64))
    first = (power / power.sum(axis=0)).argmax(axis=1)
    names = index.store.table().video_ids
    hits = np.mean([names[n] == RIGHT[one] for n, one in zip(first, QUESTIONS, strict=True)])
    assert alone.values["Success@1"] == row.values["Success@1"] == pytest.approx(hits)
    assert row.transductive and alone.transductive


def told_by_slots(asked: Asked) -> str:
    """Answer the six prompts of a question, and word its events as they are."""
    if "search request" in asked.prompt:
        lines = re.findall(r"^\d+\. (.*)$", asked.prompt, re.MULTILINE)
        return json.dumps({"requests": [json.loads(line) for line in lines]})
    event = "rain" if "flood" in asked.prompt.casefold() else "flames"
    words = {"when": [], "where": [], "which events": [event]}
    found = next(
        (lines for word, lines in words.items() if word in asked.prompt), [f"{event} near"]
    )
    return json.dumps({"lines": found})


def test_one_command_runs_the_tables_again_and_says_what_it_lacks(tmp_path: Path) -> None:
    rows = [{"video": v, "channel": c, "text": t} for v, c, t in LINES]
    (tmp_path / "evidence.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = {"flood in a city": "flood", "a fire at night": "fire", "ein Koch": "cook",
             "足球进球": "goal"}  # fmt: skip
    languages = ("en", "en", "de", "zh")
    told = zip(asked.items(), languages, strict=True)
    lines = [f"{text},{video},{language}" for (text, video), language in told]
    head = "query,video,language\n"
    (tmp_path / "queries.csv").write_text(head + "\n".join(lines), encoding="utf-8")
    with scripted(told_by_slots) as server:
        given = ["eval", "paper", tmp_path, "--out", tmp_path / "out", "--json"]
        given += ["--language-model", server.source]
        done = CliRunner().invoke(app, [str(one) for one in given])
        assert done.exit_code == 0, done.output
        slots = [one for one in server.asked if "Say one thing" in one.prompt]
        assert len(slots) == 6 * len(asked)
        source = server.source
    found = json.loads(done.stdout)
    assert found["models"] == {"language": source}
    assert f"models that answer: language {source}" in (tmp_path / "out/tables.md").read_text(
        "utf-8"
    )
    tables = {one["title"]: {row["name"]: row for row in one["rows"]} for one in found["tables"]}
    assert (found["questions"], found["transductive"]) == (4, True)
    retrieval = tables["Retrieval"]
    assert "no pictures" in retrieval["this profile + Q2E"]["missing"]
    for encoder in ("MultiCLIP", "InternVideo2-1B"):
        row = retrieval[f"{encoder} + Q2E + ASR"]
        assert row["values"] is None and "weights" in row["missing"] and not row["published"]
    subsets = tables["Every subset of the scores"]
    assert len(subsets) == 31 and sum(row["values"] is not None for row in subsets.values()) == 15
    assert all("pictures" in row["missing"] for name, row in subsets.items() if "video" in name)
    left = tables["Components left out"]
    alone = left["without video, with speech"]["values"]
    assert alone == subsets["query + prequel + current + sequel"]["values"]
    assert set(alone) == {"R@1", "R@5", "R@10", "P@10", "MRR@10", "nDCG@10", "MAPfound@10",
                          "MnRall", "MdRall"}  # fmt: skip
    quiet = left["without video, without speech"]["values"]
    assert quiet is not None and quiet != alone  # "goal" has nothing but speech
    assert "weights of laion/CLIP-ViT-H-14" in (tmp_path / "out" / "tables.md").read_text("utf-8")


def test_a_model_that_gives_no_answer_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "queries.csv").write_text("query,video\nflood,flood\nfire,fire\n")
    with scripted(lambda asked: refusing()) as server:
        given = ["eval", "paper", str(tmp_path), "--out", str(tmp_path / "out")]
        done = CliRunner().invoke(app, [*given, "--language-model", server.source])
        assert isinstance(done.exception, ModelError) and len(server.asked) == 1
    assert not (tmp_path / "out").exists()


def test_without_a_language_model_rows_of_events_say_so(tmp_path: Path) -> None:
    rows = [{"video": v, "channel": c, "text": t} for v, c, t in LINES]
    (tmp_path / "evidence.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "queries.csv").write_text("query,video\nflood,flood\nfire,fire\n")
    given = ["eval", "paper", str(tmp_path), "--out", str(tmp_path / "out"), "--json"]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    tables = {one["title"]: one["rows"] for one in json.loads(done.stdout)["tables"]}
    rows = {row["name"]: row for row in tables["Every subset of the scores"]}
    assert "--language-model" in rows["query + prequel"]["missing"]
    assert rows["query"]["values"]["R@1"] == 1.0
    assert sum(row["values"] is not None for row in rows.values()) == 1
    assert published("multivent1")["MultiCLIP"]["+ Q2E + ASR"][5] == 83.24
    assert set(published("msrvtt_1ka")) == set(ENCODERS) and not published("own")


@pytest.mark.slow
def test_videos_are_read_without_the_models_that_are_not_there(tmp_path: Path) -> None:
    write_video(tmp_path / "flood.mp4", (1.0,), metadata={"title": "Hochwasser 洪水"})
    (tmp_path / "queries.csv").write_text("query,video\nflood,flood.mp4\n洪水,flood.mp4\n", "utf-8")
    given = [
        "eval",
        "paper",
        str(tmp_path),
        "--videos",
        str(tmp_path),
        "--out",
        str(tmp_path / "o"),
    ]
    done = CliRunner().invoke(app, [*given, "--set", "channels=frame,caption", "--json"])
    assert done.exit_code == 0, done.output
    for missing in ("no --vision-model: captions are composed", "no --language-model: summaries"):
        assert missing in done.stderr
    found = json.loads(done.stdout)
    assert found["models"] == {}
    subsets = {row["name"]: row for row in found["tables"][-1]["rows"]}
    assert subsets["video"]["values"]["R@1"] == 1.0
    assert "--language-model" in subsets["video + sequel"]["missing"]
