"""What follows a search on the command line: hits by number, one line a moment, exit codes, Tab."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import q2e
from media_files import write_video
from q2e.cli import app, play
from q2e.media.probe import probe

runner = CliRunner()


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two films, named in an index with what is said in them, and of one import."""
    folder = tmp_path_factory.mktemp("hits")
    index = q2e.open(folder / "index", channels=("metadata",))
    write_video(folder / "市场.mp4", scenes_s=(4.0, 4.0), gop=5)
    write_video(folder / "two words.mp4", scenes_s=(3.0,))
    index.add(folder / "市场.mp4", folder / "two words.mp4")
    ids = [video.id for video in sorted(index.videos(), key=lambda one: one.duration_s)]
    said = [
        {"video": ids[1], "channel": "speech", "text": "A market at dawn", "start": 1.5, "end": 3},
        {"video": ids[1], "channel": "speech", "text": "The market closes", "start": 6, "end": 7},
        {"video": ids[0], "channel": "speech", "text": "A ship in port", "start": 0, "end": 1.25},
        {"video": "brought", "channel": "caption", "text": "A cat sleeps on a sofa"},
    ]
    file = folder / "said.jsonl"
    file.write_text("\n".join(map(json.dumps, said)), encoding="utf-8")
    index.import_evidence(file)
    index.close()
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collection: Path) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("Q2E_INDEX", str(collection / "index"))


def _run(*arguments: str) -> Result:
    return runner.invoke(app, list(arguments))


def test_reasons_are_words_of_the_question_and_weaker_hits_are_folded() -> None:
    done = _run("search", "a market at dawn")
    assert done.exit_code == 0 and "because" not in done.stdout
    assert "     said: market, dawn (+" in done.stdout
    told = json.loads(_run("search", "a market at dawn", "--json").stdout)
    words = [hit["certain"] for hit in told["hits"]]
    weak = told["weaker"]
    assert words[0] == "found" and weak == words.count("weaker")
    folded = f"{weak} weaker hit{'s' * (weak > 1)}; --weaker shows them"
    assert (folded in done.stdout) is (weak > 0)
    none = _run("search", "zwölf Pinguine auf dem Mond", "--set", "confidence=0")
    assert none.exit_code == 0 and "nothing here answers; the nearest:" in none.stdout
    assert told["hits"][0]["why"][0]["words"] == ["market", "dawn"]
    assert told["hits"][0]["why"][0]["says"] == "said: market, dawn"
    explained = _run("search", "a market at dawn", "--explain").stdout
    assert "because speech by meaning" in explained and ") said: market, dawn" in explained


def test_what_says_little_is_marked_and_kept() -> None:
    assert "says little]  two words" in _run("show", "two words.mp4").stdout
    record = json.loads(_run("show", "two words.mp4", "--json").stdout)
    assert [one["says_something"] < 0.5 for one in record["evidence"] if one["text"] == "two words"]


def test_one_line_a_moment(collection: Path) -> None:
    done = _run("search", "market at dawn", "--lines", "--top", "1")
    assert done.exit_code == 0 and done.stderr == ""
    assert f"{collection / '市场.mp4'}:1.5-3" in done.stdout.splitlines()
    brought = _run("search", "cat sleeping", "--lines", "--top", "1")
    assert brought.stdout == "brought\n"


def test_nothing_found_is_exit_code_1() -> None:
    for asked in (["cat tag:none"], ["cat tag:none", "--json"], ["cat tag:none", "--lines"]):
        assert _run("search", *asked).exit_code == 1
    assert _run("ask", "cat tag:none").exit_code == 1
    page = _run("search", "market at dawn", "--offset", "50")
    assert page.exit_code == 0 and page.stdout.startswith("no more hits")


def test_a_hit_of_the_last_search_is_cut_out(collection: Path, tmp_path: Path) -> None:
    nothing = _run("clip", "--hit", "1")
    assert "ask first" in str(nothing.exception)
    _run("search", "market at dawn")
    out = tmp_path / "hit.mp4"
    told = json.loads(_run("clip", "--hit", "1", "--exact", "--out", str(out), "--json").stdout)
    assert (told["start"], told["end"]) == (1.5, pytest.approx(3, abs=0.1))
    assert probe(out).duration_s == pytest.approx(1.5, abs=0.1)
    for wrong, says in (
        (["--hit", "9"], "no hit 9; it showed 1 to"),
        (["--hit", "1", "--moment", "7"], "no moment 7"),
    ):
        assert says in str(_run("clip", *wrong).exception)
    both = _run("clip", "two words.mp4", "--hit", "1")
    assert both.exit_code == 2 and "stands for the video" in both.output
    assert _run("storyboard", "--hit", "1", "--out", str(tmp_path / "h.jpg")).exit_code == 0
    # Another index has hits of its own.
    other = _run("clip", "--hit", "1", "--index", str(tmp_path))
    assert "no search of" in str(other.exception)


def test_what_is_forgotten_is_forgotten_here_too(collection: Path) -> None:
    from q2e.cache import forget

    _run("search", "market at dawn")
    found = [video.id for video in q2e.open(collection / "index").videos()]
    assert forget(found) >= 1
    assert "no search of" in str(_run("play", "1").exception)


