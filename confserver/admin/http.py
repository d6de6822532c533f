# mypy: allow-untyped-calls
# (twisted.web is half typed)
"""The HTTP interface: the shell around ``endpoints``, on TCP, by TLS, or on a Unix socket.

::

    bytes -> twisted.web -> Host -> Gate: token, pace -> endpoints.find -> permission -> Idempotency-Key
                            421     401 429              404 405           403 404       409 422: the same answer again
          -> endpoints.command_of -> If-Match -> Door.submit -> answer, after the commit
             400 413 415             412         403 404 409 422

Plain twisted.web and no routing library: the routes are a table already, and saturated with requests it delays the
reactor far less than klein does. Only changes wait (for their commit); at most ``MOST_AT_ONCE`` of them at once.
"""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import structlog
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IListeningPort, IReactorCore, IReactorTCP, IReactorUNIX
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from confserver.admin import answers, files, openapi, origins, page, versions
from confserver.admin.answers import exception, header, json_answer, later, refusal, text, write
from confserver.admin.asked_door import Door as Door
from confserver.admin.caller import face_of, is_local_host, is_of_this_machine, source_of
from confserver.admin.crowd import Crowd
from confserver.admin.endpoints import FILE, LARGE, MOST_BODY_BYTES, ROUTES, Found, Problem, command_of, find
from confserver.admin.export_sender import ExportSender
from confserver.admin.exporting import Export, form_of
from confserver.admin.gate import Gate
from confserver.admin.opening import Opener
from confserver.admin.paging import Page, link_of, page_of
from confserver.admin.permission import permit, permit_room, room_for, seen
from confserver.admin.replays import Answer, Replays, ask_of
from confserver.admin.sockets import bearer_of
from confserver.admin.tokens import ADMINISTRATOR as CONTROL
from confserver.admin.tokens import Holder
from confserver.routing.commands import Command as Order
from rooms.commands import Command
from rooms.errors import NotFound
from rooms.participant import Actor, Role
from rooms.records.audit import Attempt

MOST_AT_ONCE = 8
MOST_DISCARDED_BYTES = 1024 * 1024
"""So much of a body that is too large is read to its end, so that the client sees the 413; beyond, it is cut off."""
IDLE_SECONDS = 30
RETRY_SECONDS = 1
STREAMS = ("events", "room events")
"""Queries whose answer has no end (``opening``)."""
OPEN_PATHS = frozenset(route.path for route in ROUTES if route.is_open)
ADMINISTRATOR = CONTROL.actor
NOBODY = Holder("nobody", Role.OBSERVER)
"""Who asks what wants no token."""

METRICS_PATH = "/metrics"

log = structlog.get_logger("http")


class BoundedRequest(Request):
    """A request that keeps so much of its body as its path may have, and remembers that there was more."""

    received = 0

    @property
    def most(self) -> int:
        """The request line is the channel's alone until the body is there; without it the least is taken."""
        line = self.path or getattr(self.channel, "_path", None) or b""
        return LARGE.get(text(line).partition("?")[0], MOST_BODY_BYTES)

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        if self.received <= self.most:
            super().handleContentChunk(data)
        elif self.received > MOST_DISCARDED_BYTES and self.channel is not None:
            self.channel.loseConnection()


@dataclass(frozen=True, slots=True)
class Ways:
    """What the interfaces of one server have in common, beside its door and its gate."""

    origins: frozenset[str] = frozenset()
    """Whose pages browsers may let ask (CORS)."""
    replays: Replays = field(default_factory=Replays)
    now: Callable[[], float] = time.time
    metrics_open: bool = False
    """Who asks from this machine for the page of metrics wants no token."""
    answers: Counter[int] = field(default_factory=Counter)
    """By the first digit of their status."""


