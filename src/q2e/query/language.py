"""The query language: reads like a sentence, and a plain sentence stays one.

    question  = [ ("first" | "every") "time" ] order
    order     = either { ("then" | "before" | "after" | "during") either [ "within" TIME ] }
    either    = both { "or" both }
    both      = { words | "(" question ")" | field | exclusion | "and" }
    field     = CHANNEL ":" (WORD | PHRASE | "(" question ")") | FILTER ":" VALUE
    exclusion = "not" (words | field | "(" question ")") | "-" (WORD | PHRASE | field)

`q2e.query.marks` says when a word is an operator, `q2e.query.negation_after` what sentences in
Chinese, Japanese, Korean, Hindi and Thai leave out. Filters and exclusions hold for the whole
question, so they stand outside of parentheses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from q2e.errors import QueryError
from q2e.query.aside import beside, moved_marks, sentence
from q2e.query.filters import one_filter
from q2e.query.left import Left
from q2e.query.loose import unclosed
from q2e.query.marks import FILTER_FIELDS, Mark, channel_fields, marks, misspelt, seconds
from q2e.query.negation import bare, reach
from q2e.query.negation_after import left_out
from q2e.query.negation_verbs import undone
from q2e.query.trees import joined, moved, of_all, one_text, walk
from q2e.types import Clause, ClauseKind, Filters

_ORDERS: dict[str, ClauseKind] = {
    "then": "then",
    "before": "before",
    "after": "after",
    "during": "during",
}
#: Parentheses inside of one another; nobody means more.
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Parsed:
    """How a question is understood.

    `clause` is None for a plain sentence, and for filters alone. `marks` are the words and signs
    that mean something to the language, to be shown while one types; none for a plain sentence.
    """

    text: str
    clause: Clause | None = None
    filters: Filters = field(default_factory=Filters)
    marks: tuple[Mark, ...] = ()

    @property
    def plain(self) -> bool:
        return not self.marks


def parse(text: str) -> Parsed:
    """Return how a question is understood. Raises QueryError that points at the character."""
    start, end = sentence(text)
    left = undone(text[start:end])
    found = marks(text) if left is None else None
    if (opened := unclosed(text)) is not None:
        raise point(text, opened, opened + 1, f"this quote is never closed; add a {text[opened]}")
    if left is None and (start, end) != (0, len(text)) and marks(text[start:end]) is None:
        left = left_out(text[start:end])
    if left is None and found is None:
        _refuse_misspelt(text)
        left = left_out(text)
    if left is not None:
        return _leaving_out(text, left, start, end)
    if found is None:
        return Parsed(text)
    reader = _Reader(text, found)
    clause = reader.question()
    return Parsed(text, clause, reader.filters, found)


def _leaving_out(text: str, left: Left, start: int, end: int) -> Parsed:
    """Return how a text is understood whose sentence, beside others, leaves something out."""
    own = text[start:end]
    reader = _Reader(text, beside(text, start, end))
    reader.beside()
    shown = sorted((*moved_marks(left.marks(own), start), *reader.found), key=lambda one: one.start)
    clause = joined("all", [*of_all(moved(left.clause(own), start)), *reader.excluded])
    return Parsed(text, clause, reader.filters, tuple(shown))


def write(clause: Clause) -> str:
    """Return a clause in the query language; `parse` gives the same clause back."""
    if clause.kind == "text":
        return _write_text(clause)
    parts = [write(part) if part.kind == "text" else f"({write(part)})" for part in clause.parts]
    if clause.kind in ("first", "every"):
        return f"{clause.kind} time {parts[0]}"
    if clause.kind == "not":
        return f"-{parts[0]}" if clause.parts[0].exact else f"NOT {parts[0]}"
    if clause.kind == "all":
        pairs = list(zip(clause.parts, parts, strict=True))
        wanted = " AND ".join(own for part, own in pairs if part.kind != "not")
        return " ".join([wanted, *(write(part) for part in clause.parts if part.kind == "not")])
    word = "or" if clause.kind == "any" else clause.kind
    limits = clause.within_s or (None,) * (len(parts) - 1)
    joined = parts[0]
    for part, limit in zip(parts[1:], limits, strict=True):
        joined += f" {word} {part}" + ("" if limit is None else f" within {limit:g}s")
    return joined


def _write_text(clause: Clause) -> str:
    pairs = ('""', "“”", "«»", "「」", "『』")
    pair = next((pair for pair in pairs if not set(pair) & set(clause.text)), None)
    body = clause.text if pair else clause.text.replace('"', "'")
    quoted = f"{(pair or pairs[0])[0]}{body}{(pair or pairs[0])[1]}"
    if clause.channel is None:
        return quoted
    name = "screen" if clause.channel == "screen_text" else clause.channel
    return f"{name}:{quoted}" if clause.exact else f"{name}:({quoted})"


def point(text: str, start: int, end: int, message: str) -> QueryError:
    """Return the error that shows the question with carets under the characters meant."""
    end = max(end, start + 1)
    line = "".join(" " if letter.isspace() else letter for letter in text)
    lead = " " * sum(map(_width, line[:start]))
    carets = "^" * max(1, sum(map(_width, line[start:end])))
    return QueryError(f"{message}\n  {line}\n  {lead}{carets}", start=start, end=end)


def _width(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _refuse_misspelt(text: str) -> None:
    """Refuse `speach:"..."`, which no sentence has."""
    for match in re.finditer(r'(?<!\S)([a-z_]+):(?=")', text):
        if meant := misspelt(match.group(1)):
            message = (
                f"{match.group(1)}: is no field; did you mean {meant}: ? To search for the words "
                "themselves, leave a space after the colon"
            )
            raise point(text, match.start(), match.end(), message)


class _Reader:
    """Reads marks from left to right; `place` is the next one."""

    def __init__(self, text: str, found: tuple[Mark, ...]) -> None:
        self.text = text
        self.found = found
        self.place = 0
        self.depth = 0
        self.filters = Filters()
        self.excluded: list[Clause] = []

    # -- grammar --------------------------------------------------------------------------------
    def question(self) -> Clause | None:
        wanted = self._timed()
        if (left := self._next()) is not None:
            raise self._error(left, "after the time only filters and exclusions may follow")
        if wanted is None:
            if self.excluded:
                raise self._wrong(
                    self.excluded[0], "say also what to look for, as in  dog not indoors"
                )
            return None
        return joined("all", [*of_all(wanted), *self.excluded])

    def beside(self) -> None:
        """Read the filters and exclusions that stand before and after a sentence."""
        self._trailing()
        if (other := self._next()) is not None:
            raise self._error(other, "beside a sentence only filters and exclusions may stand")

    def _timed(self) -> Clause | None:
        mark = self._next()
        if mark is None or mark.kind != "operator" or not mark.text.endswith("time"):
            return self._order()
        self.place += 1
        what = self._order()
        if what is None or what.kind in ("first", "every"):
            raise self._error(mark, f'{mark.text} needs what to look for:  {mark.text} "goal"')
        kind: ClauseKind = "first" if mark.text.startswith("first") else "every"
        return Clause(kind, parts=(what,), start=mark.start, end=what.end)

    def _order(self) -> Clause | None:
        first = self._either()
        kind: ClauseKind | None = None
        steps = [] if first is None else [first]
        limits: list[float | None] = []
        while (mark := self._next()) is not None and mark.kind == "operator":
            if mark.text not in _ORDERS:
                where = {"within": "after the second of  A then B"}.get(mark.text, "at the start")
                raise self._error(mark, f"{mark.text} stands {where}")
            word = _ORDERS[mark.text]
            if kind is not None and (word, kind) != ("then", "then"):
                raise self._error(
                    mark, f"{kind} and {word} in one row; say with ( ) what belongs together"
                )
            kind = word
            self.place += 1
            step = self._either()
            if not steps or step is None:
                raise self._error(mark, f"{word} needs something to look for on both sides")
            steps.append(step)
            limits.append(self._limit(kind))
            self._trailing()
        return first if kind is None else self._ordered(kind, steps, limits)

    def _ordered(
        self, kind: ClauseKind, steps: Sequence[Clause], limits: list[float | None]
    ) -> Clause:
        if limits[-1] is not None and not any(limits[:-1]):
            limits = [limits[-1]] * len(limits)
        for part in (part for step in steps for part in walk(step)):
            if part.kind not in ("text", "all", "any"):
                raise self._wrong(
                    part, f"a side of {kind} is words, a channel, or several of them with or"
                )
        within = tuple(limits) if any(limit is not None for limit in limits) else ()
        return replace(joined(kind, steps), within_s=within)

    def _trailing(self) -> None:
        """Read the filters and exclusions that follow the time of a `within`."""
        while (mark := self._next()) is not None:
            if mark.kind == "field" and mark.text in FILTER_FIELDS:
                self._filter(mark, excluded=False)
            elif mark.kind == "minus" or (mark.kind == "operator" and mark.text == "not"):
                self.place += 1
                self._exclude(mark)
            else:
                return

    def _limit(self, kind: str) -> float | None:
        mark = self._next()
        if mark is None or (mark.kind, mark.text) != ("operator", "within"):
            return None
        if kind == "during":
            raise self._error(mark, "during has no within: both are at the same time")
        self.place += 1
        words = self.found[self.place : self.place + 2]
        # `2 minutes` is one time, `5m in` is not.
        apart = len(words) == 2 and words[0].text.replace(".", "").isdecimal()
        for count in (2, 1) if apart else (1,):
            given = seconds(" ".join(word.text for word in words[:count]))
            if given is not None:
                self.place += count
                return given
        raise self._error(words[0] if words else mark, "within needs a time such as 90s, 2m or 1h")

    def _either(self) -> Clause | None:
        first = self._both()
        choices = [] if first is None else [first]
        while (mark := self._next()) is not None and (mark.kind, mark.text) == ("operator", "or"):
            self.place += 1
            choice = self._both()
            if not choices or choice is None:
                raise self._error(
                    mark, "or joins two things to look for; several languages are  lang:ar,fr"
                )
            choices.append(choice)
        return joined("any", choices) if choices else None

    def _both(self) -> Clause | None:
        """Return what stands together; neighbouring words of no channel are one text."""
        groups: list[list[Clause]] = [[]]
        while (mark := self._next()) is not None and mark.kind != "close":
            if mark.kind == "operator" and mark.text == "and":
                self.place += 1
                groups.append([])
            elif mark.kind == "minus" or (mark.kind == "operator" and mark.text == "not"):
                self.place += 1
                self._exclude(mark)
            elif mark.kind == "operator":
                break
            elif mark.kind == "field" and mark.text in FILTER_FIELDS:
                self._filter(mark, excluded=False)
            else:
                groups[-1].append(self._item(mark))
        wanted = [clause for group in groups for clause in one_text(group)]
        parts = [part for clause in wanted for part in of_all(clause)]
        return joined("all", parts) if parts else None

    def _item(self, mark: Mark) -> Clause:
        if mark.kind in ("word", "phrase"):
            return self._text_of(self._run(("word", "phrase")))
        self.place += 1
        if mark.kind == "open":
            return self._group(mark)
        channel = channel_fields()[mark.text]
        if mark.value:
            return Clause("text", mark.value, channel, mark.quoted, start=mark.start, end=mark.end)
        self.place += 1
        return self._bound(self._group(self.found[self.place - 1]), channel, mark)

    def _run(self, kinds: tuple[str, ...]) -> list[Mark]:
        run = []
        while (mark := self._next()) is not None and mark.kind in kinds:
            run.append(mark)
            self.place += 1
        return run

    def _text_of(self, run: Sequence[Mark]) -> Clause:
        """Return a run of words as it was typed, or the inside of a single phrase."""
        start, end = run[0].start, run[-1].end
        single = len(run) == 1
        text = run[0].text if single else " ".join(self.text[start:end].split())
        if run[-1].kind == "word" and any(mark.text == "not" for mark in self.found):
            text = bare(text) or text
        return Clause("text", text, start=start, end=end)

    def _bound(self, clause: Clause, channel: str, mark: Mark) -> Clause:
        """Return words, or alternatives, to be searched in one channel."""
        if clause.kind == "text" and clause.channel is None:
            return replace(clause, channel=channel, start=mark.start)
        if clause.kind in ("any", "all"):
            parts = tuple(self._bound(part, channel, mark) for part in clause.parts)
            return replace(clause, parts=parts)
        raise self._error(mark, f"{mark.text}:( ) takes words, or several of them with or")

    def _group(self, opened: Mark) -> Clause:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._error(opened, f"more than {_DEEPEST} parentheses inside of one another")
        clause = self._timed()
        closed = self._next()
        if closed is None:
            raise self._error(opened, "this parenthesis is never closed; add a )")
        self.place += 1
        self.depth -= 1
        if clause is None:
            raise self._error(replace(opened, end=closed.end), "there is nothing in these ( )")
        return replace(clause, start=opened.start, end=closed.end)

    # -- exclusions and filters -----------------------------------------------------------------
    def _exclude(self, mark: Mark) -> None:
        inner = self._next()
        if inner is not None and inner.kind == "field" and inner.text in FILTER_FIELDS:
            self._filter(inner, excluded=True)
            return
        if self.depth:
            raise self._error(mark, "not holds for the whole question: write it outside ( )")
        what = self._without(mark, inner) if mark.kind == "minus" else self._not(mark, inner)
        for part in what.parts if what.kind == "any" else (what,):
            if part.kind != "text":
                raise self._error(mark, "not takes words, a channel, or several of them with or")
            self.excluded.append(Clause("not", parts=(part,), start=mark.start, end=part.end))

    def _not(self, mark: Mark, inner: Mark | None) -> Clause:
        if inner is None or inner.kind in ("close", "operator", "minus"):
            raise self._error(mark, "not needs what is to be excluded, as in  dog not indoors")
        if inner.kind != "word":
            return self._item(inner)
        run = self._run(("word",))
        length = reach([one.text for one in run], self.text[mark.start : mark.end])
        self.place -= len(run) - length
        return self._text_of(run[:length])

    def _without(self, mark: Mark, inner: Mark | None) -> Clause:
        """Return what `-` excludes: what has these very words."""
        if inner is None or inner.kind not in ("word", "phrase", "field"):
            raise self._error(mark, "- takes a word, a phrase in quotes, or a filter")
        if inner.kind == "field":
            return replace(self._item(inner), exact=True)
        self.place += 1
        return Clause("text", inner.text, exact=True, start=inner.start, end=inner.end)

    def _filter(self, mark: Mark, excluded: bool) -> None:
        self.place += 1
        if self.depth:
            raise self._error(mark, "a filter holds for the whole question: write it outside ( )")
        try:
            self.filters &= one_filter(FILTER_FIELDS[mark.text], mark.value, excluded)
        except ValueError as error:
            raise self._error(mark, str(error)) from None

    # -- plumbing -------------------------------------------------------------------------------
    def _next(self) -> Mark | None:
        return self.found[self.place] if self.place < len(self.found) else None

    def _error(self, mark: Mark, message: str) -> QueryError:
        return point(self.text, mark.start, mark.end, message)

    def _wrong(self, clause: Clause, message: str) -> QueryError:
        return point(self.text, clause.start, clause.end, message)
