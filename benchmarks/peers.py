"""What other engines take for the same tasks, in one run: processor time, and whether they agree.

Peers are not among our dependencies; one that is not installed is a row that says so:

    pip install faiss-cpu usearch lancedb tantivy bm25s ranx pytrec-eval-terrier

All data are made: vectors around subjects, words by Zipf's law, runs by chance. Everybody has one
thread where that can be asked for, and takes its turn after the others in every round.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.store_spike import DIMENSION, lance_rows, vectors
from q2e.evaluate.judging import evaluate_run
from q2e.evaluate.measures import parse_measures
from q2e.store.base import Item, StageKey
from q2e.store.sqlite import SqliteStore
from q2e.types import Evidence, Video

#: Pieces with vectors, and texts with words.
PIECES, TEXTS = 50_000, 50_000
#: Questions of a round, best pieces that are asked for, and rounds.
QUESTIONS, TOP, ROUNDS = 24, 10, 5
#: Words that there are, fewest and most of a text, and words of a question.
VOCABULARY, LENGTHS, ASKED = 20_000, (8, 40), 4
#: Queries of a run, items of each, and how many of them are judged.
QUERIES, ITEMS, JUDGED = 1_000, 100, 20
#: Share of a score by which two count as equal: sums in another order, or in half precision.
EQUAL = {"vectors": 2e-3, "words": 1e-5}
#: Our names of what is measured, pytrec_eval's, its names in results, and ranx's.
MEASURES = (
    ("nDCG@10", "ndcg_cut.10", "ndcg_cut_10", "ndcg@10"),
    ("MAP", "map", "map", "map"),
    ("MRR", "recip_rank", "recip_rank", "mrr"),
    ("R@10", "recall.10", "recall_10", "recall@10"),
)
#: What answers a question by the numbers of the best pieces.
Ask = Callable[[Any], Sequence[int]]
#: The name of the package, and what makes it ready in a folder.
Peer = tuple[str, Callable[[Path], Any]]


def run(
    pieces: int = PIECES, texts: int = TEXTS, queries: int = QUERIES, rounds: int = ROUNDS
) -> dict[str, Any]:
    """Return for vectors, words and evaluation what each takes, beside ours, and agreement."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        return {
            "vectors": of_vectors(Path(folder), pieces, rounds),
            "words": of_words(Path(folder), texts, rounds),
            "evaluation": of_runs(queries, rounds),
        }


