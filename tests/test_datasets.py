"""Data sets of the field: every loader on files laid out as published, and what checks say."""

from __future__ import annotations

import csv
import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from q2e import builtin, plugins
from q2e.cli.eval import app
from q2e.errors import ConfigError, EvaluationError
from q2e.evaluate.datasets import Dataset, Spec, load, names, spec_of
from q2e.evaluate.datasets.base import Files
from q2e.evaluate.datasets.captions import safe_pickle
from q2e.evaluate.datasets.catalogue import LAYOUTS
from q2e.evaluate.moment_measures import VideoMoment, tvr_ndcg
from q2e.registry import Registry, method


def _text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _objects(path: Path, *rows: dict[str, Any]) -> None:
    _text(path, *(json.dumps(row, ensure_ascii=False) for row in rows))


def _table(path: Path, *rows: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _msrvtt_1ka(folder: Path) -> None:
    _table(
        folder / "MSRVTT_JSFUSION_test.csv",
        {"key": "ret0", "vid_key": "msr7020", "video_id": "video7020", "sentence": "a cake"},
        {"key": "ret1", "vid_key": "msr7021", "video_id": "video7021", "sentence": "a ball, hit"},
        {"key": "ret2", "vid_key": "msr7022", "video_id": "video7022", "sentence": "a cake"},
    )


def _msrvtt(folder: Path) -> None:
    videos = [
        {"video_id": "video0", "split": "train", "category": 1, "start time": 1.0},
        {"video_id": "video7010", "split": "test", "category": 2, "start time": 2.0},
    ]
    sentences = [
        {"video_id": "video0", "caption": "not of the test", "sen_id": 0},
        {"video_id": "video7010", "caption": "two men talk", "sen_id": 1},
        {"video_id": "video7010", "caption": "a talk", "sen_id": 2},
    ]
    data = {"info": {}, "videos": videos, "sentences": sentences}
    _text(folder / "MSRVTT_data.json", json.dumps(data))


def _msvd(folder: Path) -> None:
    _text(folder / "test_list.txt", "mv89psg6zh4_33_46", "zulPFoY64wE_26_33")
    captions = {
        "mv89psg6zh4_33_46": [["a", "bird", "bathes"], ["a", "parrot"]],
        "zulPFoY64wE_26_33": [["a", "man", "rows"]],
        "other_1_2": [["not", "asked"]],
    }
    (folder / "raw-captions.pkl").write_bytes(pickle.dumps(captions, protocol=2))


def _vatex(folder: Path, field: str = "enCap") -> None:
    rows = [
        {"videoID": f"v{n}_0_10", "enCap": ["a dog runs"] * 10, "chCap": ["一只狗在跑"] * 10}
        for n in range(3)
    ]
    _text(folder / "vatex_validation_v1.0.json", json.dumps(rows, ensure_ascii=False))
    _text(folder / "test_list.txt", "v0_0_10", "v2_0_10")


def _lsmdc(folder: Path) -> None:
    _text(
        folder / "LSMDC16_challenge_1000_publictect.csv",
        "1001_A_00.01.02-00.01.05\t00.01.02\t00.01.05\t00.01.01\t00.01.06\tSOMEONE walks, slowly.",
        "1001_B_00.02.02-00.02.05\t00.02.02\t00.02.05\t00.02.01\t00.02.06\tHe nods.",
    )


def _didemo(folder: Path) -> None:
    rows = [
        {
            "annotation_id": 1,
            "description": "the bug moves",
            "video": "26292851@N04_4253489686.m4v",
            "times": [[4, 4], [4, 4], [0, 0]],
            "num_segments": 6,
        },
        {
            "annotation_id": 2,
            "description": "a hand comes",
            "video": "26292851@N04_4253489686.m4v",
            "times": [[0, 1], [2, 2]],
            "num_segments": 6,
        },
    ]
    _text(folder / "test_data.json", json.dumps(rows))


def _activitynet(folder: Path) -> None:
    data = {
        "v_uqiMw7tQ1Cc": {
            "duration": 55.15,
            "timestamps": [[0.28, 55.15], [13.79, 54.32]],
            "sentences": ["A weight lifting tutorial is given.", " The coach helps."],
        }
    }
    _text(folder / "val_1.json", json.dumps(data))


def _multivent1(folder: Path) -> None:
    def row(video: str, event: str, language: str, excerpt: str) -> dict[str, str]:
        return {
            "video_URL": video,
            "video_description": "描述, в несколько\nстрок",
            "language": language,
            "event_category": "disasters",
            "event_name": event,
            "article_url": "",
            "en_article_url": "",
            "en_article_excerpt": excerpt,
        }

    _table(
        folder / "multivent_base.csv",
        row("http://youtube.com/watch?v=abc-1", "pohang_earthquake", "korean", "The 2017 ..."),
        row("http://twitter.com/i/status/12345", "pohang_earthquake", "korean", "The 2017 ..."),
        row("http://youtube.com/watch?v=xyz", "harbin_fire", "chinese", "A fire ..."),
    )


def _multivent2(folder: Path) -> None:
    _table(
        folder / "multivent_2_test_queries.csv",
        {"Query_id": "test_pt2_query_13", "query": "2023 Jeddah floods"},
        {"Query_id": "test_pt2_query_49", "query": "Super Bowl LVII"},
    )
    _objects(
        folder / "multivent_2_test_judgments.jsonl",
        {"query_id": "test_pt2_query_13", "doc_id": "86714", "relevance": 3,
         "query_event_type": "emergency"},
        {"query_id": "test_pt2_query_13", "doc_id": "83254", "relevance": 0,
         "query_event_type": "emergency"},
        {"query_id": "test_pt2_query_49", "doc_id": "99", "relevance": 1,
         "query_event_type": "sport"},
    )  # fmt: skip
    _text(folder / "video_ids.txt", "86714", "83254", "99", "100")


def _wikivideo(folder: Path) -> None:
    data = {
        "Super Bowl LVII": {"163": "A match.", "article": "The game ..."},
        "2023 Jeddah floods": {"gtZ": "A street under water.", "-Iji": "Rain."},
    }
    _text(folder / "qwenvl_2_5_72b.json", json.dumps(data))


def _tvr(folder: Path) -> None:
    _objects(
        folder / "tvr_val_release.jsonl",
        {"vid_name": "friends_s01e03", "duration": 61.46, "ts": [16.48, 33.87],
         "desc": "Phoebe puts a ponytail in her mouth.", "type": "v", "desc_id": 90200},
    )  # fmt: skip
    _objects(
        folder / "tvqa_preprocessed_subtitles.jsonl",
        {"vid_name": "friends_s01e03", "sub": [{"start": 0.9, "end": 3.4, "text": "Hi."}]},
        {"vid_name": "not_of_this_split", "sub": [{"start": 0, "end": 1, "text": "no"}]},
    )


def _tvr_ranking(folder: Path) -> None:
    base = {"query_id": 54251, "query": "A man talks.", "duration": 90.02, "caption": "x"}
    _objects(
        folder / "test.json",
        base | {"video_name": "house_24", "timestamp": [63.47, 77.42], "relevance": 4},
        base | {"video_name": "house_24", "timestamp": [1.0, 2.0], "relevance": 1.5},
        base | {"video_name": "castle_2", "timestamp": [5.0, 9.0], "relevance": 0},
    )
    _text(folder / "video_corpus.json", json.dumps(["house_24", "castle_2", "bbt_1"]))


def _lovr(folder: Path) -> None:
    _objects(
        folder / "all_clip.jsonl",
        {"path": "-7wwfGJXEZg/-7wwfGJXEZg-Scene-001.mp4", "cap": "A long caption."},
    )
    _objects(folder / "all_video.jsonl", {"vid": "-7wwfGJXEZg", "cap": "A longer one."})


def _hirest(folder: Path) -> None:
    data = {
        "Sew a Gingham Dress": {
            "f5H.mp4": {"relevant": True, "clip": True, "v_duration": 290.4, "bounds": [35, 79],
                        "steps": []},
            "0jE.mp4": {"relevant": True, "clip": False, "v_duration": 115.8, "bounds": [0, 1],
                        "steps": []},
        }
    }  # fmt: skip
    _text(folder / "all_data_test.json", json.dumps(data))
    negatives = {"negative video_0": {"vm9.mp4": {}}}
    _text(folder / "all_data_test_negative_samples.json", json.dumps(negatives))


def _hirest_steps(folder: Path) -> None:
    steps = [
        {"index": 0, "heading": "cut the cloth", "absolute_bounds": [35, 50]},
        {"index": 1, "heading": "sew", "absolute_bounds": [50, 79]},
        {"index": 2, "heading": "no time", "absolute_bounds": [79, 79]},
    ]
    one = {"relevant": True, "clip": True, "v_duration": 290.4, "bounds": [35, 79], "steps": steps}
    data = {"Sew a Dress": {"f5H.mp4": one, "0jE.mp4": {**one, "relevant": False}}}
    _text(folder / "all_data_val.json", json.dumps(data))


def _queryd(folder: Path) -> None:
    _text(folder / "test_list.txt", "video-a", "video-b")
    captions = {"video-a": [["a", "man"], ["he", "sits"]], "video-b": [["rain"]]}
    (folder / "raw_captions_combined_filtered.pkl").write_bytes(pickle.dumps(captions))


def _condensed_movies(folder: Path) -> None:
    _table(
        folder / "metadata" / "clips.csv",
        *({"videoid": video, "imdbid": film} for video, film in
          (("a", "tt1"), ("b", "tt1"), ("c", "tt2"), ("d", "tt1"))),
    )  # fmt: skip
    _table(
        folder / "metadata" / "descriptions.csv",
        {"imdbid": "tt1", "videoid": "a", "description": 'They sing "One Day More".'},
        {"imdbid": "tt1", "videoid": "b", "description": "A trailer."},
        {"imdbid": "tt2", "videoid": "c", "description": "A trailer."},
        {"imdbid": "tt1", "videoid": "gone", "description": "No clip."},
    )
    _table(
        folder / "metadata" / "split.csv",
        {"imdbid": "tt1", "split": "test"},
        {"imdbid": "tt2", "split": "train"},
    )


def _xtd(folder: Path) -> None:
    _text(folder / "XTD10" / "test_image_names.txt", "COCO_1.jpg", "COCO_2.jpg")
    for language, folder_name in (("en", "XTD10"), ("zh", "XTD10"), ("jp", "STAIR")):
        file = folder / folder_name / f"test_1kcaptions_{language}.txt"
        _text(file, f"first {language}", f"second {language}")


def _msrvtt_languages(folder: Path) -> None:
    for language in ("zh", "ru"):
        lines = (f"video7010#{language}#0 一个人", f"video7010#{language}#1 два человека")
        _text(folder / f"msrvtt10kcntest_{language}.caption.txt", *lines)
    _text(folder / "msrvtt10kcntest_google_enc2ar.caption.txt", "video7011#enc2ar#0 رجل يمشي")


def _msvd_zh(folder: Path) -> None:
    lines = (
        "1,vid239.mp4,一个小猫",
        "2,vid1301.mp4,一只鸟",
        "3,vid1970.mp4,一个男人",
        "4,vid1301.mp4,鸟",
    )
    _text(folder / "msvd_cn_captions_release_utf8.csv", "id,video_id,sentence", *lines)


def _own(folder: Path) -> None:
    _table(
        folder / "queries.csv",
        {"query": "пожар на складе", "video": "a b.mp4", "relevance": "2", "start": "1",
         "end": "5", "group": "ru"},
        {"query": "пожар на складе", "video": "c.mp4", "relevance": "", "start": "", "end": "",
         "group": "ru"},
        {"query": "ไฟไหม้", "video": "c.mp4", "relevance": "0", "start": "", "end": "",
         "group": "th"},
    )  # fmt: skip
    _objects(folder / "evidence.jsonl", {"video": "d.mp4", "channel": "speech", "text": "मदद"})


def _qa(folder: Path) -> None:
    _table(
        folder / "questions.csv",
        {"question": "Wer  kam?", "video": "a b.mp4", "start": "1", "end": "5", "text": "Anna",
         "language": "de"},
        {"question": "Wer kam?", "video": "c.mp4", "start": "", "end": "2", "text": "",
         "language": "de"},
        {"question": "谁来了？", "video": "", "start": "", "end": "", "text": "", "language": "zh"},
    )  # fmt: skip
    _objects(folder / "evidence.jsonl", {"video": "d.mp4", "channel": "speech", "text": "मदद"})


def _wikivideo_articles(folder: Path) -> None:
    told = {"Flood": {"query": "q1", "article": "<lead>A river rose.</lead>"},
            "Fire": {"query": "q2", "article": " "},
            "Vote": {"query": "q3", "article": "They voted."}}  # fmt: skip
    _text(folder / "wikipedia_outputs.json", json.dumps(told))
    captions = {"Flood": {"v1": "a river", "article": "no caption"}, "Other": {"v2": "a dog"}}
    _text(folder / "qwenvl_2_5_72b_audio.json", json.dumps(captions))


#: Data set, its files, and (queries, videos, relevant, moments, evidence) found in them.
FIXTURES: dict[str, tuple[Callable[[Path], None], tuple[int, int, int, int, int]]] = {
    "activitynet": (_activitynet, (1, 1, 1, 2, 0)),
    "condensed_movies": (_condensed_movies, (1, 1, 1, 0, 0)),
    "didemo": (_didemo, (1, 1, 1, 0, 0)),
    "didemo_moments": (_didemo, (2, 1, 2, 2, 0)),
    "didemo_people": (_didemo, (2, 1, 2, 5, 0)),
    "hirest": (_hirest, (1, 3, 2, 1, 0)),
    "hirest_steps": (_hirest_steps, (2, 2, 2, 2, 0)),
    "lovr": (_lovr, (1, 1, 1, 0, 0)),
    "lovr_video": (_lovr, (1, 1, 1, 0, 0)),
    "lsmdc": (_lsmdc, (2, 2, 2, 0, 0)),
    "msrvtt": (_msrvtt, (2, 1, 2, 0, 0)),
    "msrvtt_1ka": (_msrvtt_1ka, (3, 3, 3, 0, 0)),
    "msrvtt_languages": (_msrvtt_languages, (5, 2, 5, 0, 0)),
    "msvd": (_msvd, (3, 2, 3, 0, 0)),
    "msvd_zh": (_msvd_zh, (3, 2, 3, 0, 0)),
    "multivent1": (_multivent1, (2, 3, 3, 0, 3)),
    "multivent1_names": (_multivent1, (2, 3, 3, 0, 3)),
    "multivent2": (_multivent2, (2, 4, 2, 0, 0)),
    "own": (_own, (2, 3, 2, 1, 1)),
    "qa": (_qa, (2, 3, 2, 2, 1)),
    "queryd": (_queryd, (2, 2, 2, 0, 0)),
    "tvr": (_tvr, (1, 1, 1, 1, 1)),
    "tvr_ranking": (_tvr_ranking, (1, 3, 1, 2, 0)),
    "vatex": (_vatex, (20, 2, 20, 0, 0)),
    "vatex_zh": (_vatex, (20, 2, 20, 0, 0)),
    "wikivideo": (_wikivideo, (2, 3, 3, 0, 3)),
    "wikivideo_articles": (_wikivideo_articles, (2, 2, 1, 0, 2)),
    "xtd": (_xtd, (6, 2, 6, 0, 0)),
}


def test_every_data_set_has_a_loader_and_a_fixture() -> None:
    assert set(names()) == set(FIXTURES)
    assert {spec_of(name).layout for name in names()} == set(LAYOUTS)


@pytest.mark.parametrize("name", FIXTURES)
def test_reads_files_as_published(name: str, tmp_path: Path) -> None:
    make, expected = FIXTURES[name]
    make(tmp_path)
    found = load(name, tmp_path)
    assert found.dataset is not None
    counts = found.dataset.counts()
    parts = ("queries", "videos", "relevant", "moments", "evidence")
    assert tuple(counts[one] for one in parts) == expected
    for query in found.dataset.queries:
        assert query and not query.split()[1:]
    if spec_of(name).counts:
        assert not found.whole and any("a part of the set" in f.text for f in found.findings)


@pytest.mark.parametrize("name", FIXTURES)
def test_says_what_is_missing_and_where_it_is_published(name: str, tmp_path: Path) -> None:
    found = load(name, tmp_path)
    assert found.dataset is None
    needed = [one for one in spec_of(name).files if not one.optional]
    problems = [one for one in found.findings if one.level == "problem"]
    assert problems and needed[0].name in problems[0].text and needed[0].url in problems[0].text


def test_a_package_brings_a_data_set_with_its_own_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text(
        'title = "Mine"\nlayout = "mine"\nlicence = "CC0"\npublished = "here"\nprotocol = "none"\n'
        '[[files]]\nname = "mine.txt"\nwhat = "lines"\nurl = "https://example.org/mine.txt"\n'
    )
    (tmp_path / "mine.txt").write_text("a dog\n猫\n", encoding="utf-8")

    def read(spec: Spec, files: Files) -> Dataset:
        lines = files.needed("mine.txt").read_text("utf-8").splitlines()
        asked = {str(number): line for number, line in enumerate(lines)}
        return Dataset(asked, {name: {name: 1} for name in asked}, tuple(asked))

    @method("dataset", "mine")
    def mine() -> Spec:
        """My own lines."""
        return Spec.of(tmp_path / "mine.toml", read)

    known = Registry()
    builtin.register(known)
    known.add(mine)
    monkeypatch.setattr(plugins, "registry", lambda: known)
    assert "mine" in names() and "msrvtt" in names()
    loaded = load("mine", tmp_path)
    assert loaded.dataset is not None and loaded.dataset.queries == {"0": "a dog", "1": "猫"}


@pytest.mark.parametrize("name", names())
def test_specifications_say_licence_protocol_and_place(name: str) -> None:
    spec = spec_of(name)
    assert spec.licence and spec.protocol and spec.published and spec.title
    assert all(len(one.sha256) == 64 for one in spec.files if one.sha256)


def test_another_file_under_the_published_name_is_noticed(tmp_path: Path) -> None:
    _msrvtt_1ka(tmp_path)
    assert any(one.kind == "hash" for one in load("msrvtt_1ka", tmp_path).findings)


def test_repeated_sentences_are_asked_once_with_all_their_videos(tmp_path: Path) -> None:
    _msrvtt_1ka(tmp_path)
    dataset = load("msrvtt_1ka", tmp_path).dataset
    assert dataset is not None
    merged = dataset.merged()
    assert merged.qrels == {
        "ret0": {"video7020": 1, "video7022": 1},
        "ret1": {"video7021": 1},
    }


def test_moments_and_grades_are_those_of_the_files(tmp_path: Path) -> None:
    _didemo(tmp_path)
    didemo = load("didemo_moments", tmp_path).dataset
    assert didemo is not None
    video = "26292851@N04_4253489686.m4v"
    assert didemo.moments["1"] == [VideoMoment(video, 20.0, 25.0)]
    assert didemo.moments["2"] == [VideoMoment(video, 0.0, 10.0)]
    _tvr_ranking(tmp_path)
    ranking = load("tvr_ranking", tmp_path).dataset
    assert ranking is not None and ranking.qrels["54251"] == {"house_24": 4, "castle_2": 0}
    truths = ranking.moments["54251"]
    assert tvr_ndcg(truths, truths, 10, 0.7) == pytest.approx(1.0)


def test_a_pickle_that_would_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "raw-captions.pkl"
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(EvaluationError, match=r"it wants (os|posix)\.system"):
        safe_pickle(path)


@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("msrvtt_1ka", "MSRVTT_JSFUSION_test.csv", "key,sentence\nret0,a cake\n"),
        ("msrvtt", "MSRVTT_data.json", '{"videos": [{"id": 1}]}'),
        ("msrvtt", "MSRVTT_data.json", '{"videos": ['),
        ("lsmdc", "LSMDC16_challenge_1000_publictect.csv", "clip,sentence\n"),
        ("activitynet", "val_1.json", '{"v_1": {"sentences": ["a"]}}'),
        ("tvr", "tvr_val_release.jsonl", '{"desc": "a", "desc_id": 1}\n'),
        ("own", "queries.csv", "query,video,relevance\nx,y,much\n"),
        ("own", "queries.jsonl", '["not an object"]\n'),
        ("qa", "questions.csv", "question,video,end\nx,,5\n"),
        ("qa", "questions.csv", "question,video,start,end\nx,v,5,1\n"),
        ("qa", "questions.csv", "question,video\n ,v\n"),
        ("wikivideo_articles", "wikipedia_outputs.json", '{"Flood": {"query": "q"}}\n'),
        ("wikivideo_articles", "wikipedia_outputs.json", '{"a": {"article": 3}}\n'),
        ("wikivideo", "qwenvl_2_5_72b.json", '{"event": "text"}'),
        ("msvd_zh", "msvd_cn_captions_release_utf8.csv", "video_id,sentence\nbird.mp4,鸟\n"),
    ],
)
def test_a_file_of_another_layout_is_named(
    name: str, file: str, content: str, tmp_path: Path
) -> None:
    (tmp_path / file).write_text(content, encoding="utf-8")
    with pytest.raises(EvaluationError, match=file.replace(".", r"\.")):
        load(name, tmp_path)