class Interface(Resource):
    """Answers every request; ``is_local_tcp`` adds the check of Host, which a Unix socket and TLS do not need."""

    isLeaf = True

    def __init__(
        self,
        door: Door,
        gate: Gate,
        ways: Ways,
        exports: ExportSender,
        *,
        is_local_tcp: bool,
        stream: Opener | None = None,
    ) -> None:
        super().__init__()
        self._exports = exports
        self._door = door
        self._gate = gate
        self.ways = ways
        self._is_local_tcp = is_local_tcp
        self._stream = stream
        self._changing = 0

    def render(self, request: Request) -> bytes | int:
        try:
            return self._answer(request)
        except Exception as error:
            return write(request, refusal(request, error))

    def _answer(self, request: Request) -> bytes | int:
        if self._is_local_tcp and not is_local_host(header(request, b"host")):
            raise Problem(421, "the Host header names another server; use localhost or a loopback address")
        if (preflight := origins.answer(request, self.ways.origins)) is not None:
            return write(request, preflight)
        now, source = self.ways.now(), source_of(request)
        self._gate.check_source(source, now)
        holder = NOBODY
        if not self._is_open(request):
            holder = self._gate.admit(header(request, b"authorization") or bearer_of(request), source, now)
        found = find(text(request.method), text(request.uri))
        self._permit(request, found, holder)
        if "room" in found.names and holder.is_scoped:
            permit_room(found.names["room"], self._room(found.names["room"]), holder)
        if found.route.query in STREAMS:
            return self._open_stream(request, found, holder)
        if found.route.query == FILE:
            return files.send(request, self._door.recordings(), self._door.recording_file, found.names, holder)
        if found.route.command is None:
            told = self._ask(found, form_of(header(request, b"accept")))
            if isinstance(told, Export):
                return self._exports.send(request, told)
            if isinstance(told, Deferred):
                return later(request, told, lambda result: _told(request, found, holder, result))
            return write(request, _told(request, found, holder, told))
        return self._change(request, found, holder, now)

    def _is_open(self, request: Request) -> bool:
        """Whether no token is wanted."""
        path = text(request.path)
        is_scrape = path == METRICS_PATH and self.ways.metrics_open and is_of_this_machine(request)
        return path in OPEN_PATHS or is_scrape

    def _permit(self, request: Request, found: Found, holder: Holder) -> None:
        """Raises Problem 403, of which the door is told."""
        try:
            permit(found, holder)
        except Problem as problem:
            by = replace(holder.actor, face=face_of(request), source=source_of(request))
            asked = found.route.command or f"{found.route.method} {found.route.path}"
            self._door.turned_away(Attempt(asked, found.names), by, problem.detail)
            raise

    def _open_stream(self, request: Request, found: Found, holder: Holder) -> bytes | int:
        if self._stream is None:
            raise Problem(404, "this server tells no events")
        name = found.names.get("room", "")
        there = self._room(name) if name else None
        return self._stream(request, holder, str(there["name"]) if there else name, found.asked)

    def _ask(self, found: Found, form: str) -> object:
        """``form``: how the client would rather have a long list than by pages."""
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
            case "ready":
                if why := self._door.not_ready():
                    raise Problem(503, why)
                return {"status": "ready"}
            case "openapi":
                return openapi.document()
            case "docs":
                return Answer(200, page.page(), page.HEADERS)
        asked = {name: ",".join(values) for name, values in found.asked.items()}
        if form and found.route.is_long:
            asked.setdefault("format", form)
        return self._door.answer(found.route.query, {**asked, **found.names})

    # -------------------------------------------------------------- changes
    def _change(self, request: Request, found: Found, holder: Holder, now: float) -> bytes | int:
        """Carry out a change, once for each key; answered after its commit."""
        if isinstance(request, BoundedRequest) and request.received > request.most:
            raise Problem(413, f"the body is larger than {request.most} bytes")
        body = request.content.read() if request.content is not None else b""
        method, uri = text(request.method), text(request.uri)
        ask = ask_of(repr(holder), header(request, b"idempotency-key"), method, uri, body)
        if (before := self.ways.replays.find(ask, now)) is not None:
            return write(request, before)
        command = command_of(found, header(request, b"content-type") or "", body)
        if self._changing >= MOST_AT_ONCE:
            retry = {"Retry-After": str(RETRY_SECONDS)}
            raise Problem(503, f"{MOST_AT_ONCE} changes are under way; try again soon", headers=retry)
        there = self._checked(request, command, holder)
        self.ways.replays.begin(ask, now)
        done = self._begin(command, replace(holder.actor, face=face_of(request), source=source_of(request)))
        self._changing += 1

        def after(result: object) -> Answer | Deferred[Answer]:
            self._changing -= 1
            answer = self._outcome(request, command, there is None, holder, result)
            kept = self.ways.replays.finish(ask, answer)
            return kept.addCallback(lambda _: answer) if kept is not None else answer

        return later(request, done.addBoth(after), answers.as_it_is)

    def _begin(self, command: Command | Order, by: Actor) -> Deferred[Any]:
        try:
            if isinstance(command, Order):
                return self._door.order(command, by)
            return self._door.submit(command, by)
        except Exception as error:
            return fail(error)

    def _checked(self, request: Request, command: Command | Order, holder: Holder) -> Mapping[str, Any] | None:
        """The room as it is, None where there is none; Raises Problem where it is not his, or has moved on."""
        name = getattr(command, "room", None)
        there = self._room(name) if isinstance(command, Command) else None
        for other in getattr(command, "others", ()):
            named = getattr(command, other)
            for each in (named,) if isinstance(named, str) else named:
                permit_room(each, self._room(each), holder)
        tag, what = (versions.tag_of(there) if there is not None else None), "room"
        if isinstance(command, Order) and command.is_versioned:
            tag, what = self._door.version(command), "table"
        versions.check(header(request, b"if-match"), header(request, b"if-none-match"), tag, what)
        return there

    def _room(self, name: Any) -> Mapping[str, Any] | None:
        try:
            return self._door.room(name)
        except NotFound:
            return None

    def _outcome(
        self, request: Request, command: Command | Order, is_new: bool, holder: Holder, result: object
    ) -> Answer:
        """Word the answer to a change, now that it is committed or refused."""
        try:
            if isinstance(result, Failure):
                result.raiseException()
            if isinstance(command, Order):
                told, is_new = cast("tuple[Mapping[str, object] | None, bool]", result)
                where = text(request.path)
            else:
                told = self._room(command.room)
                where = f"/rooms/{quote(str(told['name']), safe='')}" if told is not None else ""
        except Exception as error:
            return refusal(request, error)
        if told is None:
            return Answer(204)
        headers = [("Location", where)] if is_new else []
        if not isinstance(command, Order) or command.is_versioned:
            headers.append(("ETag", f'"{versions.tag_of(told)}"'))
        if isinstance(command, Order):
            return json_answer(told, 201 if is_new else 200, headers)
        return json_answer(room_for(told, holder), 201 if is_new else 200, headers)


