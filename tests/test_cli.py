"""The command line as scripts and people use it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import q2e


def _q2e(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "q2e", *arguments], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == code, done.stderr
    return done


def _json(*arguments: str, code: int = 0) -> Any:
    done = _q2e(*arguments, "--json", code=code)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of captions brought by hand."""
    folder = tmp_path_factory.mktemp("imported")
    lines = [
        {"video": "quake", "channel": "caption", "text": "Collapsed houses after an earthquake"},
        {
            "video": "quake",
            "channel": "speech",
            "text": "多くの建物が倒壊しました",
            "start": 3,
            "end": 9,
        },
        {"video": "cat", "channel": "caption", "text": "A cat sleeps on a sofa", "language": "en"},
        {"video": "ship", "channel": "caption", "text": "Корабль входит в порт"},
    ]
    file = folder / "evidence.jsonl"
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines))
    assert _json("import", str(file), "--index", str(folder / "index")) == {
        "version": 1,
        "videos": 3,
        "evidence": 4,
    }
    return folder / "index"


def test_search_prints_the_documented_shape(imported: Path) -> None:
    found = _json("search", "un gato duerme", "--index", str(imported))
    assert found.keys() == {"version", "query", "hits", "weaker", "index", "timings"}
    hit = found["hits"][0]
    assert hit["video"] == "cat"
    assert {"rank", "video", "path", "score", "moments", "why"} <= hit.keys()
    assert {"start", "end", "frame", "evidence"} <= hit["moments"][0].keys()
    assert {"channel", "weight", "score", "rank", "event", "text"} <= hit["why"][0].keys()


def test_data_on_stdout_talk_on_stderr(imported: Path) -> None:
    done = _q2e("search", "earthquake", "--index", str(imported), "--explain")
    assert "quake" in done.stdout and "weight" in done.stdout
    plain = _q2e("search", "cat", "--index", str(imported))
    assert plain.stdout.startswith("  1. cat") and plain.stderr == ""
    explained = _q2e("search", "cat", "--index", str(imported), "--explain")
    assert explained.stderr.startswith("note: the question names no event")
    assert "note:" not in explained.stdout
    assert _q2e("status", "--index", str(imported)).stdout.splitlines()[0].endswith("MB")


def test_importing_again_changes_nothing(imported: Path) -> None:
    file = imported.parent / "evidence.jsonl"
    _q2e("import", str(file), "--index", str(imported))
    assert _json("status", "--index", str(imported))["evidence"] == {"caption": 3, "speech": 1}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not JSON"),
        ('{"video": "a", "channel": "smell", "text": "x"}', "unknown channel 'smell'"),
        ('{"video": "a b", "channel": "caption", "text": "x"}', "no blanks"),
        ('{"video": "a", "channel": "caption", "text": "x", "start": 5, "end": 1}', "before start"),
        ('{"video": "a", "channel": "caption", "text": "x", "vector": [1, 2]}', "2 numbers"),
        ('{"video": "a", "channel": "caption", "text": "x", "colour": 1}', "unknown field"),
    ],
)
def test_bad_evidence_says_where(tmp_path: Path, line: str, says: str) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(line)
    done = _q2e("import", str(file), "--index", str(tmp_path / "index"), code=2)
    assert "line 1" in done.stderr and says in done.stderr
    assert done.stdout == ""


def test_run_writes_trec_and_goes_on(imported: Path, tmp_path: Path) -> None:
    queries, out, qrels = tmp_path / "q.tsv", tmp_path / "run.trec", tmp_path / "qrels"
    queries.write_text("q1\tearthquake in Japan\nq2\ta ship in the harbour\nq3\tкошка спит\n")
    qrels.write_text("q1 0 quake 1\nq2 0 ship 1\nq3 0 cat 1\n")
    arguments = ("--queries", str(queries), "--out", str(out), "--index", str(imported))
    assert _json("run", *arguments)["queries"] == 3
    whole = out.read_text()
    out.write_text("".join(whole.splitlines(keepends=True)[:4]))
    again = _json("run", *arguments)
    assert again["resumed"] >= 1
    assert out.read_text() == whole
    finished = _q2e("run", *arguments)
    assert finished.stderr.startswith("0 queries answered, 3 were done before")
    assert out.read_text() == whole
    scored = _json("eval", "run", str(out), "--qrels", str(qrels), "--measures", "R@1,nDCG@10")
    assert "1.0" in json.dumps(scored)


def test_what_a_question_may_have_meant_is_said(imported: Path) -> None:
    done = _q2e("search", "langauge:de cat", "--index", str(imported))
    assert "did you mean language: ?" in done.stderr and "language" not in done.stdout
    found = _json("search", "cat tag:nothing", "--index", str(imported), code=1)
    assert found["hits"] == [] and "passes the filters" in found["index"]["hint"]
    assert _json("search", "cat", "--index", str(imported))["index"]["hint"] == ""


def test_help_is_whole_and_the_version_is_said() -> None:
    said = _q2e("--help").stdout
    assert "..." not in said.partition("Commands:")[2]
    assert _q2e("--version").stdout == f"q2e {q2e.__version__}\n"
    assert '"crowd gathers" then "police arrive" within 2m' in _q2e("search", "--help").stdout


