"""Who comes in, and with which proof: the stack's doorkeeper (RFC 3261 section 22, RFC 8760).

::

    new request, no dialog of ours
      credentials for our realm? -- right ----> its Identity (403: shut out, or under another user's name)
                                 -- old nonce -> challenge, stale=true
                                 `- wrong ----> challenge; it counts against the source
      none -- REGISTER --------> challenge (but for phones inside, where the settings take their word)
           -- from inside -----> welcome, without an identity
           `- from outside ----> challenge; 403 while there is no user who could answer it

A challenge keeps no state: the nonce says by itself when it was made. REGISTER is challenged with 401, by us as a
registrar; all else with 407, by us as the proxy in front of users and rooms (22.2, 22.3), which is also why
the answer does not tell which names exist. An unknown user costs the same time as a wrong password.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from confserver.routing.domains import Domains
from confserver.routing.users import User, Users
from confserver.sip.checks import fit
from confserver.sip.digest import ALGORITHMS, Challenge, Credentials, is_right, parse_credentials
from confserver.sip.doorkeeper import Identity, TurnedAway
from confserver.sip.flow import Flow
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request
from confserver.sip.nonces import Freshness, Nonces
from confserver.sip.uri import Uri, parse_uri

MOST_CREDENTIALS = 4
"""So many for our realm are looked at in one request."""
ASKS = {"REGISTER": (401, "WWW-Authenticate")}
PROXY_ASKS = 407, "Proxy-Authenticate"
ANSWERS = ("Authorization", "Proxy-Authorization")
NOBODY = "0" * 64
ONLY_MD5 = ("baresip v0.", "baresip v1.")
"""Beginnings of User-Agent of phones that give up where any challenge is not by MD5, against RFC 8760 2.4."""


class Authentication:
    """``may_call``: flows that may call without a password. ``vouched``: those whose REGISTER needs none either."""

    def __init__(
        self,
        users: Users,
        nonces: Nonces,
        domains: Domains,
        may_call: Callable[[Flow], bool],
        vouched: Callable[[Flow], bool] = lambda _: False,
        algorithms: tuple[str, ...] = ALGORITHMS,
    ) -> None:
        self._users = users
        self._nonces = nonces
        self._domains = domains
        self._may_call = may_call
        self._vouched = vouched
        self._algorithms = algorithms
        self.counts: Counter[str] = Counter()

    def admit(self, request: Request, flow: Flow, now: float) -> Identity | TurnedAway | None:
        """See the head of this file."""
        try:
            given = self._credentials(request)
        except Malformed as fault:
            return TurnedAway(400, fit(fault.reason), is_offence=True)
        if given:
            return self._judge(given, request, now)
        is_welcome = self._vouched(flow) if request.method == "REGISTER" else self._may_call(flow)
        if is_welcome or not len(self._users):
            return None  # without users: 403, by the stack or the registrar
        return self._challenge(request, now)

    def _credentials(self, request: Request) -> list[Credentials]:
        """Those for our realm; others are for others (22.3). Raises Malformed."""
        found: list[Credentials] = []
        for name in ANSWERS:
            for _, value in request.headers.lines(name):
                if value[:6].lower() == "digest" and len(found) < MOST_CREDENTIALS:
                    credentials = parse_credentials(value)
                    found += [credentials] if credentials.realm == self._users.realm else []
        return found

    def _judge(self, given: list[Credentials], request: Request, now: float) -> Identity | TurnedAway:
        is_stale = False
        for credentials in given:
            user = self._users.find(credentials.username)
            if not self._is_right(credentials, user, request) or user is None:
                continue
            freshness = self._nonces.take(credentials.nonce, credentials.nc, now)
            if freshness is Freshness.FRESH:
                self.counts[f"right by {credentials.algorithm}"] += 1
                self._consume(request)
                return self._known(user, request)
            self.counts["stale" if freshness is Freshness.OLD else "replayed"] += 1
            is_stale = True
        if not is_stale:
            self.counts["wrong"] += 1
        return self._challenge(request, now, is_stale=is_stale, is_offence=not is_stale)

    def _consume(self, request: Request) -> None:
        """Credentials for us go no further: whoever gets them could try passwords on them at leisure."""
        for name in ANSWERS:
            lines = request.headers.lines(name)
            request.headers.remove(name)
            for _, value in lines:
                if value[:6].lower() != "digest" or parse_credentials(value).realm != self._users.realm:
                    request.headers.add(name, value)

    def _is_right(self, credentials: Credentials, user: User | None, request: Request) -> bool:
        if credentials.qop != "auth" or credentials.algorithm not in self._algorithms or credentials.nc < 1:
            return False  # what we have not offered
        secret = self._users.secret_of(user, credentials.algorithm) if user else None
        is_known = is_right(credentials, secret or NOBODY, request.method)
        return is_known and secret is not None and _is_about(credentials.uri, request.uri)

    def _known(self, user: User, request: Request) -> Identity | TurnedAway:
        if not user.enabled:
            return TurnedAway(403, is_offence=True)
        if request.method != "REGISTER":
            uri = request.from_.uri
            claimed = self._users.find_uri(uri) if self._domains.is_ours(uri) else None
            if claimed is not None and claimed is not user:
                return TurnedAway(403, "From Is Another User", is_offence=True)
        return Identity(user.name, user.display)

    def _challenge(
        self, request: Request, now: float, *, is_stale: bool = False, is_offence: bool = False
    ) -> TurnedAway:
        """One for each algorithm, the best first (RFC 8760 2.3)."""
        self.counts["challenges"] += 1
        status, name = ASKS.get(request.method, PROXY_ASKS)
        nonce = self._nonces.make(now)
        challenges = (
            Challenge(realm=self._users.realm, nonce=nonce, algorithm=algorithm, stale=is_stale)
            for algorithm in self._offered_to(request)
        )
        return TurnedAway(status, "", tuple((name, str(each)) for each in challenges), is_offence)

    def _offered_to(self, request: Request) -> tuple[str, ...]:
        agent = request.headers.get("User-Agent") or ""
        return ("MD5",) if "MD5" in self._algorithms and agent.startswith(ONLY_MD5) else self._algorithms

    def describe(self) -> dict[str, object]:
        return {"users": len(self._users), "nonces in use": len(self._nonces), **self.counts}


def _is_about(text: str, uri: Uri) -> bool:
    """Whether credentials were made for this Request-URI (RFC 7616 3.4.6): user and host, as proxies on the way may
    have changed the rest (RFC 3261 22.4, step 5)."""
    if text == str(uri):
        return True
    try:
        about = parse_uri(text)
    except Malformed:
        return False
    return (about.user_decoded, about.host.lower()) == (uri.user_decoded, uri.host.lower())
