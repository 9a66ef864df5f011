"""A trained eye: pairs of any form, trained, named, and an index seen through it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from q2e import checks
from q2e.cli import app
from q2e.decoding import doors
from q2e.errors import ConfigError, ModelError
from q2e.heads.pairs import read_pairs
from q2e.heads.train import opened
from q2e.media.frames import save_jpeg
from q2e.models import profiles
from q2e.models.local.eye import Eye, open_eye
from q2e.models.local.tagbridge import TagBridge
from q2e.models.registry import Models
from q2e.settings import load_settings

RUN = CliRunner()
SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "clips"
#: What real frames show, by clip and second, in several languages.
SHOWN = {
    ("reel-01.mp4", 1.0): ("a giant panda eats", "ein Panda frisst"),
    ("reel-01.mp4", 4.0): ("a koala in a tree", "ein Koala im Baum"),
    ("reel-02.mp4", 1.0): ("the face of a cat", "das Gesicht einer Katze"),
    ("reel-02.mp4", 4.0): ("two dogs", "zwei Hunde"),
    ("reel-03.mp4", 1.0): ("a cup of coffee", "eine Tasse Kaffee"),
}
LANGUAGES = {
    "ar": "قطة", "de": "eine Katze", "en": "a cat", "es": "un gato", "fr": "un chat",
    "hi": "एक बिल्ली", "ja": "猫", "ko": "고양이", "ru": "кошка", "th": "แมว", "zh": "一只猫",
}  # fmt: skip


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of real pictures with English captions as COCO has them, and German in a table."""
    folder = tmp_path_factory.mktemp("pairs")
    images, told, german = [], [], ["image,caption"]
    for number, ((clip, time_s), (english, other)) in enumerate(SHOWN.items()):
        name = f"{number:012d}.jpg"
        (frame,) = doors.frames_at(SAMPLES / clip, (time_s,))
        (folder / "train").mkdir(exist_ok=True)
        save_jpeg(frame.image, folder / "train" / name)
        images.append({"id": number, "file_name": name, "license": 1})
        told += [{"image_id": number, "id": number * 2 + n, "caption": english} for n in (0, 1)]
        german.append(f'{name},"{other}"')
    coco = {
        "info": {"description": "Small COCO"},
        "licenses": [{"id": 1, "name": "CC BY 2.0"}],
        "images": [*images, {"id": 99, "file_name": "absent.jpg"}],
        "annotations": [*told, {"image_id": 99, "id": 999, "caption": "what is not there"}],
    }
    (folder / "captions.json").write_text(json.dumps(coco), "utf-8")
    (folder / "german.csv").write_text("\n".join(german), "utf-8")
    return folder


def run(*words: str | Path) -> Any:
    done = RUN.invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.slow
def test_from_pictures_with_captions_to_a_named_eye(pictures: Path) -> None:
    done = run(
        "train", "eye", pictures / "train", pictures / "captions.json", pictures / "german.csv",
        "--name", "small", "--licence", "captions CC BY 4.0", "--json",
    )  # fmt: skip
    answer = json.loads(done.stdout)
    assert answer["name"] == "small" and answer["data"] == "Small COCO"
    assert "absent.jpg" in done.stderr and re.search(r"\d+ pairs: below some 800", answer["note"])
    rows = json.loads(run("models", "list", "--json").stdout)
    (row,) = (one for one in rows if one["profile"] == "small" and one["task"] == "eye")
    assert row["installed"] and "captions CC BY 4.0" in row["licence"]
    assert "trained on Small COCO" in row["note"]
    (line,) = (one for one in checks.check_all() if one.name.startswith("eye ("))
    assert line.ok and "small" in line.found
    assert "nothing to fetch" in run("models", "pull", "small").stderr


