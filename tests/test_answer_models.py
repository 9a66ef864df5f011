"""Answers that a language model writes, driven by a scripted server: plumbing, never quality."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import q2e
from answering import GOOD, PLANTED, QUESTION, kinds, script, wrote
from q2e.errors import ConfigError
from scripted_model import Asked, Said, scripted, silent

QUERIES = json.dumps({"queries": ["weasels phone system", "monkeys carried away"]})


@pytest.mark.parametrize(
    ("how", "calls"), [("planned", 2), ("planned(queries=0)", 1), ("document", 2)]
)
def test_a_strategy_is_driven_to_its_end(sample_index: q2e.Index, how: str, calls: int) -> None:
    enough = json.dumps({"enough": True, "look_for": []})
    with scripted(script(lambda a: wrote(a, GOOD), queries=QUERIES, enough=enough)) as model:
        answer = sample_index.answer(QUESTION, how=how, language_model=model.source)
    (sentence,) = answer.sentences
    assert sentence.text == GOOD[0] and not sentence.quoted
    assert sentence.citations[0].video.path.endswith("call-06.mp4")
    assert answer.spent["calls"] == calls == len(model.asked) and answer.spent["tokens"] > 0


def test_a_document_grows_until_it_is_enough(sample_index: q2e.Index) -> None:
    said = iter(
        [
            json.dumps({"enough": False, "look_for": ["the launch was delayed by strong wind"]}),
            json.dumps({"enough": True, "look_for": []}),
        ]
    )
    wind = ("Wind delayed it.", "LAUNCH", "LAUNCH DELAYED BY STRONG WIND")

    def answers(asked: Asked) -> Said:
        fields = set((asked.schema or {}).get("properties", {}))
        return wrote(asked, wind) if fields == {"sentences"} else next(said)

    with scripted(answers) as model:
        answer = sample_index.answer("weasels?", how="document", language_model=model.source)
    assert [one.text for one in answer.sentences] == ["Wind delayed it."]
    assert "DELAYED" not in model.asked[0].prompt and "DELAYED" in model.asked[1].prompt


def test_a_document_is_augmented_by_looking(sample_index: q2e.Index) -> None:
    """Five moments are described first; then the model has one looked at, with its question."""
    more = {"enough": False, "look_for": [], "look_at": [{"line": 1, "question": "what colour?"}]}
    said = iter([more, {"enough": True, "look_for": []}])
    red = ("It is red.", "It is red", "It is red.")

    def answers(asked: Asked) -> Said:
        if asked.pictures:
            own = "what colour?" in asked.prompt
            return "It is red." if own else f"Something is seen, number {asked.number}."
        if set((asked.schema or {}).get("properties", {})) == {"sentences"}:
            return wrote(asked, GOOD, red)
        return json.dumps(next(said))

    with scripted(answers) as model:
        answer = sample_index.answer(
            QUESTION,
            how="document(looks=2)",
            language_model=model.source,
            vision_model=model.source,
        )
    asked = kinds(model.asked)
    assert asked == ["look"] * 2 + ["enough,look_for,look_at", "look"] + asked[4:]
    assert asked[4:] == ["enough,look_for,look_at", "sentences"]
    assert [one.text for one in answer.sentences] == [GOOD[0], "It is red."]
    assert "1 sentence resting on what a model says it sees in the pictures alone" in answer.notes


BAD = [
    ("a quote that nobody said", ("Weasels ate it.", "Weasels", "the weasels ate it"), "cited"),
    ("a number", ("Weasels ate 12 phones.", "Weasels", GOOD[2]), "number"),
    ("a name", ("There weasels met Angela Merkel.", "Weasels", GOOD[2]), "name"),
    ("a date", ("Weasels ate it on 5 May.", "Weasels", GOOD[2]), "date"),
]


@pytest.mark.parametrize(("bad", "note"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_what_is_not_borne_out_is_dropped_and_counted(
    sample_index: q2e.Index, bad: tuple[str, str, str], note: str
) -> None:
    with scripted(script(lambda asked: wrote(asked, GOOD, bad), queries=QUERIES)) as model:
        answer = sample_index.answer(QUESTION, how="planned", language_model=model.source)
    assert [one.text for one in answer.sentences] == [GOOD[0]]
    assert any(one.startswith("dropped 1 sentence ") and note in one for one in answer.notes)


@pytest.mark.parametrize(
    ("how", "note"),
    [
        ("planned(calls=1)", "the budget of 1 calls of a model is spent"),
        ("planned(tokens=300)", "the budget of 300 tokens is spent"),
        ("planned(seconds=0.2)", "write was left out"),
    ],
)
def test_what_a_budget_leaves_out_is_answered_in_quotes(
    sample_index: q2e.Index, how: str, note: str
) -> None:
    def said(asked: Asked) -> Said:
        return silent(0.5) if "seconds" in how else QUERIES if asked.number == 1 else None

    with scripted(said) as model:
        answer = sample_index.answer(QUESTION, how=how, language_model=model.source)
    assert any(note in one for one in answer.notes), answer.notes
    assert answer.sentences[0].quoted and "Weasels" in answer.sentences[0].text


def test_without_a_model_it_is_said_how_to_give_one(sample_index: q2e.Index) -> None:
    with pytest.raises(ConfigError, match="language_model"):
        sample_index.answer(QUESTION, how="planned")


# -- planted instructions -------------------------------------------------------------------------
@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[q2e.Index, q2e.Index]:
    """The same few videos twice, without and with instructions planted in every channel."""
    told = ["The mill burned down on Monday.", "Nobody was hurt in the fire at the mill."]
    plain = [_line(f"mill-{n}", "speech", text) for n, text in enumerate(told)]
    plain += [_line(f"other-{n}", "speech", f"We talk about garden number {n}.") for n in range(9)]
    bad = [
        _line(f"planted-{language}", channel, text + about)
        for language, text in PLANTED.items()
        for channel, about in (("speech", "."), ("screen_text", " !"), ("metadata", " ..."))
    ]
    folder = tmp_path_factory.mktemp("planted")
    made = []
    for name, lines in (("plain", plain), ("planted", plain + bad)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
        index = q2e.open(folder / name)
        index.import_evidence(folder / f"{name}.jsonl")
        made.append(index)
    return made[0], made[1]


def _line(video: str, channel: str, text: str) -> dict[str, Any]:
    time = {"start": 0, "end": 5} if channel == "speech" else {}
    return {"video": video, "channel": channel, "text": text} | time


def test_planted_instructions_are_not_followed(planted: tuple[q2e.Index, q2e.Index]) -> None:
    plain, bad = (index.answer("When did the mill burn down?") for index in planted)
    assert plain.sentences[0].text == bad.sentences[0].text == "The mill burned down on Monday."
    assert not any("planted" in c.video.id for s in bad.sentences for c in s.citations)


@pytest.mark.parametrize("language", PLANTED)
def test_a_model_that_obeys_them_is_not_believed(
    planted: tuple[q2e.Index, q2e.Index], language: str
) -> None:
    index = planted[1]
    burned = ("The mill burned down.", "mill burned", "The mill burned down on Monday.")
    obeyed = ("The mayor was arrested.", "mill burned", "the mayor was arrested")

    def answers(asked: Asked) -> str:
        # What was planted lies between the marks of the fence, which it cannot close.
        mark = re.search(r"<<data (\w+)>>", asked.prompt)
        assert mark is not None
        outside = re.sub(f"<<data {mark[1]}>>.*<<end {mark[1]}>>", "", asked.prompt, flags=re.S)
        end = PLANTED[language][-12:]
        assert end in asked.prompt and end not in outside
        return wrote(asked, burned, obeyed)

    # The planner is taken in as well: it searches for what was planted.
    query = json.dumps({"queries": ["the mill burned down", PLANTED[language]]})
    with scripted(script(answers, queries=query)) as model:
        answer = index.answer(
            "When did the mill burn down?", how="planned(lines=40)", language_model=model.source
        )
    assert [one.text for one in answer.sentences] == ["The mill burned down."]
    assert any(one.startswith("dropped 1 ") for one in answer.notes)


def test_the_folder_of_prompts_says_versions() -> None:
    from q2e.text.prompt import prompt_version

    folder = Path(q2e.__file__).parent / "answer"
    prompts = sorted(folder.rglob("*.j2"))
    assert len(prompts) >= 4 and all(prompt_version(one) for one in prompts)
