"""Asking well over the sample clips: orders, exclusions, alternatives, examples, refinement."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import q2e
from q2e.cli import app
from q2e.errors import QueryError
from q2e.media.storyboard import filmstrip
from q2e.methods.compose.pdv import pdv
from q2e.methods.likes.rocchio import rocchio
from q2e.search.duplicates import merged, twins
from q2e.search.negative import by_chance, fall, share_lost
from q2e.types import Decomposition, Example, Query, Results, SubEvent


def _names(results: Results) -> list[str]:
    return [Path(hit.video.path).name for hit in results]


def _adds_up(results: Results) -> None:
    for hit in results:
        assert sum(one.contribution for one in hit.why) == pytest.approx(hit.score, abs=1e-6)
        for one in hit.why:
            assert one.contribution == pytest.approx(one.weight * one.score, abs=1e-6)


# -- plain questions ----------------------------------------------------------------------------
def test_plain_questions_never_meet_the_language(sample_index: q2e.Index, samples: Path) -> None:
    with (samples / "queries.tsv").open(encoding="utf-8", newline="") as file:
        questions = [row["query"] for row in csv.DictReader(file, delimiter="\t")][::3]
    searcher = sample_index._searching()
    for text in [*questions, "to be or not to be", "first time on a bike"]:
        direct = searcher.search(Query(text), sample_index.settings)
        assert sample_index.search(text).hits == direct.hits


# -- orders -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "order",
    [
        '"a giant panda" then "a polar bear"',
        '"giant panda" then "koala" then "polar bear"',
        '"ein Panda" then "ein Eisbär"',
    ],
)
def test_one_thing_after_another(sample_index: q2e.Index, order: str) -> None:
    results = sample_index.search(order)
    _adds_up(results)
    assert _names(results)[:1] == ["reel-01.mp4"]
    moment = results[0].moments[0]
    assert moment.start_s < 3.1 and moment.end_s > 5.9
    parts = {reason.part for reason in results[0].why}
    assert len(parts) == order.count("then") + 1


#: In each language what is said first, and later.
SAID = {
    "zh": ("消防队员扑灭大火", "市长感谢志愿者"),
    "ja": ("消防士が火を消す", "市長がボランティアに感謝する"),
    "ko": ("소방관이 불을 끈다", "시장이 자원봉사자에게 감사한다"),
    "ar": ("رجال الإطفاء يخمدون الحريق", "رئيس البلدية يشكر المتطوعين"),
    "ru": ("пожарные тушат огонь", "мэр благодарит добровольцев"),
    "hi": ("दमकलकर्मी आग बुझाते हैं", "महापौर स्वयंसेवकों को धन्यवाद देते हैं"),
    "th": ("นักดับเพลิงดับไฟ", "นายกเทศมนตรีขอบคุณอาสาสมัคร"),
    "de": ("Feuerwehrleute löschen das Feuer", "die Bürgermeisterin dankt den Freiwilligen"),
    "en": ("firefighters put out the fire", "the mayor thanks the volunteers"),
}


@pytest.fixture(scope="module")
def spoken_index(tmp_path_factory: pytest.TempPathFactory) -> q2e.Index:
    """In each language a video where one thing is said after the other, and one the wrong way."""
    folder = tmp_path_factory.mktemp("spoken")
    lines = []
    for language, (one, two) in SAID.items():
        for way, said in (("right", (one, two)), ("wrong", (two, one))):
            for start, text in zip((0.0, 40.0), said, strict=True):
                lines.append(
                    {
                        "video": f"{language}-{way}", "channel": "speech", "text": text,
                        "start": start, "end": start + 5.0, "language": language,
                    }
                )  # fmt: skip
    file = folder / "said.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    index = q2e.open(folder / "index")
    index.import_evidence(file)
    return index


@pytest.mark.parametrize("language", SAID)
def test_orders_and_exclusions_in_every_language(spoken_index: q2e.Index, language: str) -> None:
    one, two = SAID[language]
    own = f"lang:{language}"

    def found(text: str) -> list[str]:
        results = spoken_index.search(f"{text} {own}")
        _adds_up(results)
        return [hit.video.id for hit in results]

    assert found(f'"{one}" then "{two}"') == [f"{language}-right"]
    assert found(f'"{two}" then "{one}"') == [f"{language}-wrong"]
    assert found(f'"{one}" before "{two}" within 1m') == [f"{language}-right"]
    assert found(f'"{one}" then "{two}" within 20s') == []
    assert set(found(f'speech:"{one}"')) == {f"{language}-right", f"{language}-wrong"}
    assert found(f'"{two}" -speech:"{one}"') == []
    moment = spoken_index.search(f'"{one}" then "{two}" {own}')[0].moments[0]
    assert (moment.start_s, moment.end_s) == (0.0, 45.0)
    first = spoken_index.search(f'first time ("{one}" or "{two}") {own}')[0].moments
    assert [moment.start_s for moment in first] == [0.0]


def test_the_wrong_way_round_is_no_answer(sample_index: q2e.Index) -> None:
    assert "reel-01.mp4" not in _names(sample_index.search('"a polar bear" then "a giant panda"'))


def test_before_after_and_within(sample_index: q2e.Index) -> None:
    before = sample_index.search('"giant panda" before "polar bear"')[0].moments[0]
    after = sample_index.search('"polar bear" after "giant panda"')[0].moments[0]
    assert (before.start_s, before.end_s) == pytest.approx((0, 3), abs=0.1)
    assert (after.start_s, after.end_s) == pytest.approx((6, 9), abs=0.1)
    near = '"giant panda" then "polar bear" within {}s'
    assert _names(sample_index.search(near.format(5)))[:1] == ["reel-01.mp4"]
    closer = sample_index.search(near.format(2))
    assert all(hit.score < sample_index.search(near.format(5))[0].score for hit in closer)


def test_at_the_same_time(sample_index: q2e.Index) -> None:
    found = sample_index.search('speech:"weasels have eaten" during frame:(flowers)', confidence=0)
    assert set(_names(found)) <= {"call-06.mp4"}
    none = sample_index.search('speech:"weasels have eaten" during screen:"长城"')
    assert not none.hits


def test_first_and_every_time(sample_index: q2e.Index) -> None:
    every = sample_index.search('every time ("panda" or "koala" or "crocodile")')[0]
    starts = [moment.start_s for moment in every.moments]
    assert starts == sorted(starts) and len(starts) >= 2
    first = sample_index.search('first time ("panda" or "koala" or "crocodile")')[0]
    assert [moment.start_s for moment in first.moments] == starts[:1]


# -- words as they stand, exclusions, alternatives ----------------------------------------------
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('speech:"weasels have eaten"', ["call-06.mp4"]),
        ('speech:"have weasels eaten"', []),
        ('screen:"长城因大雪"', ["news-11.mp4"]),
        ('screen:"大雪长城"', []),
        ('speech:"植物園"', ["花-21.mp4"]),
        ('speech:"wegen Lawinengefahr"', ["wanderung-20.mp4"]),
    ],
)
def test_phrases_must_occur(sample_index: q2e.Index, text: str, names: list[str]) -> None:
    results = sample_index.search(text)
    assert _names(results) == names
    _adds_up(results)
    channel = {"speech": "speech", "screen": "screen_text"}[text.split(":")[0]]
    assert {reason.channel for hit in results for reason in hit.why} <= {channel}


def test_what_is_excluded_by_its_words_is_gone(sample_index: q2e.Index) -> None:
    plain = sample_index.search("telephone system", confidence=0, top=30)
    less = sample_index.search('telephone system -speech:"weasels"', confidence=0, top=30)
    assert set(_names(plain)) - set(_names(less)) == {"call-06.mp4"}


def test_a_must_not_takes_off_where_it_stands_out(sample_index: q2e.Index) -> None:
    everything: dict[str, Any] = {"confidence": 0, "top": 30, "feedback": "never"}
    plain = sample_index.search("a photo of an animal", **everything)
    less = sample_index.search('a photo of an animal NOT "a cat"', **everything)
    before = {hit.video.id: hit.score for hit in plain}
    _adds_up(less)
    for hit in less:
        assert hit.score <= before[hit.video.id] + 1e-6
    against = [one for hit in less for one in hit.why if one.part.startswith("not ")]
    assert all(one.contribution <= 0 for one in against)
    # Most clips show no cat, and lose nothing.
    assert sum(abs(hit.score - before[hit.video.id]) < 1e-6 for hit in less) > len(before) // 2


def test_the_word_not_reaches_no_encoder(
    sample_index: q2e.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    for encoder, name in (
        (sample_index.models.text, "encode_queries"),
        (sample_index.models.image, "encode_texts"),
    ):
        real = getattr(encoder, name)

        def spy(texts: Any, real: Any = real) -> Any:
            seen.extend(texts)
            return real(texts)

        monkeypatch.setattr(encoder, name, spy)
    sample_index.search("a zebra not in a zoo without a keeper NOT asleep -tired")
    asked = [text for text in seen if any(word in text for word in ("zebra", "zoo", "keeper"))]
    assert asked
    assert not any(word in ("not", "without") for text in seen for word in text.casefold().split())


def test_alternatives_are_the_better_of_both(sample_index: q2e.Index) -> None:
    settings: dict[str, Any] = {"confidence": 0, "top": 30, "feedback": "never"}
    one = {h.video.id: h.score for h in sample_index.search('"a cat" or "a cat"', **settings)}
    two = {h.video.id: h.score for h in sample_index.search('"a rocket" or "a rocket"', **settings)}
    both = sample_index.search('"a cat" or "a rocket"', **settings)
    _adds_up(both)
    for hit in both:
        assert hit.score == pytest.approx(max(one[hit.video.id], two[hit.video.id]), abs=1e-6)


# -- examples and refinement --------------------------------------------------------------------
def test_like_a_picture_a_frame_and_a_clip(sample_index: q2e.Index, tmp_path: Path) -> None:
    cat = next(video for video in sample_index.videos() if video.path.endswith("reel-02.mp4"))
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(filmstrip(cat.path, [1.0], 320))
    clip = tmp_path / "clip.mp4"
    shutil.copy(cat.path, clip)
    for example in (picture, f"{cat.id}@1.0", clip, Example(video=cat.id, start_s=0.0, end_s=2.0)):
        results = sample_index.search("", examples=[example])
        assert _names(results)[:1] == ["reel-02.mp4"], example
        _adds_up(results)
    assert results[0].moments[0].start_s < 3


def test_like_this_but(sample_index: q2e.Index) -> None:
    alone = sample_index.search("", examples=["reel-02.mp4@1"], confidence=0, top=30)
    changed = sample_index.search("a polar bear", examples=["reel-02.mp4@1"], confidence=0, top=30)
    assert _names(changed).index("reel-01.mp4") < _names(alone).index("reel-01.mp4")


def test_like_a_sound(sample_index: q2e.Index, samples: Path) -> None:
    spoken = samples / "clips" / "chiamata-09.opus"
    assert _names(sample_index.search("", examples=[spoken]))[:1] == ["chiamata-09.opus"]


def test_examples_that_cannot_be_used(sample_index: q2e.Index, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff no picture")
    with pytest.raises(QueryError, match="cannot be used"):
        sample_index.search("", examples=[broken])
    with pytest.raises(QueryError, match="no file"):
        sample_index.search("", examples=["nowhere.jpg"])
    with pytest.raises(QueryError, match="no frame at"):
        sample_index.search("", examples=["reel-01.mp4@99"])
    with pytest.raises(QueryError, match="order"):
        sample_index.search('"a" then "b"', examples=["reel-01.mp4@1"])


def test_composition_has_its_ends() -> None:
    random = np.random.default_rng(0)
    picture, told, changed = (v / np.linalg.norm(v) for v in random.normal(size=(3, 8)))
    whole = pdv(picture, told, changed, image=9, text=1, share=1)
    assert np.allclose(whole, changed, atol=1e-6)
    same = pdv(picture, told, changed, image=0, text=0, share=0)
    assert np.allclose(same, picture, atol=1e-6)


def test_likes_where_there_are_no_pictures(tmp_path: Path) -> None:
    texts = {"quake": "地震が町を揺らした", "flood": "Наводнение в городе", "vote": "Wahl im Mai"}
    lines = [{"video": k, "channel": "caption", "text": v} for k, v in texts.items()]
    file = tmp_path / "evidence.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    with q2e.open(tmp_path / "index") as index:
        index.import_evidence(file)
        found = index.search("disaster", like=["flood"], dislike=["vote"], confidence=0.0)
    assert found.hits[0].video.id == "flood" and "vote" not in {hit.video.id for hit in found}


def test_likes_draw_and_dislikes_go(sample_index: q2e.Index) -> None:
    plain = _names(sample_index.search("animal", confidence=0, top=30))
    liked = _names(sample_index.search("animal", like=["reel-02.mp4@1"], confidence=0, top=30))
    assert liked.index("reel-02.mp4") <= plain.index("reel-02.mp4")
    gone = _names(sample_index.search("animal", dislike=[plain[0]], confidence=0, top=30))
    assert plain[0] not in gone and len(gone) == len(plain) - 1


def test_drift_is_bounded() -> None:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(5, 16))
    centre = np.zeros(16)
    for limit in (0.0, 0.3, 0.8):
        moved = rocchio(vectors, -vectors, centre, towards=5, away=5, limit=limit)
        assert np.linalg.norm(moved) <= limit + 1e-6
    assert not rocchio([], [], centre, towards=1, away=1, limit=0.8).any()


# -- the list -----------------------------------------------------------------------------------
def test_pages_are_stable(sample_index: q2e.Index) -> None:
    for text in ("a giant panda", "animal not cat", '"a cat" or "a dog"'):
        whole = sample_index.search(text, confidence=0, top=12)
        pages = [sample_index.search(text, confidence=0, top=4, offset=n) for n in (0, 4, 8)]
        assert [hit for page in pages for hit in page] == list(whole)
        assert whole.info["found"] >= 12
    assert not sample_index.search("a giant panda", offset=500).hits
    with pytest.raises(QueryError, match="offset"):
        sample_index.search("a giant panda", offset=-1)


def test_a_given_decomposition_is_used(sample_index: q2e.Index) -> None:
    events = (SubEvent("sequel", "a polar bear on the snow"),)
    given = Decomposition("other words", events=events, backend="events")
    results = sample_index.search("a giant panda", decomposition=given)
    assert {reason.part for reason in results[0].why} >= {"query", "sequel"}
    assert results.decomposition.query == "a giant panda"


def test_copies_are_one_hit(samples: Path, tmp_path: Path) -> None:
    from q2e.media.clip import cut

    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("reel-01.mp4", "reel-02.mp4", "reel-03.mp4"):
        shutil.copy(samples / "clips" / name, folder / name)
    cut(folder / "reel-01.mp4", 0.0, 12.0, folder / "again.mp4", exact=True)
    index = q2e.open(tmp_path / "index", channels=("frame",))
    assert not index.add(folder).failures
    results = index.search("a giant panda", confidence=0)
    assert len(results) == 3
    assert len(results[0].also_in) == 1
    kept = index.search("a giant panda", confidence=0, duplicates="keep")
    assert len(kept) == 4 and not any(hit.also_in for hit in kept)
    index.close()


def test_only_copies_are_copies() -> None:
    random = np.random.default_rng(2)
    means = random.normal(size=(6, 32)).astype(np.float32)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    means[3] = means[0]
    means[4] = means[0]
    means[5] = 0
    found = twins([10.0, 10.0, 10.0, 10.3, 30.0, 10.0], [means])
    assert found == {0: (3,), 3: (0,)}
    order = np.array([3, 1, 0, 2])
    kept, also = merged(order, found)
    assert kept.tolist() == [3, 1, 2] and also == {3: [0]}


def test_chance_and_loss() -> None:
    assert by_chance([0, 1]).tolist() == [0.0, 0.0]
    random = np.random.default_rng(3)
    expected = random.normal(size=(4000, 16)).max(axis=1).mean()
    assert by_chance([16])[0] == pytest.approx(expected, abs=0.05)
    worth, seen = np.array([3.0, 2.5, 3.0]), np.array([1.0, 0.0, 0.5])
    lost = share_lost(worth, seen, np.array([1.0, 0.5, 1.0]), np.array([0, 0, 1]))
    # The first has another moment, the second has not, of the third nothing stands out.
    assert lost.tolist() == pytest.approx([0.5 / 3, 0.5, 1.0])
    score = np.array([4.0, 1.0, 5.0])
    left = score - fall(score, np.array([0.0, 0.0, 1.0]), np.array([[0.0, 0.0, 2.0]]))
    assert left.tolist() == [4.0, 1.0, -2.0]


# -- questions back -----------------------------------------------------------------------------
def test_questions_back_narrow_the_hits_down(sample_index: q2e.Index) -> None:
    back = sample_index.clarify("animal", confidence=0)
    assert back is not None and back.bits > 0 and len(back.options) >= 2
    for option in back.options:
        assert 0 < option.videos < len(back.results)
        assert len(sample_index.search(option.text, confidence=0, top=30)) <= len(sample_index)
    assert sample_index.clarify("animal", videos=["reel-01.mp4"]) is None


def test_on_the_command_line(sample_index: q2e.Index) -> None:
    runner = CliRunner()
    where = ["--index", str(sample_index.directory)]
    found = runner.invoke(app, ["search", 'speech:"weasels"', *where, "--json"])
    assert found.exit_code == 0, found.output
    shape = json.loads(found.stdout)
    assert shape["query"]["clause"]["exact"] and shape["hits"][0]["also_in"] == []
    counted = runner.invoke(app, ["search", "--facets", *where, "--json"])
    assert json.loads(counted.stdout)["duration"] == {"<1m": len(sample_index)}
    asked = runner.invoke(app, ["ask", "animal", *where, "--json"])
    assert json.loads(asked.stdout)["options"]
