"""`q2e eval scores`: the score matrices of an index, before they are made comparable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from q2e.cli.asking import Ways
from q2e.cli.grouped import grouped
from q2e.cli.options import IndexDir, Json, Quiet, directory, print_json, talk


@grouped
def scores(
    queries: Annotated[
        Path, typer.Option("--queries", help="Lines of id, tab, text.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the matrices.", show_default=False)
    ],
    index_dir: IndexDir = None,
    qrels: Annotated[
        Path | None, typer.Option("--qrels", help="Judgements: makes relevant.npy too.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    *,
    ways: Ways,
) -> None:
    """Write raw scores, questions x videos: the five of Q2E, cosines or the MaxSim of tokens.

    They are `video` (the question against pictures), `query`, `prequel`, `current` and `sequel` (it
    and its events against texts), each a .npy file with NaN where nothing was scored; `queries.txt`
    and `videos.txt` name their rows and columns. `q2e eval matrix` measures them.
    """
    import numpy as np

    import q2e
    from q2e.cli.progress import CountProgress
    from q2e.evaluate.runs import read_qrels
    from q2e.evaluate.scores import score_matrices
    from q2e.search.batch import read_queries

    index = q2e.open(directory(index_dir), **ways.given())
    asked = read_queries(queries)
    out.mkdir(parents=True, exist_ok=True)
    with CountProgress("questions", quiet) as progress:
        videos, found = score_matrices(index, asked, index.settings, progress.watch, raw=out)
    for name, table in found.items():
        np.save(out / f"{name}.npy", table.astype(np.float32))
    for name, ids in (("queries", list(asked)), ("videos", list(videos))):
        (out / f"{name}.txt").write_text("".join(f"{one}\n" for one in ids), encoding="utf-8")
    files = [f"{name}.npy" for name in found]
    if qrels is not None:
        judged = read_qrels(qrels)
        relevance = [[judged.get(query, {}).get(video, 0) for video in videos] for query in asked]
        np.save(out / "relevant.npy", np.array(relevance, np.float32))
        files.append("relevant.npy")
    if json:
        print_json({"queries": len(asked), "videos": len(videos), "files": files, "out": str(out)})
    else:
        talk(f"{len(asked)} questions x {len(videos)} videos in {out}: {', '.join(files)}")