# -- the real files ---------------------------------------------------------------------------
@pytest.mark.needs_data
def test_msrvtt_1ka_has_995_sentences_of_which_four_have_several_videos(dev_data: Path) -> None:
    found = load("msrvtt_1ka", dev_data / "msrvtt_1ka")
    assert found.dataset is not None and found.whole, found.findings
    counts = found.dataset.counts()
    assert (counts["queries"], counts["sentences"], counts["repeated_sentences"]) == (1000, 995, 4)
    merged = found.dataset.merged()
    assert len(merged.queries) == 995
    assert sorted(len(v) for v in merged.qrels.values() if len(v) > 1) == [2, 2, 2, 3]


@pytest.mark.needs_data
def test_a_part_of_multivent1_is_said_to_be_one(dev_data: Path) -> None:
    found = load("multivent1", dev_data / "multivent1_dev")
    assert found.dataset is not None
    assert found.dataset.counts()["videos"] == 964 and len(found.dataset.queries) == 105
    assert any("964 videos, published are 2393" in one.text for one in found.findings)
    assert set(found.dataset.groups.values()) == {"ar", "en", "ko", "ru", "zh"}
    assert spec_of("multivent1").counts == {"queries": 259, "videos": 2393}
    assert "not MultiVENT 2.0" in spec_of("multivent1").protocol


