"""The client's side of digest authentication (RFC 3261 section 22.2, RFC 8760 section 2.4): one account elsewhere.

::

    request -> account.prepared(...)             credentials for all realms known: no second round trip
    401/407 -> account.answer(response, request) -> header lines for the request, sent once more with the next CSeq
                                                 `-> None: refused again, or no challenge that we understand
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from confserver.sip import digest
from confserver.sip.digest import HASHES, Challenge, Credentials
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request, Response

ANSWERS = {401: ("WWW-Authenticate", "Authorization"), 407: ("Proxy-Authenticate", "Proxy-Authorization")}
"""By status: where the challenge stands, and where the answer goes."""
MOST_REALMS = 8
"""So many proxies on the way may each want their own (RFC 3261 22.3)."""

Lines = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Realm:
    """The last challenge of one realm, and how often its nonce was used."""

    header: str
    challenge: Challenge
    uses: int = 0


class Account:
    """A user name and a password. ``token`` gives fresh random text, for cnonces."""

    def __init__(self, username: str, password: str, token: Callable[[], str]) -> None:
        self.username = username
        self._password = password
        self._token = token
        self._realms: dict[tuple[str, str], _Realm] = {}

    def __repr__(self) -> str:
        return f"Account({self.username!r})"

    def answer(self, response: Response, request: Request) -> Lines | None:
        """The credentials that a 401 or 407 asks for, for all realms that are known by now.

        None where the request had credentials for a challenging realm already and its nonce was not stale: the
        password is wrong, and to try again would only lock us out (RFC 3261 22.2).
        """
        if response.status not in ANSWERS:
            return None
        asks, answers = ANSWERS[response.status]
        chosen = _chosen([value for _, value in response.headers.lines(asks)])
        if not chosen:
            return None
        tried = _tried(request, answers)
        for challenge in chosen:
            if tried.get(challenge.realm) is not None and not challenge.stale:
                return None
            if tried.get(challenge.realm) == challenge.nonce:
                return None  # stale, but no other nonce to go on with
            if (answers, challenge.realm) not in self._realms and len(self._realms) >= MOST_REALMS:
                return None
            self._realms[answers, challenge.realm] = _Realm(answers, challenge)
        return self.prepared(request.method, str(request.uri))

    def prepared(self, method: str, uri: str) -> Lines:
        """Credentials for all realms that have challenged so far; none before the first challenge."""
        return tuple((realm.header, str(self._credentials(realm, method, uri))) for realm in self._realms.values())

    def _credentials(self, realm: _Realm, method: str, uri: str) -> Credentials:
        challenge = realm.challenge
        realm.uses += 1
        counted = "auth" if "auth" in challenge.qop else ""
        blank = Credentials(
            username=self.username,
            realm=challenge.realm,
            nonce=challenge.nonce,
            uri=uri,
            response="",
            algorithm=challenge.algorithm,
            qop=counted,
            nc=realm.uses if counted else 0,
            cnonce=self._token() if counted else "",
            opaque=challenge.opaque,
        )
        secret = digest.ha1(challenge.algorithm, self.username, challenge.realm, self._password)
        return digest.with_response(blank, secret, method)


def _chosen(values: list[str]) -> list[Challenge]:
    """Of each realm the first challenge that we understand: the server lists its best one first (RFC 8760 2.4)."""
    chosen: dict[str, Challenge] = {}
    for value in values[: MOST_REALMS * len(HASHES)]:
        try:
            challenge = digest.parse_challenge(value)
        except Malformed:
            continue  # another scheme; RFC 3261 22.2 lets us pass over it
        if challenge.algorithm in HASHES and (not challenge.qop or "auth" in challenge.qop):
            chosen.setdefault(challenge.realm, challenge)
    return list(chosen.values())


def _tried(request: Request, header: str) -> dict[str, str]:
    """The realms for which a request had credentials, and their nonces."""
    tried: dict[str, str] = {}
    for _, value in request.headers.lines(header):
        try:
            credentials = digest.parse_credentials(value)
        except Malformed:
            continue
        tried[credentials.realm] = credentials.nonce
    return tried
