"""Where the HTTP interface listens: on loopback, on a Unix socket, or by TLS and on a socket for this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confserver.admin import http
from confserver.admin.access import url_of
from confserver.admin.gate import Gate, Terms
from confserver.admin.opening import Opener
from confserver.admin.replays import Replays
from confserver.admin.tokens import Tokens
from confserver.config import Settings
from confserver.config.http import SOCKET_NAME
from confserver.transports.certificates import KeyPair
from confserver.transports.tls import Tls
from rooms.records.audit import Attempt


class Faces:
    """``open`` once, ``close`` once; between them ``refresh`` takes a certificate that has changed."""

    def __init__(
        self, reactor: Any, settings: Settings, state: Path, now: Callable[[], float], replays: Replays
    ) -> None:
        """Raises CertificateError."""
        self._reactor = reactor
        self._endpoint = settings.http_endpoint()
        self._state = state
        self._terms = Terms(settings.http.requests, settings.http.failures)
        self._ways = http.Ways(
            frozenset(origin.lower() for origin in settings.http.origins),
            replays,
            now=now,
            metrics_open=settings.http.metrics_open,
        )
        files = settings.http.tls_files()
        self._tls = Tls(KeyPair(*files)) if files is not None else None
        self._ports: list[Any] = []

    @property
    def answers(self) -> Counter[int]:
        """How many there were, by the first digit of their status."""
        return self._ways.answers

    def open(self, door: http.Door, token: str, tokens: Tokens, stream: Opener) -> str:
        """Gives the URL for this machine's own commands. Raises CannotListenError, OSError."""
        gate = Gate(token, tokens, self._terms)
        gate.tell = lambda kind, by, words: door.turned_away(Attempt("ask", {}), by, words, kind)

        def listen(where: tuple[str, int] | Path, secured: Any = None) -> tuple[str, int] | Path:
            port, endpoint = http.listen(self._reactor, door, gate, where, stream, ways=self._ways, secured=secured)
            self._ports.append(port)
            return endpoint

        if self._tls is None or isinstance(self._endpoint, Path):
            return url_of(listen(self._endpoint))
        listen(self._endpoint, self._tls.incoming)
        return url_of(listen(self._state / SOCKET_NAME))

    def refresh(self) -> None:
        if self._tls is not None:
            self._tls.refresh()

    async def close(self) -> None:
        for port in self._ports:
            await port.stopListening()
