"""One HTTP request to a server and its answer, by TCP, TLS or Unix socket: the standard library and nothing else."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from confserver.client.errors import PROBLEMS, BadAnswer, ClientError, Conflict, NotRunning, Problem, Unauthorized

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
"""What a JSON text can hold."""

Progress = Callable[[int, int], None]
"""Told how much has come, and of how much."""
PIECE_BYTES = 1 << 16
MOST_BYTES = 64 * 1024 * 1024
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
TRIES = 3
"""Of one change, where the connection breaks before its answer has come."""


class Broken(BadAnswer):
    """The connection has broken: nobody can tell what has come of the request."""


class _UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path
        self._seconds = timeout

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._seconds)
        self.sock.connect(self._path)


class Connection:
    """A server's address and the right to speak to it. Every request is its own HTTP connection."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        """``url``: http://HOST:PORT, https://HOST[:PORT][/PATH] or http+unix:///PATH. Raises ClientError."""
        self.url = url
        self._token = token
        self.timeout = timeout
        self.agent = "confserver-client"
        """What we call ourselves."""
        try:
            parts = urlsplit(url)
            is_known = parts.scheme == "http+unix" or (parts.scheme in ("http", "https") and bool(parts.hostname))
            is_known = is_known and parts.port != 0
        except ValueError:
            is_known = False
        if not is_known:
            raise ClientError(f"{url!r} is not a server's URL: http://HOST:PORT, https://HOST or http+unix:///PATH")
        self.parts = parts
        self.base = "" if parts.scheme == "http+unix" else parts.path.rstrip("/")

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Json:
        """Ask, and give the answer's JSON (None for an empty answer). Raises ClientError.

        A change carries a key, by which the server makes it once: where the connection breaks it is asked for again.
        """
        headers = {"Accept": "application/json, application/problem+json"} | self.rights()
        data = None
        if body:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if method in CHANGES:
            headers["Idempotency-Key"] = secrets.token_hex(16)
        for left in reversed(range(TRIES if method in CHANGES else 1)):
            try:
                return self._asked(method, path, data, headers)
            except Broken:
                if not left:
                    raise
            except Conflict as problem:
                if problem.kind != "under-way" or not left:
                    raise
                time.sleep(min(problem.retry_after or 0.0, self.timeout))
        raise AssertionError("unreachable")

    def _asked(self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]) -> Json:
        connection = self._opened(self.timeout)
        with self.told_as_ours(), contextlib.closing(connection):
            connection.request(method, self.base + path, data, dict(headers))
            answer = connection.getresponse()
            return self.understood(answer.status, answer.read(MOST_BYTES), answer.getheader("Retry-After"))

    def lines(self, path: str, idle_s: float) -> Iterator[bytes]:
        """The lines of an answer that has no end. Raises ClientError where it breaks off, or is no good one."""
        connection = self._opened(self.timeout)
        with self.told_as_ours(), contextlib.closing(connection):
            connection.request("GET", self.base + path, None, {"Accept": "text/event-stream"} | self.rights())
            assert connection.sock is not None
            sock = connection.sock
            answer = connection.getresponse()
            if answer.status != 200:
                self.understood(answer.status, answer.read(MOST_BYTES))
                raise BadAnswer(f"{self.url}: answers {answer.status} to a request for events")
            sock.settimeout(idle_s)
            while line := answer.readline(MOST_BYTES):
                yield line

    def download(self, path: str, into: BinaryIO, told: Progress | None = None) -> int:
        """Write an answer into a file, piece by piece; give its length. Raises ClientError where it breaks off.

        ``told`` hears how much has come, and how much will.
        """
        connection = self._opened(self.timeout)
        with self.told_as_ours(), contextlib.closing(connection):
            connection.request("GET", self.base + path, None, self.rights())
            answer = connection.getresponse()
            if answer.status != 200:
                self.understood(answer.status, answer.read(MOST_BYTES))
                raise BadAnswer(f"{self.url}: answers {answer.status} to a request for a file")
            size, come = answer.length or 0, 0
            while piece := answer.read(PIECE_BYTES):
                into.write(piece)
                come += len(piece)
                if told is not None:
                    told(come, size)
            if come < size:
                raise BadAnswer(f"{self.url}: only {come} of {size} bytes have come")
            return come

    def rights(self) -> dict[str, str]:
        token = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return token | {"User-Agent": self.agent}

    @contextlib.contextmanager
    def told_as_ours(self) -> Iterator[None]:
        """What goes wrong with a connection, in the words of ``errors``."""
        try:
            yield
        except TimeoutError:
            raise BadAnswer(f"{self.url}: no answer within {self.timeout:g} seconds") from None
        except (ConnectionRefusedError, FileNotFoundError, NotADirectoryError):
            raise NotRunning(f"no server is running at {self.url}") from None
        except PermissionError:
            raise Unauthorized(f"{self.url}: this user may not open the socket") from None
        except socket.gaierror as error:
            raise NotRunning(f"{self.url}: {error.strerror}") from None
        except (OSError, HTTPException, EOFError) as error:
            raise Broken(f"{self.url}: {error or type(error).__name__}") from None
        except ValueError as error:  # http.client on a token or path with control characters
            raise ClientError(f"{self.url}: cannot be asked so: {error}") from None

    def _opened(self, timeout: float) -> HTTPConnection:
        parts = self.parts
        if parts.scheme == "http+unix":
            return _UnixConnection(unquote(parts.path), timeout)
        if parts.scheme == "https":
            return HTTPSConnection(parts.hostname or "", parts.port, timeout=timeout)
        return HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)

    def understood(self, status: int, text: bytes, retry_after: str | None = None) -> Json:
        try:
            told: Json = json.loads(text) if text else None
        except (ValueError, RecursionError):
            raise BadAnswer(f"{self.url}: answers {status}, and not with JSON; is it a confserver?") from None
        if 200 <= status < 300:
            return told
        words = told if isinstance(told, dict) else {}
        title, detail, kind = (str(words.get(name) or "") for name in ("title", "detail", "kind"))
        if status == 401:
            raise Unauthorized(f"{self.url}: {detail or title or 'no right'}")
        wait = float(retry_after) if retry_after and re.fullmatch("[0-9]{1,9}", retry_after) else None
        raise PROBLEMS.get(status, Problem)(status, title or f"HTTP {status}", detail, kind, retry_after=wait)
