# mypy: allow-untyped-calls
# (twisted.web is half typed)
"""The HTTP interface: the shell around ``endpoints``, on loopback TCP or a Unix socket.

::

    bytes -> twisted.web -> Host (TCP) -> Bearer token -> endpoints.find -> endpoints.command_of -> Door.submit
                              421            401            404, 405          400, 413, 415         403 404 409 422

Plain twisted.web and no routing library: the routes are a table already, and saturated with requests it delays the
reactor far less than klein does. Only changes wait (for their commit); at most ``MOST_AT_ONCE`` of them at once.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

import msgspec
import structlog
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IReactorCore, IReactorTCP, IReactorUNIX
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from confserver.admin.access import is_token
from confserver.admin.endpoints import MOST_BODY_BYTES, ROUTES, Found, Problem, command_of, find, problem_of
from confserver.admin.opening import Opener
from confserver.admin.sockets import bearer_of
from confserver.routing.commands import Command as Order
from rooms.commands import Command
from rooms.errors import NotFound, Refused
from rooms.participant import Actor, Role

MOST_AT_ONCE = 8
MOST_DISCARDED_BYTES = 1024 * 1024
"""So much of a body that is too large is read to its end, so that the client sees the 413; beyond, it is cut off."""
IDLE_SECONDS = 30
RETRY_SECONDS = 1
STREAMS = ("events", "room events")
"""Queries whose answer has no end (``opening``)."""
OPEN_PATHS = frozenset(route.path for route in ROUTES if route.is_open)
ADMINISTRATOR = Actor("administrator", Role.ADMIN)

log = structlog.get_logger("http")


class Door(Protocol):
    """What the interface asks of the server."""

    def submit(self, command: Command, by: Actor) -> Deferred[None]:
        """Carry out a command; fires after its commit, fails with Refused."""

    def order(self, order: Order, by: Actor) -> Deferred[tuple[Mapping[str, object] | None, bool]]:
        """Carry it out; fires after its commit with what there is now, and whether it is new. Fails with Refused."""

    def answer(self, question: str, names: Mapping[str, str]) -> object:
        """At once, or by a Deferred. Raises Refused."""

    def rooms(self) -> Sequence[Mapping[str, object]]: ...

    def room(self, name: str) -> Mapping[str, object]:
        """Raises NotFound (or Invalid, where no room can be called so)."""

    def recordings(self) -> Sequence[Mapping[str, object]]: ...

    def status(self) -> Mapping[str, object]: ...


class BoundedRequest(Request):
    """A request that keeps at most ``MOST_BODY_BYTES`` of its body and remembers that there was more."""

    received = 0

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        if self.received <= MOST_BODY_BYTES:
            super().handleContentChunk(data)
        elif self.received > MOST_DISCARDED_BYTES and self.channel is not None:
            self.channel.loseConnection()


class Interface(Resource):
    """Answers every request; ``is_local_tcp`` adds the check of Host, which a Unix socket does not need."""

    isLeaf = True

    def __init__(self, door: Door, token: str, *, is_local_tcp: bool, stream: Opener | None = None) -> None:
        super().__init__()
        self._door = door
        self._token = token
        self._is_local_tcp = is_local_tcp
        self._stream = stream
        self._changing = 0

    def render(self, request: Request) -> bytes | int:
        try:
            return self._answer(request)
        except Exception as error:
            return _refusal(request, error)

    def _answer(self, request: Request) -> bytes | int:
        if self._is_local_tcp and not is_local_host(_header(request, b"host")):
            raise Problem(421, "the Host header names another server; use localhost or a loopback address")
        if _text(request.path) not in OPEN_PATHS:
            self._check_token(_header(request, b"authorization") or bearer_of(request))
        found = find(_text(request.method), _text(request.uri))
        if found.route.query in STREAMS:
            return self._open_stream(request, found)
        if found.route.command is None:
            told = self._ask(found)
            return self._later(request, told) if isinstance(told, Deferred) else _json(request, 200, told)
        if isinstance(request, BoundedRequest) and request.received > MOST_BODY_BYTES:
            raise Problem(413, f"the body is larger than {MOST_BODY_BYTES} bytes")
        body = request.content.read() if request.content is not None else b""
        command = command_of(found, _header(request, b"content-type") or "", body)
        if self._changing >= MOST_AT_ONCE:
            retry = {"Retry-After": str(RETRY_SECONDS)}
            raise Problem(503, f"{MOST_AT_ONCE} changes are under way; try again soon", headers=retry)
        if isinstance(command, Order):
            self._order(request, command)
        else:
            self._submit(request, command)
        return NOT_DONE_YET

    def _open_stream(self, request: Request, found: Found) -> bytes | int:
        if self._stream is None:
            raise Problem(404, "this server tells no events")
        return self._stream(request, ADMINISTRATOR, found.names.get("room", ""), found.asked)

    def _check_token(self, authorization: str | None) -> None:
        """RFC 6750 section 2.1; the answer is that of section 3."""
        scheme, _, given = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not is_token(given.strip(), self._token):
            words = "the token is wrong" if authorization else "a token is wanted: Authorization: Bearer TOKEN"
            raise Problem(401, words, headers={"WWW-Authenticate": 'Bearer realm="confserver"'})

    def _ask(self, found: Found) -> object:
        match found.route.query:
            case "rooms":
                return self._door.rooms()
            case "room":
                return self._door.room(found.names["room"])
            case "recordings":
                return self._door.recordings()
            case "status":
                return self._door.status()
            case "health":
                return {"status": "ok"}
        return self._door.answer(found.route.query, found.names)

    def _submit(self, request: Request, command: Command) -> None:
        is_new = not self._has_room(command.room)
        done = self._door.submit(command, ADMINISTRATOR)
        self._changing += 1
        waiting = _Waiting(request)

        def after(result: Failure | None) -> None:
            self._changing -= 1
            waiting.finish(lambda: self._outcome(request, command.room, result, is_new))

        done.addBoth(after)

    def _order(self, request: Request, order: Order) -> None:
        done = self._door.order(order, ADMINISTRATOR)
        self._changing += 1
        waiting = _Waiting(request)

        def after(result: Failure | tuple[Mapping[str, object] | None, bool]) -> None:
            self._changing -= 1
            waiting.finish(lambda: _ordered(request, result))

        done.addBoth(after)

    def _later(self, request: Request, told: Deferred[object]) -> int:
        waiting = _Waiting(request)

        def answer(result: Failure | object) -> bytes:
            if isinstance(result, Failure):
                return _refusal(request, _exception(result))
            return _json(request, 200, result)

        told.addBoth(lambda result: waiting.finish(lambda: answer(result)))
        return NOT_DONE_YET

    def _has_room(self, name: str) -> bool:
        try:
            self._door.room(name)
        except NotFound:
            return False
        return True

    def _outcome(self, request: Request, name: str, result: Failure | None, is_new: bool) -> bytes:
        """Word the answer to a change, now that it is committed or refused."""
        try:
            if isinstance(result, Failure):
                result.raiseException()
            room = self._door.room(name)
        except NotFound as refused:
            if result is not None:
                return _refusal(request, refused)
            request.setResponseCode(204)
            return b""
        except Exception as error:
            return _refusal(request, error)
        if is_new:
            request.setHeader("Location", _text(request.path))
        return _json(request, 201 if is_new else 200, room)


def _ordered(request: Request, result: Failure | tuple[Mapping[str, object] | None, bool]) -> bytes:
    """Word the answer to an order, now that it is committed or refused."""
    try:
        if isinstance(result, Failure):
            result.raiseException()
            return b""
        told, is_new = result
    except Exception as error:
        return _refusal(request, error)
    if told is None:
        request.setResponseCode(204)
        return b""
    if is_new:
        request.setHeader("Location", _text(request.path))
    return _json(request, 201 if is_new else 200, told)


def _exception(failure: Failure) -> Exception:
    return failure.value if isinstance(failure.value, Exception) else RuntimeError(failure.getErrorMessage())


class _Waiting:
    """A request whose answer comes later; its client may have gone by then."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._is_open = True
        request.notifyFinish().addBoth(self._closed)

    def _closed(self, _: object) -> None:
        self._is_open = False

    def finish(self, answer: Callable[[], bytes]) -> None:
        if self._is_open:
            self._request.write(answer())
            self._request.finish()


