"""What `q2e models pull` does for a whole profile or one source: say, fetch, check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from q2e.models import profiles
from q2e.models.fetch.catalogue import look_up
from q2e.models.fetch.sources import Source, find, parse, resolved, said
from q2e.models.registry import Models
from q2e.models.torch.devices import accelerated
from q2e.settings import load_settings


def lacking(name: str) -> str:
    """Return what a profile needs that is not on this machine, in one sentence, or nothing.

    It says the size and licence of each model, and the one command that fetches them.
    """
    profile = profiles.load(name)
    away = {
        task: source
        for task, source in profile.all().items()
        if task in profile.sources and source.kind == "hub" and find(source) is None
    }
    if not away:
        return ""
    told, total = [], 0
    for task, source in away.items():
        entry = look_up(source)
        size = entry.info.size_bytes if entry is not None else 0
        total += size
        facts = f"{said(size) if size else 'size not known'}, {_licence(source)}"
        told.append(f"{task} {entry.name if entry is not None else source} ({facts})")
    install = f' (with  pip install "q2e[{profile.extra}]")' if profile.extra else ""
    return (
        f"the profile {name} needs {said(total)} that are not on this machine: {'; '.join(told)}. "
        f"Run  q2e models pull --profile {name}{install}"
    )


def _licence(source: Source) -> str:
    entry = look_up(source)
    return entry.info.licence if entry is not None else "licence: see its page"


class Watching(Protocol):
    """Who wants to know how far a pull is."""

    def say(self, text: str) -> None: ...

    def fetched(self, name: str, done: int, total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Pulled:
    """One model that is on this machine now; `path` is empty where a package holds it."""

    task: str
    source: str
    path: str = ""
    exact: str = ""
    """The source at the commit that was fetched."""


def pull(what: str, *, optional: bool, update: bool, code: bool, watch: Watching) -> list[Pulled]:
    """Fetch a profile's models, or those of one source, and return them.

    Models that come with a package are loaded once, which checks and assembles their files.
    Raises ConfigError for a name that is neither, ModelError where a model cannot be had.
    """
    if ":" in what and not what.endswith(".toml"):
        source = parse(what)
        entry = look_up(source)
        return [_one(entry.role if entry else "model", source, update, code, watch)]
    profile = profiles.load(what)
    chosen = profile.all()
    if not optional:
        chosen = {task: source for task, source in chosen.items() if task in profile.sources}
    pulled = []
    for task, source in chosen.items():
        if source.kind == "package":
            watch.say(f"{task}: {source} comes with a package")
            Models(load_settings(profile=what)).load(task)
            pulled.append(Pulled(task, str(source)))
        elif source.kind == "file":
            watch.say(f"{task}: {source} lies on this machine; there is nothing to fetch")
        elif source.kind == "http":
            watch.say(f"{task}: {source} is a server; there is nothing to fetch")
        else:
            pulled.append(_one(task, source, update, code, watch))
    left = [task for task in profile.optional if task not in chosen]
    if left:
        watch.say(f"not fetched: {', '.join(left)} (optional; q2e models pull {what} --all)")
    return pulled


def _one(task: str, source: Source, update: bool, code: bool, watch: Watching) -> Pulled:
    from q2e.models.fetch.hub import pull as fetch

    entry = look_up(source)
    if find(source) is None and entry is not None:
        size = said(entry.info.size_bytes) if entry.info.size_bytes else "size not known"
        watch.say(f"{task}: {entry.name}, {size}, {entry.info.licence}")
        if entry.info.note:
            watch.say(f"  {entry.info.note}")
        if not entry.commercial:
            watch.say(
                "  its licence forbids commercial use; it is only loaded with the setting "
                "non_commercial = true"
            )
        if entry.plugin:
            watch.say(f"  to run it takes {entry.runs}")
    path = fetch(source, code=code, accelerated=accelerated(), watch=watch.fetched, update=update)
    if not source.pinned:
        exact = resolved(source)
        watch.say(
            f"{task}: the revision of {source} is not pinned; {source.revision} is kept as commit "
            f"{exact.revision} until --update. To have the same elsewhere, name  {exact}"
        )
    return Pulled(task, str(source), str(path), str(resolved(source)))
