"""Which HTTP request asks for what: pure, without sockets.

The routes of changes are read from ``rooms.commands.COMMANDS``: the words in braces of a command's path are fields
taken from the path, its other fields travel in a JSON body of their types. What is asked of the server's ways beside
the rooms (``routing.commands``) follows in the same way. Some queries and a health check come beside them. Whatever
cannot be done is a ``Problem`` (RFC 9457).

A change answers 200 with the room (the ban, ...) as it then is, 201 where it has made it, or 204 where it is no more.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import re
from dataclasses import dataclass, field
from typing import get_args, get_type_hints
from urllib.parse import parse_qs, unquote_to_bytes

import msgspec

from confserver.admin.members import body_fields as body_fields
from confserver.admin.members import with_whole_numbers
from confserver.admin.problems import REFUSALS as REFUSALS
from confserver.admin.problems import Problem as Problem
from confserver.admin.problems import problem_of as problem_of
from confserver.routing.commands import COMMANDS as ORDERS
from confserver.routing.commands import QUESTIONS, Parameter, Question
from confserver.routing.commands import Command as Order
from rooms.commands import COMMANDS, Command
from rooms.participant import Role
from rooms.policy import RULES, RoomPolicy

MOST_BODY_BYTES = Order.most_body_bytes
MOST_PARAMETERS = 100
MOST_DIGITS = 15
"""Of a whole number in a query string: what every reader of JSON can hold."""
MOST_TEXT = 1024
"""Characters of what a query string names."""


@dataclass(frozen=True, slots=True)
class Route:
    """One request that is understood."""

    method: str
    path: str
    summary: str
    command: type[Command] | type[Order] | None = None
    query: str = ""
    """``rooms``, ``room``, ``status`` ... or a question's name, where nothing is changed."""
    is_open: bool = False
    """Wants no token."""
    needs: Role = Role.OBSERVER
    """The role that it takes at least."""
    parameters: tuple[Parameter, ...] = ()
    """What its query string may name."""
    key: str = ""
    """The member that names a row of a list, by which it can be asked for by pages."""
    room: str = ""
    """The member of each row that names its room."""
    tells_rooms: bool = False
    """The answer is a room, or a list of rooms."""
    is_for_all: bool = False
    """It says nothing of any room, and is for every token."""
    media_type: str = "application/json"
    is_versioned: bool = False
    """What it tells, or changes, has a version beside that of rooms."""

    @property
    def path_fields(self) -> tuple[str, ...]:
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def is_long(self) -> bool:
        """It can be had as one long text (``exporting``)."""
        return any(parameter.name == FORMAT for parameter in self.parameters)

    @property
    def is_of_rooms(self) -> bool:
        """There is something in it for who may see some rooms only."""
        return self.is_for_all or bool(self.room) or "room" in self.path_fields


@dataclass(frozen=True, slots=True)
class Found:
    """A route with what its path names, and what its query string asks for."""

    route: Route
    names: dict[str, str] = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)


FILE = "recording file"
FORMAT = "format"
PAGING = (
    Parameter("limit", "At most so many rows; Link says where to go on.", int, 1, 1000),
    Parameter("after", "Only rows after the one of this name."),
)

STREAMING = (
    Parameter("type", "Only events of these types, with commas between them; participant-* are all that begin so.",
              is_list=True),
    Parameter("levels", "1: also how loud people are, twice a second."),
    Parameter("after", "Go on after this event: EPOCH-NUMBER; Last-Event-ID says the same."),
)  # fmt: skip

