# mypy: allow-untyped-calls
"""The requests that open an event stream: what they may ask for, and what they get.

::

    GET /events?type=participant-*,message&levels=1        all rooms
    GET /rooms/{room}/events                               one room, also one that is not there yet
        Last-Event-ID: EPOCH-NUMBER                        (or after=): go on from there, where that is still known
        Upgrade: websocket                                 the same by WebSocket
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from twisted.web.http import Request
from twisted.web.server import NOT_DONE_YET

from confserver.admin import sockets
from confserver.admin.endpoints import Problem
from confserver.admin.feed import Cursor, Wanted
from confserver.admin.permission import room_for
from confserver.admin.stream import EventSource, Streams
from confserver.admin.tokens import Holder
from rooms.policy import room_name
from rooms.telling import TYPES

MOST_TYPES = 100
RETRY_S = 5
_YES, _NO = ("1", "true", "yes"), ("0", "false", "no", "")


def may_watch(by: Holder, room: str) -> bool:
    """Whether somebody may hear what happens in a room."""
    return by.sees(room)


def wanted_of(by: Holder, room: str, asked: Mapping[str, Sequence[str]]) -> Wanted:
    """Raises Problem, or Refused for what is no room's name."""
    types = [each.strip() for value in asked.get("type", ()) for each in value.split(",") if each.strip()]
    if len(types) > MOST_TYPES:
        raise Problem(400, f"type: more than {MOST_TYPES} are named")
    for each in types:
        if each not in TYPES and not (each.endswith("*") and any(name.startswith(each[:-1]) for name in TYPES)):
            raise Problem(400, f"type: there is no event {each[:64]!r}")
    asked_for = room_name(room) if room else None
    return Wanted.of(lambda name: name == asked_for or may_watch(by, name), asked_for or "", types)


def wants_levels(asked: Mapping[str, Sequence[str]]) -> bool:
    value = (asked.get("levels") or ("0",))[-1].lower()
    if value not in _YES + _NO:
        raise Problem(400, "levels: takes 1 or 0")
    return value in _YES


def open_stream(
    streams: Streams, request: Request, by: Holder, room: str, asked: Mapping[str, Sequence[str]], reactor: Any
) -> bytes | int:
    """Begin to tell. Raises Problem or Refused; nothing has been written then."""
    wanted, levels = wanted_of(by, room, asked), wants_levels(asked)
    wanted = replace(wanted, shows=lambda room: room_for(room, by), holds=lambda now: streams.holds(by, now))
    last = sockets.header(request, b"last-event-id") or (asked.get("after") or ("",))[-1]
    place = streams.feed.place(last.strip())
    cursor = Cursor(streams.feed, wanted, 0)
    if streams.is_full:
        raise Problem(503, "there are as many readers as there may be", headers={"Retry-After": str(RETRY_S)})
    if sockets.is_upgrade(request):
        return sockets.upgrade(request, sockets.EventSocket(streams, cursor, place, levels=levels), reactor)
    reader = EventSource(streams, cursor, request, levels=levels)
    if request.method == b"HEAD":
        request.setHeader("Content-Type", "text/event-stream")
        return b""
    reader.answer()
    reader.begin(place)
    return NOT_DONE_YET


Opener = Callable[[Request, Holder, str, Mapping[str, Sequence[str]]], "bytes | int"]
"""``open_stream`` of a server that has streams."""