@pytest.mark.slow
def test_an_index_is_seen_through_it_beside_what_it_was(pictures: Path, tmp_path: Path) -> None:
    captions = (pictures / "captions.json", pictures / "german.csv")
    run("train", "eye", pictures / "train", *captions, "--name", "small")
    index = tmp_path / "videos.q2e"
    clip = SAMPLES / "reel-02.mp4"
    run("index", clip, "--index", index, "-c", "frame", "--quiet")
    with q2e.open(index) as before:
        assert before.settings.profile == "local"
    done = run("index", "--eye", "small", "--index", index, "-c", "frame", "--quiet")
    assert "profile small: 1 videos" in done.stderr
    with q2e.open(index) as after, q2e.open(index, profile="local") as before:
        assert after.settings.profile == "small" and after.models.image.space.startswith("eye-1/")
        own = after.store.vectors(after.models.image.space)[1]
        other = before.store.vectors(before.models.image.space)[1]
        assert len(own) == len(other) and own.shape[1] > other.shape[1] == 384
        np.testing.assert_allclose(np.linalg.norm(own, axis=1), 1, atol=1e-3)
        video = after.find("reel-02.mp4")
        assert any(one.tags for one in after.store.evidence_of(video.id))
        # The cat comes first in the clip, two dogs after it; three pairs teach little, so not all.
        cat = own @ after.models.image.encode_texts(list(LANGUAGES.values())).T
        assert len(own) == len(cat) and (cat[0] > cat[-1]).sum() >= 9


