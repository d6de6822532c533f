"""Whether somebody is let in at all: whose token it is, and whether he asks too often.

::

    no token ............................................. 401
    wrong tokens from there: too many .................... 429, also to a right one that is new there
    a wrong token ........................................ 401, and is counted
    too many requests by this token, or from there ....... 429

Who has shown a right token before from the same place is not locked out by somebody else's wrong ones: behind a
proxy, and on this machine, all come from one address. Nor is who can read the control file.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from confserver.admin.access import is_token
from confserver.admin.pace import MOST_KEYS, Pace, retry_after
from confserver.admin.problems import Problem
from confserver.admin.tokens import ADMINISTRATOR, Holder, Tokens
from confserver.admin.turned_away import TOO_MANY, UNAUTHORIZED
from rooms.participant import Actor, Role

BURST = 5
"""So many seconds' requests may come at once."""
KNOWN_S = 86400.0
REALM = 'Bearer realm="confserver"'
KINDS = {401: UNAUTHORIZED, 429: TOO_MANY}
NOBODY = Actor("nobody", Role.OBSERVER, face="http")
"""Who has not shown whose token he has."""


Tell = Callable[[str, Actor, str], object]
"""The kind of a refusal, who it was as far as that is known, and why."""


@dataclass(frozen=True, slots=True)
class Terms:
    """``requests`` a second of one token and from one place; ``failures``: wrong tokens a minute. 0: no bound."""

    requests: int = 0
    failures: int = 0


class Gate:
    """Asked about every request but open ones. Sources are IP addresses, "" for a Unix socket."""

    def __init__(self, token: str, tokens: Tokens | None = None, terms: Terms | None = None) -> None:
        """``token``: that of the control file."""
        self.tell: Tell = lambda kind, by, words: None
        """The audit log; tokens are not told."""
        terms = terms or Terms()
        self.tokens = tokens or Tokens()
        self._token = token
        self._by_token = Pace(terms.requests, BURST * terms.requests)
        self._by_source = Pace(terms.requests, BURST * terms.requests)
        self._failures = Pace(terms.failures / 60, terms.failures)
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()
        """When a source has shown whose token rightly; the latest last."""

    def admit(self, authorization: str | None, source: str, now: float) -> Holder:
        """RFC 6750 section 2.1; the answers are those of section 3. Raises Problem 401 or 429."""
        scheme, _, given = (authorization or "").partition(" ")
        source = place_of(source)
        if scheme.lower() != "bearer" or not given.strip():
            words = "a token is wanted: Authorization: Bearer TOKEN"
            raise self._refusal(401, words, source, {"WWW-Authenticate": REALM})
        holder = self._holder_of(given.strip(), now)
        self._check_failures(holder, source, now)
        if holder is None:
            self._failures.take(source, now)
            headers = {"WWW-Authenticate": f'{REALM}, error="invalid_token"'}
            raise self._refusal(401, "the token is wrong, revoked or over", source, headers)
        self._know(source, holder.name, now)
        self._check(self._by_token.take(holder.name, now), source, holder.actor)
        return holder

    def check_source(self, source: str, now: float) -> None:
        """Also of who shows no token; not on this machine, where all come from one address. Raises Problem 429."""
        if not is_local(source):
            source = place_of(source)
            self._check(self._by_source.take(source, now), source)

    def _holder_of(self, given: str, now: float) -> Holder | None:
        return ADMINISTRATOR if is_token(given, self._token) else self.tokens.holder_of(given, now)

    def _check_failures(self, holder: Holder | None, source: str, now: float) -> None:
        wait = self._failures.wait(source, now)
        if wait and not (holder is not None and self._is_known(source, holder, now)):
            words = "too many wrong tokens have come from there; try again later"
            raise self._refusal(429, words, source, {"Retry-After": retry_after(wait)})

    def _check(self, wait: float, source: str, by: Actor = NOBODY) -> None:
        if wait:
            words = "that is too many requests; slow down"
            raise self._refusal(429, words, source, {"Retry-After": retry_after(wait)}, by)

    def _refusal(self, status: int, words: str, source: str, headers: Mapping[str, str], by: Actor = NOBODY) -> Problem:
        self.tell(KINDS[status], replace(by, source=source), words)
        return Problem(status, words, headers=headers)

    def _is_known(self, source: str, holder: Holder, now: float) -> bool:
        if holder == ADMINISTRATOR and is_local(source):
            return True
        since = self._known.get((source, holder.name))
        return since is not None and now - since < KNOWN_S

    def _know(self, source: str, name: str, now: float) -> None:
        self._known[source, name] = now
        self._known.move_to_end((source, name))
        if len(self._known) > MOST_KEYS:
            self._known.popitem(last=False)


def place_of(source: str) -> str:
    """What counts as one source: an IPv4 address, an IPv6 /64 (whose hosts have 2^64 addresses each)."""
    try:
        address = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return source
    if address.version == 6 and not address.is_loopback:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def is_local(source: str) -> bool:
    """On this machine, or by a proxy on it."""
    return source == "" or source.startswith("127.") or source == "::1"