@pytest.mark.needs_data
def test_wikivideo_reads_real_captions(dev_data: Path) -> None:
    found = load("wikivideo", dev_data / "wikivideo_dev")
    assert found.dataset is not None
    assert (len(found.dataset.queries), len(found.dataset.videos)) == (26, 235)


def test_moments_of_a_data_set_are_measured_by_the_command(tmp_path: Path) -> None:
    _tvr_ranking(tmp_path)
    arguments = ["datasets", "tvr_ranking", "--folder", str(tmp_path), "--write", str(tmp_path)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    found = tmp_path / "found.json"
    found.write_text('{"54251": [["castle_2", 5, 9], ["house_24", 63, 77]]}', encoding="utf-8")
    truths = str(tmp_path / "moments.json")
    arguments = ["moments", str(found), "--truths", truths, "--at", "1,10", "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    values = json.loads(done.stdout)["measures"]
    assert (values["R@1 IoU 0.5"], values["R@10 IoU 0.7"]) == (0.0, 1.0)
    gained = (2**4 - 1) / math.log2(3)
    ideal = (2**4 - 1) + (2**1.5 - 1) / math.log2(3)
    assert values["nDCG@10 IoU 0.7"] == pytest.approx(gained / ideal)
    perfect = CliRunner().invoke(app, ["moments", truths, "--truths", truths, "--json"])
    assert set(json.loads(perfect.stdout)["measures"].values()) == {1.0}


def test_moments_of_didemo_are_measured_by_its_own_protocol(tmp_path: Path) -> None:
    _didemo(tmp_path)
    arguments = ["datasets", "didemo_people", "--folder", str(tmp_path), "--write", str(tmp_path)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    found = tmp_path / "found.json"
    video = "26292851@N04_4253489686.m4v"
    found.write_text(json.dumps({"1": [[video, 20, 25]], "2": [[video, 0, 15]]}), "utf-8")
    arguments = ["moments", str(found), "--truths", str(tmp_path / "moments.json")]
    done = CliRunner().invoke(app, [*arguments, "--protocol", "didemo", "--json"])
    assert done.exit_code == 0, done.output
    # Of the first two of three people agree, and the third marked the first run that follows.
    wanted = {"Rank@1": 0.0, "Rank@5": 0.5, "mIoU": (2 / 3 + (2 / 3 + 1 / 3) / 2) / 2}
    assert json.loads(done.stdout)["measures"] == pytest.approx(wanted)
    done = CliRunner().invoke(app, [*arguments, "--protocol", "other"])
    assert isinstance(done.exception, ConfigError)


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        ("qa", _qa, [
            {"question": "Wer kam?", "texts": ["Anna"],
             "windows": [["a_b.mp4", 1.0, 5.0], ["c.mp4", 0.0, 2.0]]},
            {"question": "谁来了？", "texts": [], "windows": []},
        ]),
        ("wikivideo_articles", _wikivideo_articles, [
            {"question": "Flood", "texts": ["A river rose."], "windows": []},
            {"question": "Vote", "texts": ["They voted."], "windows": []},
        ]),
    ],
)  # fmt: skip
def test_questions_are_written_as_references_of_answers(
    name: str, make: Callable[[Path], None], expected: list[dict[str, Any]], tmp_path: Path
) -> None:
    make(tmp_path)
    arguments = ["datasets", name, "--folder", str(tmp_path), "--write", str(tmp_path / "out")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    lines = (tmp_path / "out" / "references.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == expected
    dataset = load(name, tmp_path).dataset
    assert dataset is not None and dataset.merged().references() == expected


def test_msvd_reads_lines_of_text_too(tmp_path: Path) -> None:
    _text(tmp_path / "test_list.txt", "vid1")
    _text(tmp_path / "AllVideoDescriptions.txt", "# a remark", "mv89_33_46 a bird", "x_1_2 a dog")
    _text(tmp_path / "youtube_mapping.txt", "mv89_33_46 vid1", "x_1_2 vid2")
    dataset = load("msvd", tmp_path).dataset
    assert dataset is not None and dataset.queries == {"vid1": "a bird"}


def test_judgements_in_trec_form_are_read_too(tmp_path: Path) -> None:
    _multivent2(tmp_path)
    (tmp_path / "multivent_2_test_judgments.jsonl").unlink()
    _text(tmp_path / "multivent_2_test.qrels", "test_pt2_query_13 0 86714 3")
    (tmp_path / "video_ids.txt").unlink()
    found = load("multivent2", tmp_path)
    assert found.dataset is not None and found.dataset.videos == ("86714",)
    assert any("judged videos alone" in one.text for one in found.findings)
