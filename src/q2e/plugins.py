"""The one door by which methods of every kind come in, our own included.

A plugin is a package with an entry point in the group `q2e` whose module has one function,
`register(registry)`. It adds what it marked with `q2e.registry.method`, or offers it by dotted
name so that it is imported when it is first used.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import entry_points

from q2e.registry import Registry

GROUP = "q2e"
_log = logging.getLogger(__name__)


@cache
def registry() -> Registry:
    """Return the registry with what ships with this package and what is installed beside it.

    A plugin that cannot be loaded is named once, in a warning, and left out.
    """
    from q2e import builtin

    found = Registry()
    builtin.register(found)
    for entry in entry_points(group=GROUP):
        package = entry.dist.name if entry.dist is not None else entry.value
        try:
            entry.load().register(found)
        except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
            _log.warning(
                "plugin %s cannot be used and is left out: %s: %s; mend it, or  pip uninstall %s",
                package,
                type(error).__name__,
                error,
                package,
            )
    return found