def test_a_hit_is_played_from_its_moment(
    collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run("search", "market at dawn")
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    missing = str(_run("play", "1").exception)
    assert "no player is installed" in missing and "q2e clip --hit 1" in missing
    for name in ("vlc", "mpv"):
        fake = programs / name
        fake.write_text(f'#!/bin/sh\necho "$0 $@" >{tmp_path}/played\n')
        fake.chmod(0o755)
    done = _run("play", "1", "--player", "vlc")
    assert done.exit_code == 0, done.output
    film = collection / "市场.mp4"
    assert f"{film} 0:01.5-0:03.0" in done.stderr
    played = (tmp_path / "played").read_text("utf-8")
    assert played == f"{programs}/vlc --start-time=1.500 -- {film}\n"
    assert _run("play").exit_code == 0
    assert (tmp_path / "played").read_text("utf-8").startswith(f"{programs}/mpv --start=1.500")
    (programs / "mpv").write_text("#!/bin/sh\nexit 3\n")
    assert "ended with 3" in str(_run("play").exception)
    assert "known: mpv, vlc" in str(_run("play", "--player", "rm").exception)


def test_every_player_is_told_where_to_begin() -> None:
    for name in play.PLAYERS:
        command = play.command(name, Path("/v/-a film.mp4"), 12.3456)
        assert command[-1] == "/v/-a film.mp4" and "12.346" in " ".join(command)


def test_the_list_has_ids_and_paths(collection: Path) -> None:
    rows = [line.split("  ", 1) for line in _run("list").stdout.splitlines()]
    assert {Path(path).name for _, *rest in rows for path in rest} == {"市场.mp4", "two words.mp4"}
    assert ["brought"] in rows
    told = json.loads(_run("list", "--json").stdout)["videos"]
    assert {one["id"] for one in told} == {row[0] for row in rows}
    assert json.loads(_run("status", "--json").stdout)["ids"] == [one["id"] for one in told]
    shown = json.loads(_run("show", told[-1]["id"], "--json").stdout)
    assert shown["video"]["path"] == told[-1]["path"]


def test_status_names_what_is_gone_by_id(tmp_path: Path) -> None:
    film = write_video(tmp_path / "film.mp4", scenes_s=(1.0,))
    index = q2e.open(tmp_path / "own", channels=("metadata",))
    (video,) = index.add(film).indexed
    film.unlink()
    told = json.loads(_run("status", "--json", "--index", str(tmp_path / "own")).stdout)
    assert told["gone"] == [{"video": video.id, "path": str(film)}]
    assert told["missing"] == [str(film)]


def test_a_file_without_anything_to_read_is_not_called_unchanged(
    samples: Path, tmp_path: Path
) -> None:
    sound = str(samples / "clips" / "chiamata-09.opus")
    asked = ("index", sound, "-c", "frame", "--index", str(tmp_path / "own"))
    first, again = _run(*asked), _run(*asked)
    assert "0 indexed, 0 unchanged, 1 with nothing to read" in first.stderr, first.output
    assert f"{sound} has nothing for the channels that were read" in first.stderr
    assert "0 indexed, 1 unchanged" in again.stderr


@pytest.mark.slow  # three commands over many lines
def test_import_and_run_show_how_far_they_are(tmp_path: Path) -> None:
    lines = [
        {"video": f"v{number}", "channel": "caption", "text": f"снег {number}"}
        for number in range(600)
    ]
    file = tmp_path / "many.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    asked = ("import", str(file), "--index", str(tmp_path / "own"))
    assert _run(*asked).stderr.splitlines()[:-1] == [
        "[256/600] lines",
        "[512/600] lines",
        "[600/600] lines",
    ]
    assert _run(*asked, "--quiet").stderr.count("\n") == 1
    (tmp_path / "q.tsv").write_text("a\tснег\nb\tнет tag:nothing\n", encoding="utf-8")
    run = ("run", "--queries", str(tmp_path / "q.tsv"), "--out", str(tmp_path / "run"))
    first = _run(*run, "--index", str(tmp_path / "own"), "-n", "5")
    assert first.stderr.splitlines()[:2] == ["[1/2] questions", "[2/2] questions"]
    # What found nothing stands in no line of the run, and is not asked again all the same.
    again = _run(*run, "--index", str(tmp_path / "own"), "-n", "5", "--json")
    assert json.loads(again.stdout)["queries"] == 0
    assert json.loads(again.stdout)["resumed"] == 2


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("q2e search --fuse comb", {"combmnz", "combsum"}),
        ("q2e search --expand ", {"none", "hyde", "lamer", "rewrite"}),
        ("q2e search -c sp", {"speech"}),
        ("q2e run --pool me", {"mean", "meanmaxsim"}),
        ("q2e index --profile st", {"standard"}),
        ("q2e index --channel me", {"metadata"}),
        ("q2e search --set confidence", {"confidence="}),
        ("q2e search --set expand=h", {"expand=hyde"}),
        ("q2e show 市", {"市场.mp4"}),
        ("q2e clip two", {"two words.mp4"}),
        ("q2e remove b", {"brought"}),
        ("q2e transcript x --format s", {"srt"}),
        ("q2e show --index /nowhere a", set()),
    ],
)
def test_the_shell_completes_values(line: str, offered: set[str]) -> None:
    words = line.split(" ")
    environment = os.environ | {
        "_Q2E_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from q2e.cli import app; app(prog_name='q2e')"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert {one for one in done.stdout.splitlines() if one} == offered, done.stderr
    assert done.stderr == ""
