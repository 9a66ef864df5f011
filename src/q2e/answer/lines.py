"""Evidence line by line: what may be quoted, with the times that are known of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from q2e.text.chunk import chunk_text, count_words, join
from q2e.text.fence import clean
from q2e.types import Evidence, Span, Video

#: Words of a line at which it is long enough, and up to which texts without times are cut.
_LONG, _CUT = 40, 30
#: Characters of what a model says it sees.
SEEN = 500
_ENDS = re.compile(r"[.!?…。！？؟।॥][\"'”’»）)」』】\]]*$")
#: What the index composed of other evidence, and names of files: nobody says it.
_COMPOSED = ("composed", "file name")
#: What stands between tags; so many parts of at most so many words are tags, whoever wrote them.
_PARTS = re.compile(r"[,;，、；،؛|]|\s#")
_MANY, _SHORT = 4, 3


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one piece of evidence; `text` stands in `whole` to the letter."""

    video: Video
    channel: str
    start_s: float
    end_s: float
    text: str
    whole: str
    """The text of the piece of evidence."""
    language: str | None
    worth: float = 0.0
    """How well it answers, in log-odds."""
    seen: bool = False
    """Whether a model said it of pictures while the question was being answered."""

    def overlaps(self, video: str, start_s: float, end_s: float) -> bool:
        """Whether a stretch of a video touches the line's time."""
        return self.video.id == video and start_s <= self.end_s and self.start_s <= end_s


def seen(video: Video, start_s: float, end_s: float, text: str) -> Line:
    """Return what a model says it sees in a stretch of a video as a line of it."""
    text = clean(text, SEEN)
    return Line(video, "caption", start_s, max(start_s, end_s), text, text, None, seen=True)


def lines_of(video: Video, evidence: Evidence) -> Iterator[Line]:
    """Yield a piece of evidence line by line; nothing where it is nobody's words, or only tags.

    Timed lines are put together until a sentence ends; a text without them is cut at sentences,
    and each has the times of the whole.
    """
    if evidence.origin in _COMPOSED or _listed(video, evidence):
        return
    spans = evidence.spans if len(evidence.spans) > 1 else ()
    for start_s, end_s, text in _sentences(spans) if spans else _cut(evidence):
        known = text in evidence.text
        yield Line(
            video,
            evidence.channel,
            start_s if known else evidence.start_s,
            end_s if known else evidence.end_s,
            text if known else evidence.text,
            evidence.text,
            evidence.language,
        )


def _listed(video: Video, evidence: Evidence) -> bool:
    """Whether a piece says nothing but the tags of its video, which tell nothing of each other."""
    if evidence.channel != "metadata" or evidence.text == video.title:
        return False
    parts = [part for one in _PARTS.split(evidence.text) if (part := one.strip())]
    own = {part.strip() for tag in video.tags for part in _PARTS.split(tag)} | {video.date}
    if all(one in own for one in parts):
        return True
    short = all(count_words(one) <= _SHORT for one in parts)
    return short and len(parts) >= _MANY and not _ENDS.search(evidence.text)


def _cut(evidence: Evidence) -> Iterator[tuple[float, float, str]]:
    for text in chunk_text(evidence.text, _CUT):
        yield evidence.start_s, evidence.end_s, text


def _sentences(spans: tuple[Span, ...]) -> Iterator[tuple[float, float, str]]:
    held: list[Span] = []
    for span in spans:
        held.append(span)
        text = join([one.text.strip() for one in held])
        if _ENDS.search(text) or count_words(text) >= _LONG:
            yield held[0].start_s, held[-1].end_s, text
            held = []
    if held:
        yield held[0].start_s, held[-1].end_s, join([one.text.strip() for one in held])
