"""Every command of every page is run as it stands there, page by page and in order.

Those that last, ask or train have tests of their own, named here; those that need a model that is
not here must say how to get it.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from media_files import write_video
from q2e.cli import app
from q2e.errors import Q2EError
from q2e.media.frames import save_jpeg
from test_docs import ROOT, _lines

#: Commands with a test of their own.
APART = {
    "index s3://": "test_scale_s3.py::test_object_storage_gives_the_index_that_local_files_give",
    "engine": "test_engine_postgres.py::test_an_index_in_a_database_answers_like_a_file",
    "serve": "test_server_command.py::test_from_an_empty_folder_to_an_answer",
    "play": "test_cli_hits.py::test_a_hit_is_played_from_its_moment",
    "features": "test_features.py::test_of_an_index_by_its_own_texts",
    "train": "test_heads_recipes.py::test_train_and_measure_as_a_person_types_it",
    "eval head": "test_heads_recipes.py::test_train_and_measure_as_a_person_types_it",
    "mmi": "test_mmi_cli.py::test_train_export_and_eval",
    "eval experiment": "test_experiment.py::test_commands_say_the_same_as_json",
    "eval paper": "test_q2e.py::test_one_command_runs_the_tables_again_and_says_what_it_lacks",
    "eval label": "test_label_cli.py::test_hits_are_judged_with_one_key_each",
    "eval contrast": "test_contrast.py::test_texts_tell_a_caption_from_what_is_wrong",
    "eval answers": "test_eval_answers.py::test_answers_are_measured",
    "eval channels": "test_label_cli.py::test_leaving_out_says_which_channel_earns_its_keep",
    "eval datasets multivent1": "test_experiment.py::"
    "test_a_data_set_is_written_for_the_other_commands",
}
_LACKS = re.compile(
    r"q2e models pull|is not installed|needs the package|language_model|needs a|set by a profile"
    r"|there is no eye|nothing here is of channel sound"
    r"|failed to resolve host|archive.q2e holds no index"  # of a server that is an example
    r"|holds no head.json|questions: no such folder"
)


def _by_page() -> Iterator[object]:
    found: dict[str, list[str]] = {}
    for line in _lines():
        assert line.id is not None
        found.setdefault(line.id.split(":")[0], []).append(line.values[0])
    yield from (pytest.param(lines, id=page) for page, lines in found.items())


@pytest.fixture(scope="module")
def prepared(sample_index: q2e.Index, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which everything lies that the pages name."""
    here = tmp_path_factory.mktemp("pages")
    clips = ROOT / "samples/clips"
    for folder in ("Videos", "videos", "q2e/samples"):
        (here / folder).mkdir(parents=True)
        shutil.copy(clips / "reel-02.mp4", here / folder)
    shutil.copy(clips / "reel-02.mp4", here / "clip.mp4")
    shutil.copy(clips / "chiamata-09.opus", here / "spoken.opus")
    (here / "manifest.csv").write_text("path,title\nvideos/reel-02.mp4,Reel\n")
    (here / "q2e/samples/manifest.csv").write_text("path\nreel-02.mp4\n")
    lengths_s = {"reel": 1.0, "other": 1.2, "interview": 1.4}
    named = [write_video(here / f"{name}.mp4", (one,)) for name, one in lengths_s.items()]
    shutil.copytree(sample_index.directory, here / "demo.q2e")
    shutil.copytree(sample_index.directory, here / "videos.q2e")
    with q2e.open(here / "videos.q2e", channels=("metadata",)) as index:
        index.add(*named)
    save_jpeg(np.full((48, 64, 3), 128, np.uint8), here / "photo.jpg")
    for name in ("questions.tsv", "queries.tsv"):
        (here / name).write_text("q1\ta panda\nq2\tsnow\n")
    for name in ("judged.qrels", "qrels.txt"):
        (here / name).write_text("q1 0 x 1\nq2 0 y 1\n")
    (here / "labels.tsv").write_text("animal\tan animal in the wild\nfood\tfood on a table\n")
    words = "cat panda horse mountain beach church bread guitar airplane book rocket"
    (here / "list.de.txt").write_text(words.replace(" ", "\n").replace("cat", "Katze"))
    (here / "groups.tsv").write_text("q1\teasy\nq2\thard\n")
    texts = '{"video": "v", "channel": "speech", "text": "a dog", "start": 0, "end": 1}\n'
    (here / "evidence.jsonl").write_text(texts)
    for name in ("video", "captions", "other_queries"):
        size = (3, 5) if name == "other_queries" else (5, 5)
        np.save(here / f"{name}.npy", np.random.default_rng(len(name)).normal(size=size))
    return here


@pytest.mark.parametrize("lines", [*_by_page()])
def test_each_command_of_a_page_does_what_it_is_shown_for(
    prepared: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(prepared)
    monkeypatch.setenv("HOME", str(prepared))
    monkeypatch.setenv("Q2E_CACHE", str(prepared / "cache"))
    monkeypatch.setenv("Q2E_INDEX", "videos.q2e")
    for line in lines:
        words = shlex.split(line.replace("/backups", str(prepared / "backups")), comments=True)[1:]
        words = words[: words.index("|")] if "|" in words else words
        if any(" ".join(words).startswith(name) for name in APART):
            continue
        if "where no index is" in line:
            shutil.rmtree(prepared / "videos.q2e")
        # What is read of media has tests of its own.
        read = {"Q2E_CHANNELS": '["metadata"]'} if words[0] == "index" else {}
        done = CliRunner().invoke(app, words, env=read)
        if isinstance(done.exception, Q2EError):
            assert _LACKS.search(str(done.exception)), (line, str(done.exception))
        else:
            assert isinstance(done.exception, SystemExit | None), (line, done.exception)
            assert done.exit_code in (0, 1), (line, done.output)


@pytest.mark.parametrize("named", APART.values())
def test_commands_that_are_tested_apart_are(named: str) -> None:
    file, name = named.split("::")
    assert f"def {name}(" in (ROOT / "tests" / file).read_text("utf-8")


#: What the tutorial says of each of its searches: the first hit, and what it was found by.
FIRST = (
    ("call-06.mp4", "speech:"), ("reel-01.mp4", "frame: polar bear"),
    ("news-11.mp4", "screen_text:"), ("llamada-07.mp4", "speech:"), ("portrait-19.mp4", "named:"),
)  # fmt: skip


def test_the_tutorial_shows_what_its_commands_print(
    sample_index: q2e.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sample_index.directory, "demo.q2e")
    page = (ROOT / "docs/tutorial.md").read_text("utf-8")

    def printed(line: str) -> str:
        done = CliRunner().invoke(app, shlex.split(line, comments=True)[1:])
        assert isinstance(done.exception, SystemExit | None) and done.exit_code in (0, 1), line
        return done.output

    shown = re.findall(r"```sh\n(q2e [^\n]+)\n```\n[^`]*```text\n(.*?)```", page, re.DOTALL)
    assert len(shown) == 1
    for line, text in shown:
        assert text in printed(line)
    searches = re.findall(r"^q2e search .+$", page, re.MULTILINE)
    for line, (name, channel) in zip(searches, FIRST, strict=True):
        first = printed(line).partition("\n  2. ")[0]
        assert name in first and channel in first, (line, first)
    assert "nothing here answers" in printed('q2e answer "Who won the world cup?" -i demo.q2e')
    (article,) = re.findall(r"^q2e article .+$", page, re.MULTILINE)
    assert "sentences in weg.html" in printed(article)
    assert "Wanderweg" in Path("weg.html").read_text("utf-8")