def _told(request: Request, found: Found, holder: Holder, told: object) -> Answer:
    """Word the answer to a question: what he may see of it, a page of it, or that it is as he knows it."""
    if isinstance(told, Failure):
        return refusal(request, exception(told))
    if isinstance(told, answers.Document):
        return answers.document_answer(request, told)
    if isinstance(told, Answer):
        return told
    route, headers = found.route, []
    if (route.tells_rooms or route.is_versioned) and isinstance(told, Mapping):
        tag = versions.tag_of(told)
        headers.append(("ETag", f'"{tag}"'))
        if versions.is_fresh(header(request, b"if-none-match"), tag):
            return Answer(304, b"", tuple(headers))
    told = seen(route, told, holder)
    if route.key and not isinstance(told, Page):
        told = page_of(cast("Sequence[Mapping[str, Any]]", told), route.key, found.asked)
    if isinstance(told, Page):
        if link := link_of(text(request.path), found.asked, told):
            headers.append(("Link", link))
        told = told.rows
    if route.is_long:
        headers.append(("Vary", "Accept"))
    return json_answer(told, 200, headers)


class LoggingSite(Site):
    """A site that tells the log of each request, and clients nothing of our insides."""

    displayTracebacks = False
    requestFactory = BoundedRequest

    def log(self, request: Request) -> None:  # type: ignore[override]
        say = log.debug if request.method in (b"GET", b"HEAD") and request.code < 400 else log.info
        say("request", method=text(request.method), path=text(request.uri), status=request.code)
        if isinstance(self.resource, Interface):
            self.resource.ways.answers[request.code // 100] += 1


class Reactor(IReactorTCP, IReactorUNIX, IReactorCore):
    """What ``listen`` needs of a reactor."""


def listen(
    reactor: Reactor,
    door: Door,
    gate: Gate | str,
    endpoint: tuple[str, int] | Path,
    stream: Opener | None = None,
    *,
    ways: Ways | None = None,
    secured: Callable[[Factory], Factory] | None = None,
) -> tuple[IListeningPort, tuple[str, int] | Path]:
    """Open the interface; give the listening port and where it is indeed (a port for port 0).

    ``gate``: who is let in; a text: who has this token alone. ``secured``: puts TLS around what listens. Raises
    twisted.internet.error.CannotListenError, or OSError where a socket's directory cannot be made. A socket left
    behind by a server that is gone is replaced.
    """
    is_plain_tcp = not isinstance(endpoint, Path) and secured is None
    gate = Gate(gate) if isinstance(gate, str) else gate
    exports = ExportSender(reactor)  # type: ignore[arg-type]
    interface = Interface(door, gate, ways or Ways(), exports, is_local_tcp=is_plain_tcp, stream=stream)
    site: Any = LoggingSite(interface, timeout=IDLE_SECONDS)
    if isinstance(endpoint, Path):
        endpoint.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clear(endpoint)
        return reactor.listenUNIX(str(endpoint), site, mode=0o600), endpoint
    site = Crowd(secured(site) if secured else site)
    port = reactor.listenTCP(endpoint[1], site, interface=endpoint[0])
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