QUERIES: tuple[Route, ...] = (
    Route(
        "GET", "/rooms", "List the rooms and who is in them.", query="rooms",
        parameters=PAGING, key="name", room="name", tells_rooms=True,
    ),
    Route("GET", "/rooms/{room}", "Show one room and who is in it.", query="room", tells_rooms=True),
    Route(
        "GET", "/recordings", "List the recordings, those under way first.", query="recordings",
        parameters=PAGING, key="name", room="room",
    ),
    Route(
        "GET", "/recordings/{recording}/{file}", "Send a file of a recording, whole or in parts.", query=FILE,
        needs=Role.MODERATOR, media_type="application/octet-stream",
    ),
    Route("GET", "/status", "Show the server's counts and load.", query="status"),
    Route(
        "GET", "/events", "Tell live what happens in all rooms, by server-sent events or WebSocket.", query="events",
        parameters=STREAMING, room="room", media_type="text/event-stream",
    ),
    Route(
        "GET", "/rooms/{room}/events", "Tell live what happens in one room.", query="room events",
        parameters=STREAMING, media_type="text/event-stream",
    ),
    Route("GET", "/openapi.json", "Describe this interface by OpenAPI 3.1.", query="openapi", is_for_all=True),
    Route(
        "GET", "/docs", "Describe this interface on a page to read; wants no token.", query="docs", is_open=True,
        media_type="text/html",
    ),
    Route("GET", "/ready", "Say whether the server takes new calls: 200, or 503; wants no token.", query="ready",
          is_open=True),
    Route("GET", "/health", "Say that the server answers; wants no token.", query="health", is_open=True),
)  # fmt: skip


def summary(command: type[Command] | type[Order]) -> str:
    """The first line of a command's docstring: its help on every face."""
    return (command.__doc__ or "").splitlines()[0]


def _asked(question: Question) -> Route:
    return Route(
        "GET", question.path, question.summary, query=question.name, needs=question.needs,
        parameters=(*question.parameters, *(PAGING if question.key else ())), key=question.key, room=question.room,
        media_type=question.media_type, is_versioned=question.is_versioned,
    )  # fmt: skip


ROUTES: tuple[Route, ...] = (
    *QUERIES,
    *(Route(c.method, c.path, summary(c), c, needs=c.needs, tells_rooms=True) for c in COMMANDS),
    *(_asked(question) for question in QUESTIONS),
    *(
        Route(order.method, order.path, summary(order), order, needs=order.needs, is_versioned=order.is_versioned)
        for order in ORDERS
    ),
)


_RULES = msgspec.defstruct(
    "Rules", [(name, hint | None, None) for name, hint in get_type_hints(RoomPolicy).items()], frozen=True
)
"""Any of them, each of its type."""


# ------------------------------------------------------------------ the way in
def most_body_bytes(command: type[Command] | type[Order] | None) -> int:
    return getattr(command, "most_body_bytes", MOST_BODY_BYTES)


LARGE = {route.path: most for route in ROUTES if (most := most_body_bytes(route.command)) > MOST_BODY_BYTES}
"""Paths where a body may be larger than anywhere else, and how large."""


def find(method: str, raw_path: str) -> Found:
    """Find the route of a request; HEAD is answered as GET. Raises Problem 400, 404 or 405."""
    raw_path, _, query = raw_path.partition("?")
    segments = raw_path.split("/")
    there = [(route, names) for route in ROUTES if (names := _match(route.path, segments)) is not None]
    if not there:
        raise Problem(404, "there is nothing at this path")
    wanted = "GET" if method == "HEAD" else method
    for route, names in there:
        if route.method == wanted:
            return Found(route, names, asked_of(route, query))
    allowed = {route.method for route, _ in there}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    allow = ", ".join(sorted(allowed))
    raise Problem(405, f"this path takes {allow}", headers={"Allow": allow})


def asked_of(route: Route, query: str) -> dict[str, list[str]]:
    """What a query string asks for, each as it was written. Raises Problem 400 for what the route does not take."""
    known = {parameter.name: parameter for parameter in route.parameters}
    if query and not known:
        raise Problem(400, "this request takes no query string")
    try:
        asked = parse_qs(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict",
                         max_num_fields=MOST_PARAMETERS)  # fmt: skip
    except ValueError:  # UnicodeDecodeError is one
        raise Problem(400, "the query string makes no sense") from None
    for name, values in asked.items():
        if name not in known:
            raise Problem(400, f"unknown parameter {name[:64]!r}: this takes {', '.join(known)}")
        if len(values) > 1 and not known[name].is_list:
            raise Problem(400, f"{name}: is there twice")
        for value in values:
            _check_value(known[name], value)
    return asked