# -- vectors ------------------------------------------------------------------------------------
def of_vectors(folder: Path, pieces: int, rounds: int) -> dict[str, Any]:
    """Compare exact searches of the best by inner product, a question at a time."""
    data = np.concatenate(list(vectors(pieces))).astype(np.float16).astype(np.float32)
    asked = np.concatenate(list(vectors(100, seed=5)))[:QUESTIONS]
    store = _stored(folder / "v.sqlite", [((), {"s": vector}) for vector in data])

    def ours(vector: Any) -> Sequence[int]:
        return store.dense("s", vector[None], k=TOP)[0][0].tolist()

    def faiss(_: Path) -> Ask:
        import faiss

        faiss.omp_set_num_threads(1)
        flat = faiss.IndexFlatIP(DIMENSION)
        flat.add(data)
        return lambda vector: flat.search(vector[None], TOP)[1][0].tolist()

    def faiss_half(_: Path) -> Ask:
        import faiss

        faiss.omp_set_num_threads(1)
        flat = faiss.IndexScalarQuantizer(
            DIMENSION, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        flat.add(data)
        return lambda vector: flat.search(vector[None], TOP)[1][0].tolist()

    def usearch(_: Path) -> Ask:
        from usearch.index import MetricKind, search

        half = data.astype(np.float16)
        return lambda vector: (
            search(half, vector.astype(np.float16), TOP, MetricKind.IP, exact=True, threads=1)
            .keys.ravel()
            .tolist()
        )

    def lance(at: Path) -> Ask:
        import lancedb

        table = lancedb.connect(at / "lance").create_table("t", lance_rows(data))
        return lambda vector: (
            table.search(vector).distance_type("dot").limit(TOP).to_arrow()["id"].to_pylist()
        )

    peers = {
        "faiss, flat": ("faiss-cpu", faiss),
        "faiss, flat, half precision": ("faiss-cpu", faiss_half),
        "usearch, exact, half precision": ("usearch", usearch),
        "LanceDB, flat": ("lancedb", lance),
    }
    scores = [vector @ data.T for vector in asked]
    found = _compared(folder, ours, peers, list(asked), scores, rounds, EQUAL["vectors"])
    store.close()
    return {"pieces": pieces, "dimension": DIMENSION, "rows": found}


# -- words --------------------------------------------------------------------------------------
def of_words(folder: Path, texts: int, rounds: int) -> dict[str, Any]:
    """Compare searches of the best by BM25 (k1 = 1.2, b = .75), a question at a time."""
    random = np.random.default_rng(2)
    odds = 1.0 / np.arange(1, VOCABULARY + 1)
    odds /= odds.sum()
    lengths = random.integers(LENGTHS[0], LENGTHS[1] + 1, size=texts)
    drawn = random.choice(VOCABULARY, size=int(lengths.sum()), p=odds)
    corpus = [
        tuple(f"w{word}" for word in part) for part in np.split(drawn, np.cumsum(lengths)[:-1])
    ]
    asked = [
        [f"w{word}" for word in random.choice(VOCABULARY, ASKED, replace=False, p=odds)]
        for _ in range(QUESTIONS)
    ]
    file = folder / "w.sqlite"
    store = _stored(file, [(words, {}) for words in corpus])

    def ours(words: list[str]) -> Sequence[int]:
        return store.lexical(words, k=TOP)[0].tolist()

    def tantivy(_: Path) -> Ask:
        import tantivy as library

        schema = library.SchemaBuilder()
        schema.add_text_field("text", stored=False)
        schema.add_unsigned_field("id", stored=True)
        index = library.Index(schema.build())
        writer = index.writer(num_threads=1)
        for number, words in enumerate(corpus):
            writer.add_document(library.Document(text=" ".join(words), id=number))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        searcher = index.searcher()

        def ask(words: list[str]) -> Sequence[int]:
            hits = searcher.search(index.parse_query(" ".join(words), ["text"]), TOP).hits
            return [searcher.doc(address)["id"][0] for _, address in hits]

        return ask

    def bm25s(_: Path) -> Ask:
        import bm25s as library

        index = library.BM25(method="lucene", k1=1.2, b=0.75)
        index.index([list(words) for words in corpus], show_progress=False)
        return lambda words: (
            index.retrieve([words], k=TOP, show_progress=False).documents[0].tolist()
        )

    def fts5(at: Path) -> Ask:
        table = sqlite3.connect(at / "fts.sqlite")
        table.execute("CREATE VIRTUAL TABLE t USING fts5(text)")
        table.executemany(
            "INSERT INTO t (rowid, text) VALUES (?, ?)",
            ((number, " ".join(words)) for number, words in enumerate(corpus)),
        )
        table.commit()
        best = f"SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank LIMIT {TOP}"
        return lambda words: [row[0] for row in table.execute(best, (" OR ".join(words),))]

    def anew(_: Path) -> Ask:
        # A store for each round, and one for the round before them: none has met the words.
        opened = [SqliteStore(file, read_only=True) for _ in range(rounds + 1)]
        for one in opened:
            one.table()
        turns = iter([one for one in opened for _ in asked])
        return lambda words: next(turns).lexical(words, k=TOP)[0].tolist()

    peers: dict[str, Peer] = {
        "Q2E, words for the first time": ("q2e", anew),
        "tantivy": ("tantivy", tantivy),
        "bm25s": ("bm25s", bm25s),
        "SQLite FTS5": ("", fts5),
    }
    scores = []
    for words in asked:
        every = np.zeros(texts)
        rows, values = store.lexical(words)
        every[rows] = values
        scores.append(every)
    found = _compared(folder, ours, peers, asked, scores, rounds, EQUAL["words"])
    store.close()
    return {"texts": texts, "rows": found}


def _stored(file: Path, pieces: Sequence[tuple[tuple[str, ...], Mapping[str, Any]]]) -> SqliteStore:
    """Return a store of pieces in their order, so that rows are their numbers."""
    with SqliteStore(file) as store:
        video = Video("0" * 32, "v.mp4")
        store.put_video(video)
        for part in range(0, len(pieces), 5_000):
            items = [
                Item(Evidence(video.id, "speech", at, at + 1, vectors=dict(own)), words)
                for at, (words, own) in enumerate(pieces[part : part + 5_000])
            ]
            store.put_part(StageKey(video.id, "speech", part), "v1", items)
    return SqliteStore(file, read_only=True)


def _compared(
    folder: Path,
    ours: Ask,
    peers: Mapping[str, Peer],
    asked: Sequence[Any],
    scores: Sequence[Any],
    rounds: int,
    equal: float,
) -> list[dict[str, Any]]:
    """Return a row for us and for each peer: milliseconds a question, ratio, agreement.

    Agreement is the share of what a peer gives that scores (n,) for our hits put among the best
    `TOP`, where scores that differ by less than a share of `equal` are the same.
    """
    asking: dict[str, Ask] = {"Q2E": ours}
    rows: dict[str, dict[str, Any]] = {"Q2E": {"version": version("q2e")}}
    for name, (package, ready) in peers.items():
        rows[name] = _about(package)
        try:
            asking[name] = ready(folder)
        except ImportError as error:
            rows[name] = {"not installed": str(error)}
    for name, ask in asking.items():  # the round that is not measured: its answers are looked at
        shares = []
        for one, every in zip(asked, scores, strict=True):
            least = np.sort(every)[-TOP]
            given = list(dict.fromkeys(ask(one)))[:TOP]
            shares.append(sum(every[at] >= least - equal * abs(least) for at in given) / TOP)
        rows[name]["same"] = round(float(np.mean(shares)), 4)
    spent: dict[str, list[float]] = {name: [] for name in asking}
    for _ in range(rounds):
        for name, ask in asking.items():
            spent[name].append(_ms(lambda ask=ask: [ask(one) for one in asked]) / len(asked))  # type: ignore[misc]
    return _rows(rows, spent)


# -- evaluation ---------------------------------------------------------------------------------
def of_runs(queries: int, rounds: int) -> dict[str, Any]:
    """Compare the measuring of a run of ours, in dictionaries, against judgements."""
    random = np.random.default_rng(3)
    names = np.array([f"v{number:05d}" for number in range(5_000)])
    run: dict[str, dict[str, float]] = {}
    judged: dict[str, dict[str, int]] = {}
    for number in range(queries):
        items = names[random.choice(len(names), ITEMS, replace=False)]
        run[f"q{number}"] = dict(zip(items.tolist(), random.random(ITEMS).tolist(), strict=True))
        known = np.concatenate((items[: JUDGED // 2], random.choice(names, JUDGED // 2)))
        grades = random.integers(0, 4, len(known)).tolist()
        judged[f"q{number}"] = dict(zip(known.tolist(), grades, strict=True))
    measures = parse_measures(",".join(own for own, *_ in MEASURES))

    def ours() -> dict[str, list[float]]:
        found = evaluate_run(run, judged, measures).per_query
        return {own: [found[own][query] for query in judged] for own, *_ in MEASURES}

    def pytrec() -> dict[str, list[float]]:
        import pytrec_eval

        asked = {theirs for _, theirs, _, _ in MEASURES}
        found = pytrec_eval.RelevanceEvaluator(judged, asked).evaluate(run)
        return {own: [found[query][name] for query in judged] for own, _, name, _ in MEASURES}

    def ranx() -> dict[str, list[float]]:
        import ranx as library

        theirs, own = library.Qrels(judged), library.Run(run)
        asked = [name for *_, name in MEASURES]
        library.evaluate(theirs, own, asked)
        found = own.scores
        return {
            own: [float(found[name][query]) for query in judged] for own, _, _, name in MEASURES
        }

    said = {
        "Q2E": ("q2e", ours),
        "pytrec_eval": ("pytrec-eval-terrier", pytrec),
        "ranx": ("ranx", ranx),
    }
    right = ours()
    rows: dict[str, dict[str, Any]] = {}
    spent: dict[str, list[float]] = {}
    for name, (package, call) in said.items():
        rows[name] = _about(package)
        try:
            found = call()  # not measured: what is made on first use is made
        except ImportError as error:
            rows[name] = {"not installed": str(error)}
            continue
        spent[name] = []
        far = [np.abs(np.array(found[own]) - np.array(right[own])).max() for own in right]
        rows[name]["difference"] = float(f"{max(far):.1e}")
    for _ in range(rounds):
        for name in spent:
            spent[name].append(_ms(said[name][1]))
    return {"queries": queries, "items": ITEMS, "rows": _rows(rows, spent)}


# -- both ---------------------------------------------------------------------------------------
def _ms(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return (time.process_time() - began) * 1000


def _about(package: str) -> dict[str, Any]:
    """Return the version of a package, or of SQLite where none is named."""
    try:
        return {"version": version(package) if package else sqlite3.sqlite_version}
    except PackageNotFoundError:
        return {}


def _rows(
    rows: Mapping[str, dict[str, Any]], spent: Mapping[str, Sequence[float]]
) -> list[dict[str, Any]]:
    """Return what is known of each, with its median and the median of its ratios to ours."""
    found = []
    for name, about in rows.items():
        row = {"name": name, **about}
        if name in spent:
            ratios = np.array(spent[name]) / np.array(spent["Q2E"])
            row |= {
                "ms": round(float(np.median(spent[name])), 3),
                "times ours": round(float(np.median(ratios)), 3),
            }
        found.append(row)
    return found
