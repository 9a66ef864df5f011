"""Options of commands that ask: which evidence counts, and by which methods it is asked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from q2e.builtin import KINDS
from q2e.cli.complete import channel_names, values_of
from q2e.cli.options import Set, settings_given

if TYPE_CHECKING:
    from q2e.types import Filters

#: Settings that are options of a search, where they mean something else.
INSTEAD = {"top": "--top", "channels": "--channel"}
_ABOUT = {kind.name: kind.summary for kind, _ in KINDS}


def _way(kind: str, **more: Any) -> Any:
    """Return the option that chooses methods of a kind."""
    said = _ABOUT[kind]
    help_text = f"{said[0].upper()}{said[1:]}: see  q2e methods {kind}."
    help_text = " ".join(filter(None, (help_text, more.pop("also", ""))))
    return typer.Option(help=help_text, autocompletion=values_of(kind), **more)


def _only(help_text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=f"{help_text} May be repeated.", **more)


@dataclass(frozen=True, kw_only=True)
class Only:
    """Which videos and evidence count."""

    channel: Annotated[
        list[str] | None,
        _only("Search only this channel.", "--channel", "-c", autocompletion=channel_names),
    ] = None
    not_channel: Annotated[list[str] | None, _only("Search all channels but this.")] = None
    since: Annotated[str | None, typer.Option(help="Only videos from this date on.")] = None
    until: Annotated[str | None, typer.Option(help="Only videos up to this date.")] = None
    lang: Annotated[list[str] | None, _only("Only evidence in this language.")] = None
    not_lang: Annotated[list[str] | None, _only("Only evidence in other languages.")] = None
    tag: Annotated[list[str] | None, _only("Only videos with this tag.")] = None
    not_tag: Annotated[list[str] | None, _only("Only videos without this tag.")] = None
    video: Annotated[list[str] | None, _only("Only this video, by path, name or id.")] = None
    shortest: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only videos of at least 90s, 5m or 1h30m.")
    ] = None
    longest: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only videos of at most this length.")
    ] = None

    def filters(self) -> Filters:
        """Return what was given. Raises ConfigError for what is no length of time."""
        from q2e.types import Filters

        return Filters(
            channels=tuple(self.channel or ()),
            videos=tuple(self.video or ()),
            languages=tuple(self.lang or ()),
            since=self.since,
            until=self.until,
            tags=tuple(self.tag or ()),
            shortest_s=_seconds("--shortest", self.shortest),
            longest_s=_seconds("--longest", self.longest),
            without_tags=tuple(self.not_tag or ()),
            without_languages=tuple(self.not_lang or ()),
            without_channels=tuple(self.not_channel or ()),
        )


def _seconds(option: str, text: str | None) -> float | None:
    from q2e.errors import ConfigError
    from q2e.query.marks import seconds

    if text is None:
        return None
    found = seconds(text)
    if found is None:
        raise ConfigError(f"{option} {text}: write a length of time as 90s, 5m or 1h30m")
    return found


@dataclass(frozen=True, kw_only=True)
class Ways:
    """By which methods a question is answered; each is the setting of its name."""

    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Methods of the whole search: default, q2e, q2e-live, mmi or a TOML file; the "
            "options below stand before it.",
        ),
    ] = None
    decompose: Annotated[str | None, _way("decompose")] = None
    expand: Annotated[list[str] | None, _way("expand", also="May be repeated.")] = None
    pool: Annotated[
        list[str] | None,
        _way("pool", also="May be repeated for a channel: --pool max --pool frame=mean."),
    ] = None
    calibrate: Annotated[str | None, _way("calibrate")] = None
    fuse: Annotated[str | None, _way("fuse")] = None
    feedback: Annotated[str | None, _way("feedback")] = None
    rerank: Annotated[list[str] | None, _way("rerank", also="May be repeated.")] = None
    localise: Annotated[str | None, _way("localise")] = None
    # As they were called before; they go with the next version.
    normalise: Annotated[str | None, typer.Option(hidden=True)] = None
    rerank_depth: Annotated[int | None, typer.Option("--rerank-depth", hidden=True)] = None
    set: Set = None

    def given(self) -> dict[str, Any]:
        """Return the settings that were given, those of `--set` among them."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        pairs = own.pop("set")
        # What is not given is an empty list where an option may be repeated.
        return settings_given(pairs, INSTEAD, **{k: v for k, v in own.items() if v not in ([], ())})
