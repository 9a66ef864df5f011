"""Skeletons of requests and videos: who does what, in what order, where, and answers to questions.

A skeleton is made by a language or vision-language model, or without one from the decomposition
of the request and the evidence of the video; `origin` says which. Section 3.3 of MMI-TVR, whose
skeletons are free text; a typed form can be checked, rendered and compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from q2e.arrays import UInt8
from q2e.errors import ModelError
from q2e.mmi.knowledge import Demonstration, Question
from q2e.models.base import LanguageModel, VisionLanguageModel
from q2e.text.answer import json_in
from q2e.text.fence import clean, fence
from q2e.text.layers import is_layer
from q2e.text.prompt import beside, mistake_in, render
from q2e.types import EVENT_KINDS, Decomposition, Evidence, Video

#: Entries of one field, and characters of one entry.
MOST, LONGEST = 12, 200
#: Origin of a skeleton that no model made.
EVIDENCE, DECOMPOSITION = "evidence", "decomposition"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that happens; times in seconds where they are known."""

    verb: str
    agent: str = ""
    object: str = ""
    start_s: float | None = None
    end_s: float | None = None

    def __str__(self) -> str:
        words = " ".join(filter(None, (self.agent, self.verb, self.object)))
        if self.start_s is None or self.end_s is None:
            return words
        return f"{self.start_s:.0f}-{self.end_s:.0f} s: {words}"


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What a request asks for, or what a video shows, in order."""

    entities: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    scene: str = ""
    time: str = ""
    attributes: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    """(question, answer), the questions without an answer left out; (theme, answer) where no
    model was asked."""
    origin: str = ""

    def statements(self) -> list[str]:
        """Return what the skeleton says, one short text each, without questions and times."""
        acts = [" ".join(filter(None, (a.agent, a.verb, a.object))) for a in self.actions]
        named = [*self.entities, *acts, self.scene, self.time, *self.attributes]
        return list(dict.fromkeys(filter(None, (*named, *(answer for _, answer in self.answers)))))

    def __str__(self) -> str:
        lines = [
            ("who and what", "; ".join(self.entities)),
            ("what happens, in order", "; ".join(map(str, self.actions))),
            ("where", self.scene),
            ("when", self.time),
            ("how it looks", "; ".join(self.attributes)),
        ]
        text = [f"{name}: {value}" for name, value in lines if value]
        text += [f"{question} {answer}" for question, answer in self.answers]
        return "\n".join(text)


# -- without a model --------------------------------------------------------------------------


def from_decomposition(
    decomposition: Decomposition, questions: Sequence[Question] = ()
) -> Skeleton:
    """Return the skeleton of a request from its decomposition; no model is asked.

    Events come in the order before, during, after. Of the questions only the themes are
    answered, as far as the decomposition knows them.
    """
    d = decomposition
    events = [event for kind in EVENT_KINDS for event in d.of_kind(kind)]
    actions = [Action(clean(event.source or event.text, LONGEST)) for event in events[:MOST]]
    made = Skeleton(
        entities=_short((*d.subject, d.query)),
        actions=tuple(actions),
        scene=clean(", ".join(d.place), LONGEST),
        time=clean(", ".join(d.time), LONGEST),
        origin=DECOMPOSITION,
    )
    known = {
        "entity": "; ".join(d.subject),
        "event": d.event_type or "",
        "order": "; ".join(action.verb for action in actions[:3]),
        "place": made.scene,
        "time": made.time,
        "cause": "; ".join(event.source for event in d.of_kind("prequel")[:2]),
        "outcome": "; ".join(event.source for event in d.of_kind("sequel")[:2]),
    }
    return _answered(made, questions, known)


def from_evidence(
    video: Video, evidence: Iterable[Evidence], questions: Sequence[Question] = ()
) -> Skeleton:
    """Return the skeleton of a video from what was read from it; no model is asked."""
    labels: dict[str, float] = {}
    actions: list[Action] = []
    said: list[str] = []
    written: list[str] = []
    # The layers of speech say again what the transcript says.
    own = (one for one in evidence if not is_layer(one))
    for one in sorted(own, key=lambda one: one.start_s):
        for tag in one.tags:
            labels[tag.label] = max(labels.get(tag.label, 0.0), tag.probability)
        text = clean(one.text, LONGEST)
        if one.channel in ("caption", "summary") and text:
            actions.append(Action(text, start_s=one.start_s, end_s=one.end_s))
        elif one.channel == "speech" and text:
            said.append(text)
        elif one.channel == "screen_text" and text:
            written.append(text)
    seen = sorted(labels, key=lambda label: (-labels[label], label))
    made = Skeleton(
        entities=_short((video.title, *seen[: MOST - 1])),
        actions=tuple(_spread(actions)),
        time=video.date or "",
        attributes=_short(video.tags),
        origin=EVIDENCE,
    )
    known = {
        "entity": "; ".join(made.entities[:5]),
        "event": clean(video.title, LONGEST),
        "order": "; ".join(action.verb for action in made.actions[:3]),
        "time": made.time,
        "screen_text": clean("; ".join(dict.fromkeys(written)), LONGEST),
        "speech": clean(" ".join(said), LONGEST),
        "concept": clean(video.description, LONGEST),
    }
    return _answered(made, questions, known)


def _answered(made: Skeleton, questions: Sequence[Question], known: dict[str, str]) -> Skeleton:
    # What is known answers a theme, not the wording of one question about it.
    themes = dict.fromkeys(question.theme for question in questions)
    pairs = ((f"{theme}:", known.get(theme, "")) for theme in themes)
    return replace(made, answers=tuple((theme, answer) for theme, answer in pairs if answer))


def _spread(actions: list[Action]) -> list[Action]:
    """Return at most `MOST` actions spread over the whole video."""
    if len(actions) <= MOST:
        return actions
    step = (len(actions) - 1) / (MOST - 1)
    return [actions[round(number * step)] for number in range(MOST)]


def _short(texts: Iterable[str]) -> tuple[str, ...]:
    cleaned = (clean(text, LONGEST) for text in texts)
    return tuple(dict.fromkeys(text for text in cleaned if text))[:MOST]


# -- by a model -------------------------------------------------------------------------------

_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST)]


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid")

    verb: _Text
    agent: _Text = ""
    object: _Text = ""
    start_s: float | None = None
    end_s: float | None = None


class _Said(BaseModel):
    """What a model may say of a request or a video."""

    model_config = ConfigDict(extra="forbid")

    entities: list[_Text] = Field(default=[], max_length=MOST)
    actions: list[_Act] = Field(default=[], max_length=MOST)
    scene: _Text = ""
    time: _Text = ""
    attributes: list[_Text] = Field(default=[], max_length=MOST)
    answers: list[_Text] = Field(default=[], max_length=20)


def of_request(
    model: LanguageModel,
    request: str,
    questions: Sequence[Question],
    shown: Sequence[Demonstration] = (),
    timeout_s: float = 30.0,
) -> Skeleton:
    """Return the skeleton of a request as a model answers.

    Raises ModelError for no valid answer.
    """
    prompt = _prompt("request", json.dumps(clean(request), ensure_ascii=False), questions, shown)
    said = model.complete(prompt, schema=_schema(), max_tokens=800, timeout_s=timeout_s)
    return _typed(said, questions, model.info.id, None)


def of_video(
    model: VisionLanguageModel | LanguageModel,
    video: Video,
    evidence: Iterable[Evidence],
    questions: Sequence[Question],
    images: Sequence[UInt8] = (),
    shown: Sequence[Demonstration] = (),
    timeout_s: float = 60.0,
) -> Skeleton:
    """Return the skeleton of a video as a model answers that sees frames or reads its evidence.

    Raises ModelError for no valid answer.
    """
    read = fence(str(from_evidence(video, evidence)))
    prompt = _prompt("video", read, questions, shown)
    if images and hasattr(model, "describe"):
        said = model.describe(images, prompt, max_tokens=800, timeout_s=timeout_s)
    elif hasattr(model, "complete"):
        said = model.complete(prompt, schema=_schema(), max_tokens=800, timeout_s=timeout_s)
    else:
        raise ModelError(f"{model.info.id}: needs pictures of {video.id}, and there are none")
    return _typed(said, questions, model.info.id, video.duration_s or None)


def _prompt(
    what: str, material: str, questions: Sequence[Question], shown: Sequence[Demonstration]
) -> str:
    return render(
        beside(__file__),
        what=what,
        material=material,
        questions=[question.text for question in questions],
        shown=[clean(str(one), 400) for one in shown],
        most=MOST,
    )


def _schema() -> dict[str, Any]:
    schema = _Said.model_json_schema()
    definitions = schema.pop("$defs")
    schema["properties"]["actions"]["items"] = definitions["_Act"]
    return schema


def _typed(
    said: str, questions: Sequence[Question], model: str, duration_s: float | None
) -> Skeleton:
    try:
        answer = _Said.model_validate_json(json_in(said))
    except ValidationError as error:
        raise ModelError(f"{model}: no valid skeleton: {mistake_in(error)}") from None
    texts = [clean(text, LONGEST) for text in answer.answers]
    pairs = zip((question.text for question in questions), texts, strict=False)
    return Skeleton(
        entities=_short(answer.entities),
        actions=tuple(_action(act, duration_s) for act in answer.actions if clean(act.verb)),
        scene=clean(answer.scene),
        time=clean(answer.time),
        attributes=_short(answer.attributes),
        answers=tuple((question, text) for question, text in pairs if text),
        origin=f"model:{model}",
    )


def _action(act: _Act, duration_s: float | None) -> Action:
    """Return an action; times that no video of this length can have are dropped."""
    made = Action(clean(act.verb), clean(act.agent), clean(act.object))
    if act.start_s is None or act.end_s is None or duration_s is None:
        return made
    if not 0 <= act.start_s <= act.end_s <= duration_s + 1.0:
        return made
    return replace(made, start_s=act.start_s, end_s=act.end_s)
