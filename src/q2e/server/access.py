"""Who may do what: tokens with a name and a scope, guesses at them, sessions of browsers.

Tokens are kept as their SHA-256 alone. That is enough for tokens of ours, which have 192 random
bits; one that the user chose is held in memory only, and guesses at it are slowed down.
"""

from __future__ import annotations

import logging
import math
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import quote

from q2e.errors import ConfigError
from q2e.server.faults import Fault
from q2e.server.tokens import SCOPES, Scope, Tokens, digest
from q2e.trays import OWNER

LOG = logging.getLogger("q2e.server")

#: Shortest token that a user may choose, and fewest different characters in it.
SHORTEST, FEWEST = 16, 6
#: Wrong tokens from one address before it must wait, longest wait, and when they are forgotten.
_FREE, _LONGEST_WAIT_S, _FORGOTTEN_S = 5, 300.0, 900.0
_ADDRESSES, _SESSIONS = 10_000, 1_000
#: A session that is not used for so long has ended.
_IDLE_S = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody who was let in may do; `key` is the digest of the token that let them in."""

    name: str
    scope: Scope
    key: str

    named: bool = False
    """Whether it is one of several tokens, whose holders have trays of their own."""

    @property
    def owner(self) -> str:
        """Whose trays these are: of a named token its own, of all others the machine's owner's."""
        return self.key if self.named else OWNER

    def allows(self, scope: Scope) -> bool:
        return SCOPES.index(self.scope) >= SCOPES.index(scope)


#: What everybody may do on a server without tokens.
EVERYBODY = Grant("everybody", "index", "")


def checked_token(token: str) -> str:
    """Return a token that a user has chosen. Raises ConfigError where it is easily guessed."""
    if len(token) < SHORTEST or len(set(token)) < FEWEST:
        raise ConfigError(
            f"a token of {len(token)} characters, {len(set(token))} of them different, is easily "
            f"guessed; give at least {SHORTEST}, such as `openssl rand -hex 24` prints, or leave "
            "--token out and one is made"
        )
    return token


class Access:
    """Lets holders of `token`, or of one of `tokens`, in; where `token` is None, everybody.

    `made` says that `token` is random and no user's choice, so that nobody guesses it.
    """

    def __init__(
        self, token: str | None = None, tokens: Tokens | None = None, *, made: bool = False
    ) -> None:
        self.demanded = token is not None
        self._tokens = tokens
        self._made = made
        self._chosen: dict[str, Grant] = {}
        if token is not None:
            named = None if tokens is None else tokens.by_digest(digest(token))
            if named is not None:  # it would come to allow more than it was made for
                raise ConfigError(
                    f"this token is the one of {named.name!r}; give the server one of its own, or "
                    "none (unset Q2E_TOKEN)"
                )
            grant = Grant("start", "index", digest(checked_token(token)))
            # Programs may send what does not fit into a header percent-encoded.
            self._chosen = {digest(form): grant for form in (token, quote(token, safe=""))}
        self._guesses = Guesses()
        self._sessions: OrderedDict[str, tuple[Grant, float]] = OrderedDict()
        self._seen: set[str] = set()
        """Digests of tokens that have let somebody in."""

    def by_token(self, given: str, address: str) -> Grant:
        """Return what the holder of a token may do.

        Raises Fault for a wrong token. Where the address has sent too many, it must wait, so that
        a token which a user chose cannot be guessed; one that has let in before still does.
        """
        key = digest(given)
        grant = self._known(key)
        chosen = key in self._chosen and not self._made
        sure = grant is not None and (not chosen or key in self._seen)
        if not sure and (wait_s := self._guesses.wait_s(address)) > 0:
            raise Fault(
                429,
                "too_many_guesses",
                f"too many wrong tokens came from {address}",
                f"wait {math.ceil(wait_s)} s, then send the right one",
                {"Retry-After": str(math.ceil(wait_s))},
            )
        if grant is None:
            self._guesses.wrong(address)
            raise Fault(
                401,
                "wrong_token",
                "this token is not known here, or no more",
                "open the address that `q2e serve` printed, or ask for a token",
                {"WWW-Authenticate": 'Bearer realm="q2e", error="invalid_token"'},
            )
        self._seen.add(key)
        return grant

    def _known(self, key: str) -> Grant | None:
        if (grant := self._chosen.get(key)) is not None:
            return grant
        named = None if self._tokens is None else self._tokens.by_digest(key)
        return None if named is None else Grant(named.name, named.scope, key, named=True)

    def knows(self, owner: str) -> bool:
        """Return whether an owner of trays may still come in."""
        if owner == OWNER:
            return True
        return self._tokens is not None and self._tokens.by_digest(owner) is not None

    # -- sessions -------------------------------------------------------------------------------
    def begin(self, grant: Grant) -> str:
        """Return the secret of a new session of a browser."""
        secret = secrets.token_urlsafe(24)
        self._sessions[digest(secret)] = (grant, time.monotonic())
        while len(self._sessions) > _SESSIONS:
            self._sessions.popitem(last=False)
        return secret

    def by_session(self, secret: str) -> Grant | None:
        """Return what the holder of a session may do, None where it has ended."""
        key = digest(secret)
        held = self._sessions.get(key)
        if held is None:
            return None
        grant, used = held
        if time.monotonic() - used > _IDLE_S or self._known(grant.key) != grant:
            del self._sessions[key]
            return None
        self._sessions[key] = (grant, time.monotonic())
        self._sessions.move_to_end(key)
        return grant

    def end(self, secret: str) -> None:
        """End a session, so that its cookie opens nothing any more."""
        self._sessions.pop(digest(secret), None)


class Guesses:
    """Counts wrong tokens by address, and says how long an address must wait."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Return the seconds until a token from this address is looked at again."""
        count, last = self._wrong.get(address, (0, 0.0))
        if count < _FREE:
            return 0.0
        since_s = time.monotonic() - last
        return max(0.0, min(_LONGEST_WAIT_S, 2.0 ** (count - _FREE)) - since_s)

    def wrong(self, address: str) -> None:
        """Note a wrong token, and log it."""
        now = time.monotonic()
        count, last = self._wrong.pop(address, (0, now))
        count = 1 if now - last > _FORGOTTEN_S else count + 1
        self._wrong[address] = (count, now)
        while len(self._wrong) > _ADDRESSES:
            self._wrong.popitem(last=False)
        LOG.warning("wrong token from %s, %d in a row", address, count)