def test_hostile_names_stay_on_their_line(tmp_path: Path) -> None:
    name = "two\nlines \x1b[31m \u202egpj.نامه\u200cها.mp4"
    (tmp_path / name).write_bytes(b"")
    done = _q2e("index", str(tmp_path), "--index", str(tmp_path / "index"), code=1)
    status = _q2e("status", "--index", str(tmp_path / "index")).stdout
    for said in (done.stderr, status):
        assert r"two\nlines \x1b[31m \u202egpj.نامه" + "\u200cها.mp4" in said
        assert "\x1b" not in said


def test_questions_without_an_index_say_what_to_do(tmp_path: Path) -> None:
    done = _q2e("search", "cat", "--index", str(tmp_path / "none"), code=2)
    assert "q2e index" in done.stderr and done.stdout == ""


def test_wrong_settings_are_named(imported: Path) -> None:
    done = _q2e("search", "cat", "--index", str(imported), "--fuse", "magic", code=2)
    assert "magic" in done.stderr and "entropy" in done.stderr


def test_any_setting_can_be_set(imported: Path, tmp_path: Path) -> None:
    found = _json("search", "cat", "--index", str(imported), "--set", "confidence=0",
                  "--set", "fuse=mean")  # fmt: skip
    assert len(found["hits"]) == 3 and found["index"]["fuse"] == "mean"
    done = _q2e("search", "cat", "--index", str(imported), "--set", "top=2", code=2)
    assert "here that is  --top" in done.stderr
    done = _q2e("search", "cat", "--index", str(imported), "--set", "profile=paper", code=2)
    assert "paper" in done.stderr
    where = tmp_path / "index"
    (tmp_path / "bad.mp4").write_bytes(b"")
    _q2e("index", str(tmp_path), "--index", str(where), "--set", "channels=metadata,frame",
         "--set", "frames_per_video=3", code=1)  # fmt: skip
    kept = _json("config", "--index", str(where))
    assert (kept["channels"], kept["frames_per_video"]) == (["metadata", "frame"], 3)
    for wrong, says in [
        ("top", "NAME=VALUE"),
        ("colour=red", "unknown setting 'colour'"),
        ("top=many", "setting top = 'many'"),
        ("channels=smell", "unknown channel 'smell'"),
        ("speech_language=klingon", "'klingon' is unknown"),
    ]:
        done = _q2e("index", str(tmp_path), "--index", str(where), "--set", wrong, code=2)
        assert says in done.stderr and "Value error" not in done.stderr


def test_doctor_and_models_list(tmp_path: Path) -> None:
    rows = _json("models", "list")
    assert all(row["licence"] for row in rows)
    local = [row for row in rows if row["profile"] == "local"]
    assert {row["task"] for row in local} == {"text", "image", "speech", "reader"}
    assert all(row["installed"] for row in local)
    told = _json("doctor")
    assert told["ok"] is True and f"q2e {q2e.__version__}" in told["checks"][0]["found"]
    assert not any("0 kB" in check["found"] for check in told["checks"])


def test_a_bad_file_makes_exit_code_1_and_the_rest_is_indexed(
    tmp_path: Path, samples: Path
) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"")
    good = samples / "clips" / "news-17.mp4"
    done = _q2e(
        "index", str(good), str(tmp_path), "--channel", "metadata",
        "--index", str(tmp_path / "index"), "--json", code=1,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert report["indexed"] == [str(good)]
    assert [Path(failure["path"]).name for failure in report["failures"]] == ["bad.mp4"]


def test_a_renamed_file_is_not_said_to_be_indexed(tmp_path: Path, samples: Path) -> None:
    where, name = str(tmp_path / "index"), "news-17.mp4"
    old = tmp_path / name
    old.write_bytes((samples / "clips" / name).read_bytes())
    index = ("index", str(tmp_path), "--channel", "metadata", "--index", where)
    assert "1 indexed, 0 unchanged  (" in _q2e(*index).stderr
    old.rename(tmp_path / "新闻.mp4")
    assert "0 indexed, 0 unchanged, 1 renamed  (" in _q2e(*index).stderr


def test_show_tells_everything(sample_index: q2e.Index) -> None:
    shown = _json("show", "wanderung-20.mp4", "--index", str(sample_index.directory))
    channels = {one["channel"] for one in shown["evidence"]}
    assert {"frame", "speech", "metadata"} <= channels
    assert any("Wanderweg" in one["text"] for one in shown["evidence"])
    assert shown["segments"]


def test_mistakes_are_one_line(imported: Path, tmp_path: Path) -> None:
    search = ("search", "flood", "--index", str(imported))
    for arguments, says in (
        (("--export", str(tmp_path / "no" / "a.csv")), "a.csv: No such file or directory"),
        (("--channel", "smell"), "unknown channel 'smell'; known: frame"),
        (("--since", "31.12.2020"), "needs a date such as 2020"),
    ):
        done = _q2e(*search, *arguments, code=2)
        assert says in done.stderr and done.stderr.count("\n") == 1
        assert "quotes" not in done.stderr, "quotes help in a question alone"
    assert _q2e(*search, "--offset", "100").stdout.startswith("no more hits")


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_says_how_to_go_on(samples: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "q2e", "index", str(samples), "--index", str(tmp_path / "i")]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while running.poll() is None and not (tmp_path / "i").exists():
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert "run the same command again" in said
    # CPython ends by the signal itself where it struck inside an `exec`, as when a dataclass is
    # made; a shell tells 130 of both.
    assert running.returncode in (130, -signal.SIGINT)
