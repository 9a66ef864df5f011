"""How results look on a terminal: everything on standard output, plain where it is a pipe."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from q2e.cli.options import clock, one_line, shown, talk
from q2e.survey import VideoRecord
from q2e.text.layers import is_layer
from q2e.text.saying import LITTLE
from q2e.types import Decomposition, Evidence, Hit, Moment, Reason, Results

#: Hits shown where none is likely to answer.
_NEAREST = 3
#: Share of a score below which a reason explains nothing.
_LITTLE = 0.05
_KINDS = {"prequel": "before", "current": "during", "sequel": "after"}


def _console() -> Console:
    console = Console(highlight=False, markup=False)
    # A pipe gets whole lines: cutting them at 80 columns would lose what a script looks for.
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=10_000)
    return console


def print_results(results: Results, explain: bool, weaker: bool = False) -> None:
    """Print hits with their moments and the strongest reasons; with `explain`, all of them.

    What hardly answers is counted, and told where `weaker` or `explain` asks for it.
    """
    console = _console()
    if explain:
        if results.decomposition.note:
            talk(f"note: {results.decomposition.note}")
        _print_decomposition(console, results.decomposition)
    found = int(results.info.get("found", 0))
    nearest = _nearest(results)
    if not results.hits and found:
        console.print(f"no more hits: {found} found, all before this page")
    elif not results.hits:
        console.print("nothing here answers")
    elif nearest:
        console.print(f"{nearest}; the nearest:")
    told = [hit for hit in results.hits if explain or weaker or hit.certain != "weaker"]
    for hit in told or results.hits[:_NEAREST]:
        _print_hit(console, hit, explain)
    if folded := len(results.hits) - len(told or results.hits[:_NEAREST]):
        console.print(f"{folded} weaker {'hit' if folded == 1 else 'hits'}; --weaker shows them")


def _nearest(results: Results) -> str:
    """Return what is said above hits that hardly answer, as far as that is known; or nothing.

    Rules of fusion without a law of certainty know at most what chance would find.
    """
    words = {hit.certain for hit in results.hits}
    if words == {"weaker"}:
        return "nothing here answers"
    unsure = words == {None} and results.info.get("confident") is False
    return "no confident match" if unsure else ""


def _print_hit(console: Console, hit: Hit, explain: bool) -> None:
    line = Text(f"{hit.rank:3}. ", style="bold")
    line.append(shown(hit.video.path or hit.video.id))
    line.append(f"  {hit.score:.3f}", style="dim")
    if hit.certainty is not None:
        # Nothing is told to be wholly certain.
        line.append(f"  {hit.certain}, {min(99.0, 100 * hit.certainty):.0f} %", style="dim")
    console.print(line)
    if hit.also_in:
        others = ", ".join(map(shown, hit.also_in))
        console.print(Text(f"     also in {len(hit.also_in)} more: {others}"))
    for moment in hit.moments:
        console.print(_moment_line(moment))
    if explain:
        for reason in hit.why:
            console.print(_reason_line(reason))
    else:
        for said, contribution in _told(hit)[:2]:
            console.print(Text(f"     {said} ({contribution:+.2f})", style="dim"))


def _told(hit: Hit) -> list[tuple[str, float]]:
    """Return what counts for a hit, in words of the question, and how much; the most first.

    Terms of one channel are told as one; what explains less than `_LITTLE` of the score is not.
    """
    found: dict[str, tuple[str, float]] = {}
    for reason in hit.why:
        said, before = found.get(reason.channel, ("", 0.0))
        found[reason.channel] = (said or reason.says, before + reason.contribution)
    total = sum(value for _, value in found.values() if value > 0)
    counting = [
        (said or channel, value)
        for channel, (said, value) in found.items()
        if value >= max(0.0005, _LITTLE * total)
    ]
    return sorted(counting, key=lambda one: -one[1])


def print_lines(results: Results) -> None:
    """Print `PATH:START-END` for every moment, best hit first, for programs that read lines."""
    for hit in results.hits:
        name = shown(hit.video.path or hit.video.id)
        for moment in hit.moments:
            timed = moment.end_s > 0
            print(f"{name}:{_seconds(moment.start_s)}-{_seconds(moment.end_s)}" if timed else name)
        if not hit.moments:
            print(name)


def _seconds(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _moment_line(moment: Moment) -> Text:
    line = Text("     ")
    line.append(f"{clock(moment.start_s)}-{clock(moment.end_s)}", style="cyan")
    said = dict.fromkeys(_evidence_words(one) for one in moment.evidence[:2])
    words = "; ".join(filter(None, said))
    if words:
        line.append("  " + words)
    return line


def _evidence_words(evidence: Evidence) -> str:
    if evidence.text:
        return f"{evidence.channel}: “{one_line(evidence.text, 90)}”"
    if evidence.tags:
        return f"{evidence.channel}: " + ", ".join(tag.label for tag in evidence.tags[:3])
    return ""


def _reason_line(reason: Reason) -> Text:
    line = Text("     because ", style="dim")
    line.append(f"{reason.channel} by {reason.how}")
    line.append(f" (rank {reason.rank}, {reason.contribution:+.3f}")
    line.append(
        f" = weight {reason.weight:.3f} x score {reason.score:+.3f}, entropy {reason.entropy:.3f})"
    )
    if reason.words:
        line.append(f" {reason.says}")
    if reason.part != "query" and reason.event:
        line.append(f" {_KINDS.get(reason.part, reason.part)}: {one_line(reason.event, 60)}")
    if reason.text:
        line.append(f" “{one_line(reason.text, 80)}”")
    return line


def _print_decomposition(console: Console, value: Decomposition) -> None:
    if value.event_type:
        console.print(f"event: {value.event_type} ({value.backend} {value.prompt_version})")
    for event in value.events:
        console.print(f"  {_KINDS[event.kind]:7} {event.text}")


def print_record(record: VideoRecord) -> None:
    """Print everything known about one video."""
    console = _console()
    video = record.video
    console.print(Text(shown(video.path) or f"{video.id} (imported, no file)", style="bold"))
    console.print(
        f"  id {video.id}, {clock(video.duration_s)}, {video.width}x{video.height}, "
        f"{video.rate_hz:.3g} frames/s, {'sound' if video.has_audio else 'no sound'}"
    )
    for name in ("title", "description", "date", "language"):
        if getattr(video, name):
            console.print(f"  {name}: {one_line(str(getattr(video, name)), 300)}")
    if video.tags:
        console.print(f"  tags: {one_line(', '.join(video.tags), 300)}")
    for failure in record.failures:
        console.print(f"  failed {failure.stage or ''}: {one_line(failure.reason, 300)}")
    console.print(f"{len(record.segments)} segments")
    for segment in record.segments:
        console.print(f"  {clock(segment.start_s)}-{clock(segment.end_s)}")
    channels = dict.fromkeys(evidence.channel for evidence in record.evidence)
    for channel in channels:
        console.print(Text(channel, style="bold"))
        for evidence, says in record.chances:
            if evidence.channel == channel:
                _print_evidence(console, evidence, says)


def _print_evidence(console: Console, evidence: Evidence, says: float | None) -> None:
    when = f"{clock(evidence.start_s)}-{clock(evidence.end_s)}"
    layer = evidence.origin.split("/", 1)[0] if is_layer(evidence) else ""
    sure = "" if evidence.confidence is None else f"{evidence.confidence:.0%} sure"
    little = "says little" if says is not None and says < LITTLE else ""
    about = ", ".join(filter(None, (evidence.language, layer, sure, little)))
    language = f" [{about}]" if about else ""
    if evidence.tags:
        words = ", ".join(f"{tag.label} {tag.probability:.0%}" for tag in evidence.tags[:5])
        console.print(f"  {when}  {words}")
    for span in evidence.spans:
        said = one_line(span.text, 500)
        console.print(f"  {clock(span.start_s)}-{clock(span.end_s)}{language}  {said}")
    if not evidence.spans and evidence.text:
        console.print(f"  {when}{language}  {one_line(evidence.text, 500)}")