def _check_value(parameter: Parameter, text: str) -> None:
    if parameter.kind is bool:
        if text not in ("0", "1", "true", "false"):
            raise Problem(400, f"{parameter.name}: must be true or false")
    elif parameter.kind in (int, float):
        try:
            value = float(text) if parameter.kind is float else float(_whole(text))
        except (ValueError, OverflowError):
            words = "a number" if parameter.kind is float else "a whole number"
            raise Problem(400, f"{parameter.name}: must be {words}") from None
        least, most = parameter.least, parameter.most
        if not -math.inf < value < math.inf or (least is not None and value < least):
            raise Problem(400, f"{parameter.name}: must be {least if least is not None else 'a number'} or more")
        if most is not None and value > most:
            raise Problem(400, f"{parameter.name}: must be {most} or less")
    elif len(text) > MOST_TEXT:
        raise Problem(400, f"{parameter.name}: is longer than {MOST_TEXT} characters")


def _whole(text: str) -> int:
    if not re.fullmatch(rf"-?[0-9]{{1,{MOST_DIGITS}}}", text):
        raise ValueError(text)
    return int(text)


def command_of(found: Found, content_type: str, body: bytes) -> Command | Order:
    """Build the command that a request to a command's route asks for. Raises Problem 400 or 415."""
    command = found.route.command
    if command is None:
        raise ValueError(f"{found.route.path} is a query")
    given = with_whole_numbers(command, _members(content_type, body))
    names = {f.name for f in body_fields(command)}
    for key in given:
        if key not in names:
            takes = f"takes {', '.join(sorted(names))}" if names else "takes no members"
            raise Problem(400, f"unknown member {key[:64]!r}: the body {takes}")
    try:
        if not getattr(command, "spreads", False):
            return msgspec.convert({**given, **found.names}, type=command)
        rules = {name: given.pop(name) for name in RULES if name in given}
        msgspec.convert(rules, type=_RULES)
        other = msgspec.convert({**given, **found.names}, type=command)
        return command(**{f.name: getattr(other, f.name) for f in dataclasses.fields(other)} | {"rules": rules})
    except msgspec.ValidationError as error:
        raise Problem(400, _in_words(command, str(error))) from None


def _match(pattern: str, segments: list[str]) -> dict[str, str] | None:
    """Compare segment by segment, still percent-encoded, so that an encoded slash belongs to a name."""
    wanted = pattern.split("/")
    if len(wanted) != len(segments):
        return None
    names: dict[str, str] = {}
    for want, segment in zip(wanted, segments, strict=True):
        if not want.startswith("{"):
            if want != segment:
                return None
        elif not segment:
            return None
        else:
            names[want[1:-1]] = segment
    return {name: _decoded(segment) for name, segment in names.items()}


def _decoded(segment: str) -> str:
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise Problem(400, "a name in the path is not UTF-8") from None


def _members(content_type: str, body: bytes) -> dict[str, object]:
    """Read the members of the body's JSON object; an empty body has none."""
    if not body.strip():
        return {}
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "the body must be application/json", headers={"Accept": "application/json"})
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except msgspec.ValidationError:
        raise Problem(400, "the body must be a JSON object") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"the body is not JSON: {error}") from None


def _in_words(command: type[Command] | type[Order], error: str) -> str:
    """Name the member and what it takes, from msgspec's ``Expected `int`, got `str` - at `$.name```."""
    words, _, where = error.partition(" - at `$.")
    name = where.rstrip("`")
    hint = {**get_type_hints(RoomPolicy), **get_type_hints(command)}.get(name)
    for kind in (hint, *get_args(hint)):
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return f"{name}: must be one of {', '.join(str(member.value) for member in kind)}"
    words = words[:1].lower() + words[1:].replace("`", "").replace(" | null", "")
    return f"{name}: {words}" if name else words