@pytest.mark.slow
def test_the_commands_for_coco_run_as_the_page_has_them(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is unpacked there lies here in small: the same names, three pictures."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(pictures / "train", "train2017")
    Path("annotations").mkdir()
    shutil.copy(pictures / "captions.json", "annotations/captions_train2017.json")
    Path("videos").mkdir()
    shutil.copy(SAMPLES / "reel-02.mp4", "videos")
    page = (Path(__file__).parent.parent / "docs/how-to/training.md").read_text("utf-8")
    section = page.partition("### COCO, from nothing")[2].partition("\n### ")[0]
    train, index, search = re.findall(r"^q2e (.+)$", section, re.MULTILINE)
    for line in (train, index, search):
        words = shlex.split(line)
        done = RUN.invoke(app, words, env={"Q2E_CHANNELS": '["frame"]'})
        assert isinstance(done.exception, SystemExit | None), (line, done.exception)
        # Three pictures teach nothing of frisbees: the search runs, and may find nothing.
        assert done.exit_code in ((0, 1) if line == search else (0,)), (line, done.output)
    with q2e.open("videos.q2e") as made:
        assert made.settings.profile == "coco" and len(made.videos()) == 1
        assert made.models.image.space.startswith("eye-1/")


@pytest.mark.slow  # reads clips
def test_what_is_seen_is_the_head_beside_the_labels(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    run("train", "eye", pictures / "train", pictures / "german.csv", "--out", out)
    models = Models(load_settings(profile="mine"))
    bridge = models.untrained_image
    assert isinstance(bridge, TagBridge) and models.image.space != bridge.space
    kept, _ = opened(out)
    (frame,) = doors.frames_at(SAMPLES / "reel-02.mp4", (1.0,))
    features, labels, tags = bridge.see([frame.image])
    centred = (features - kept.weights["mean"]) / (kept.weights["deviation"] + 1e-3)
    head = centred @ kept.weights["pictures"]
    whole = np.concatenate([head / np.linalg.norm(head), 3 * labels], axis=1)
    seen = models.image
    np.testing.assert_allclose(
        seen.encode_images([frame.image]), whole / np.linalg.norm(whole), atol=1e-5
    )
    vector = models.text.encode_queries(["кошка"])
    head = (vector - kept.weights["text_mean"]) @ kept.weights["texts"]
    whole = np.concatenate([head / np.linalg.norm(head), bridge.encode_texts(["кошка"])], axis=1)
    np.testing.assert_allclose(
        seen.encode_texts(["кошка"]), whole / np.linalg.norm(whole), atol=1e-5
    )
    assert seen.read([frame.image])[1] == tags
    # Another recipe is another space, and so another generation; other models' is refused.
    about = out / "head.json"
    told = json.loads(about.read_text("utf-8"))
    info = bridge.info
    about.write_text(json.dumps(told | {"recipe": "cca(labels=2)"}), "utf-8")
    other = Eye(bridge, models.text, open_eye(out, info, load_settings()))
    assert other.space != seen.space
    about.write_text(json.dumps(told | {"space": "other/features/texts"}), "utf-8")
    with pytest.raises(ConfigError, match="was trained on other/features/texts"):
        Eye(bridge, models.text, open_eye(out, info, load_settings()))
    about.write_text(json.dumps(told | {"kind": "mmi"}), "utf-8")
    with pytest.raises(ModelError, match="keeps a mmi, no eye"):
        open_eye(out, info, load_settings())


@pytest.mark.slow
def test_an_index_trains_its_own_eye(sample_index: q2e.Index, tmp_path: Path) -> None:
    done = run("train", "eye", sample_index.directory, "--name", "own", "--json")
    assert json.loads(done.stdout)["licence"] == "that of the videos"
    assert profiles.eyes() == ["own"]
    index = tmp_path / "videos.q2e"
    run("index", SAMPLES / "reel-02.mp4", "--eye", "own", "--index", index, "-c", "frame", "-q")
    with q2e.open(index) as seen:
        for language, question in LANGUAGES.items():
            hits = seen.search(question, confidence=0.0)
            assert hits[0].video.path.endswith("reel-02.mp4"), language


FORMS = {
    "rows.json": json.dumps(
        [{"image": "a.jpg", "caption": "猫"}, {"image": "b.jpg", "text": "犬"}]
    ),
    "karpathy.json": json.dumps(
        {"images": [{"filename": "a.jpg", "sentences": [{"raw": "猫"}]},
                    {"filename": "b.jpg", "sentences": [{"raw": "犬"}]}]}
    ),
    "coco.json": json.dumps(
        {"images": [{"id": 1, "file_name": "a.jpg"}, {"id": "2", "file_name": "b.jpg"}],
         "annotations": [{"image_id": 1, "caption": "猫"}, {"image_id": 2, "caption": " 犬 "}]}
    ),
    "lines.jsonl": '{"image": "a.jpg", "captions": ["猫"]}\n\n{"path": "b.jpg", "caption": "犬"}\n',
    "table.csv": "image,caption\na.jpg,猫\nb.jpg,犬\n",
    "table.tsv": "file_name\tcaption\na.jpg#0\t猫\nb.jpg#1\t犬\n",
    "flickr30k.csv": "image_name| comment_number| comment\na.jpg| 0| 猫\nb.jpg| 0| 犬\n",
    "marked.csv": "\ufeffimage;caption\na.jpg;猫\nb.jpg;犬\n",
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_pairs_are_read_as_sets_keep_them(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(FORMS[name], "utf-8")
    assert read_pairs(tmp_path / name).captions == {"a.jpg": ("猫",), "b.jpg": ("犬",)}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.json", "{", "not valid JSON"),
        ("x.json", "{}", "neither a list of rows nor"),
        ("x.json", '{"images": [3]}', "neither a list of rows nor"),
        ("x.json", "[1]", "row 1: no object"),
        ("x.json", "[" * 100_000, "not valid JSON"),
        ("x.jsonl", '{"image": "a"}\n{', "row 1: holds no caption"),
        ("x.csv", "caption\na\n", "names no picture"),
        ("x.csv", "image,caption\n", "holds no pair"),
        ("x.png", "", "captions are .json"),
    ],
)
def test_what_is_no_file_of_pairs_is_told(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_pairs(tmp_path / name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train eye {pictures}/train --name x", "pictures need files of CAPTIONS too"),
        ("train eye {pictures} {pictures}/german.csv --name local", "is a profile that is no eye"),
        ("train eye {pictures} {pictures}/german.csv --name a.b", "is no usable name"),
        ("train eye {tmp} {pictures}/german.csv", "holds none of the pictures with captions"),
        ("train eye nowhere {pictures}/german.csv", "nowhere: no folder of pictures"),
        ("train head own.npz --recipe xpool", "--out is needed"),
        ("train head own.npz --recipe xpool --out o --name x", "captions and --name are of an eye"),
        ("index {tmp} --eye none", "there is no eye 'none' here"),
        ("index {tmp} --eye none --profile local", "give one of them"),
    ],
)
def test_what_cannot_be_is_told(pictures: Path, tmp_path: Path, words: str, said: str) -> None:
    done = RUN.invoke(app, words.format(pictures=pictures, tmp=tmp_path).split())
    assert isinstance(done.exception, ConfigError) and said in str(done.exception)