class LoggingSite(Site):
    """A site that tells the log of each request, and clients nothing of our insides."""

    displayTracebacks = False
    requestFactory = BoundedRequest

    def log(self, request: Request) -> None:  # type: ignore[override]
        say = log.debug if request.method in (b"GET", b"HEAD") and request.code < 400 else log.info
        say("request", method=_text(request.method), path=_text(request.uri), status=request.code)


class Reactor(IReactorTCP, IReactorUNIX, IReactorCore):
    """What ``listen`` needs of a reactor."""


def listen(
    reactor: Reactor, door: Door, token: str, endpoint: tuple[str, int] | Path, stream: Opener | None = None
) -> tuple[IListeningPort, tuple[str, int] | Path]:
    """Open the interface; give the listening port and where it is indeed (a port for port 0).

    Raises twisted.internet.error.CannotListenError, or OSError where a socket's directory cannot be made.
    A socket left behind by a server that is gone is replaced.
    """
    is_tcp = not isinstance(endpoint, Path)
    site = LoggingSite(Interface(door, token, is_local_tcp=is_tcp, stream=stream), timeout=IDLE_SECONDS)
    if isinstance(endpoint, Path):
        endpoint.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clear(endpoint)
        return reactor.listenUNIX(str(endpoint), site, mode=0o600), endpoint  # type: ignore[arg-type]
    port = reactor.listenTCP(endpoint[1], site, interface=endpoint[0])  # type: ignore[arg-type]
    host = cast(IPv4Address | IPv6Address, port.getHost())
    return port, (endpoint[0], host.port)


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on; anything else stays, and listening will fail on it."""
    if path.is_socket():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.setblocking(False)
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
            except OSError:
                return


def is_local_host(header: str | None) -> bool:
    """Tell whether a Host header is one that a local client sends.

    A web page that has its own name resolve to 127.0.0.1 (DNS rebinding) makes the browser send that name. HTTP/1.0
    clients, which send none, are no browsers.
    """
    if header is None:
        return True
    name = header[1:].partition("]")[0] if header.startswith("[") else header.partition(":")[0]
    if name.lower() in ("localhost", "localhost."):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _json(request: Request, status: int, told: object, content_type: str = "application/json") -> bytes:
    request.setResponseCode(status)
    request.setHeader("Content-Type", content_type)
    request.setHeader("Cache-Control", "no-store")
    body = msgspec.json.encode(told)
    request.setHeader("Content-Length", str(len(body)))
    return body


def _refusal(request: Request, error: Exception) -> bytes:
    """Word why a request was not carried out; what we did not foresee goes to the log, not to the client."""
    match error:
        case Problem():
            problem = error
        case Refused():
            problem = problem_of(error)
        case _:
            log.error("request failed", method=_text(request.method), path=_text(request.uri), exc_info=error)
            problem = Problem(500, "the server has failed at this; its log says how")
    for name, value in problem.headers.items():
        request.setHeader(name, value)
    return _json(request, problem.status, problem.document(), "application/problem+json")


def _header(request: Request, name: bytes) -> str | None:
    """Read a header as what it is, octets; Twisted's own reading of text raises on what is not UTF-8."""
    values = request.requestHeaders.getRawHeaders(name)
    return _text(values[-1]) if values else None


def _text(given: bytes) -> str:
    return given.decode("latin-1")
