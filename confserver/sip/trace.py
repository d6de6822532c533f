"""The messages of each call, kept for a while in bounded memory, for whoever must find out what went wrong.

::

    heard, said --> by Call-ID: messages of calls, and few of others (a stranger's flood drives out no call)
    CallArrived, CallAccepted ... --> follow: our number of a call -> its Call-ID
    find(7), find("3848276298@192.0.2.7") --> Story

A call keeps its first messages and its latest ones. Where memory is used up the call that ended first is forgotten.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from confserver.sip import outputs as sip
from confserver.sip.flow import Flow

MOST_FIRST, MOST_LAST = 40, 160
"""Messages of one call."""
SHARE_OF_OTHERS = 8
"""So small a part of the memory is for what belongs to no call."""
COST = 300
"""Bytes of memory that a message takes beside its own."""
_CALL_ID = b"\r\nCall-ID: "


@dataclass(frozen=True, slots=True)
class Passed:
    """One message."""

    at: float
    is_ours: bool
    flow: Flow
    data: bytes


@dataclass(slots=True)
class Story:
    """What has passed in one call."""

    call_id: str
    number: int = 0
    """Ours; 0 where it is no call."""
    is_over: bool = False
    first: list[Passed] = field(default_factory=list)
    last: deque[Passed] | None = None
    """Of a long one, the last messages; most calls have so few that there are none."""
    left_out: int = 0
    size: int = 0

    def add(self, passed: Passed) -> int:
        """Gives by how many bytes it has grown."""
        before = self.size
        self.size += len(passed.data) + COST
        if len(self.first) < MOST_FIRST:
            self.first.append(passed)
        else:
            self.last = deque() if self.last is None else self.last
            self.last.append(passed)
            if len(self.last) > MOST_LAST:
                self.size -= len(self.last.popleft().data) + COST
                self.left_out += 1
        return self.size - before

    def __iter__(self) -> Iterator[Passed]:
        yield from self.first
        yield from self.last or ()

    def __len__(self) -> int:
        return len(self.first) + len(self.last or ())

    @property
    def begun_at(self) -> float:
        return self.first[0].at


class Trace:
    """``most_bytes`` 0: nothing is kept."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._calls: OrderedDict[str, Story] = OrderedDict()
        self._others: OrderedDict[str, Story] = OrderedDict()
        self._over: OrderedDict[str, None] = OrderedDict()
        """Of the calls those that have ended, the first in front."""
        self._numbers: dict[int, str] = {}
        self._size = 0
        self._size_of_others = 0

    # -------------------------------------------------------------- what passes
    def heard(self, call_id: str, data: bytes, flow: Flow, now: float) -> None:
        if self._most:
            self._add(call_id, Passed(now, False, flow, data))

    def said(self, data: bytes, flow: Flow, now: float) -> None:
        """A message of ours: its Call-ID is written in one way."""
        if not self._most:
            return
        begin = data.find(_CALL_ID)
        if begin >= 0:
            begin += len(_CALL_ID)
            call_id = data[begin : data.find(b"\r\n", begin)].decode("utf-8", "surrogateescape")
            self._add(call_id, Passed(now, True, flow, data))

    def _add(self, call_id: str, passed: Passed) -> None:
        story = self._calls.get(call_id)
        if story is not None:
            self._size += story.add(passed)
            self._make_room()
            return
        story = self._others.get(call_id)
        if story is None:
            story = self._others[call_id] = Story(call_id)
        self._size_of_others += story.add(passed)
        while self._size_of_others > self._most // SHARE_OF_OTHERS and self._others:
            self._size_of_others -= self._others.popitem(last=False)[1].size

    def _make_room(self) -> None:
        while self._size > self._most and self._calls:
            call_id = next(iter(self._over), None) or next(iter(self._calls))
            self._forget(call_id)

    def _forget(self, call_id: str) -> None:
        story = self._calls.pop(call_id)
        self._over.pop(call_id, None)
        self._numbers.pop(story.number, None)
        self._size -= story.size

    # -------------------------------------------------------------- what is a call
    def follow(self, event: sip.Output) -> None:
        match event:
            case sip.CallArrived(call=call, request=request):
                self._name(call, request.call_id)
            case sip.CallRinging(call=call, response=response) | sip.CallAccepted(call=call, response=response):
                self._name(call, response.call_id)
            case sip.RelayBegan(number=number, request=request) if request.method == "INVITE":
                self._name(number, request.call_id)
            case sip.CallEnded(call=call):
                self._end(call)
            case sip.RelayEnded(number=number, status=status) if status >= 300:
                self._end(number)  # of others we do not see the end

    def _end(self, call: int) -> None:
        call_id = self._numbers.get(call)
        if call_id is not None:
            self._calls[call_id].is_over = True
            self._over[call_id] = None

    def _name(self, call: int, call_id: str) -> None:
        if call in self._numbers:
            return
        story = self._others.pop(call_id, None)
        if story is not None:
            self._size_of_others -= story.size
            known = self._calls.get(call_id)
            if known is not None:
                self._forget(call_id)
            story.number = call
            self._calls[call_id] = story
            self._numbers[call] = call_id
            self._size += story.size
            self._make_room()

    # -------------------------------------------------------------- what is asked
    def find(self, name: str) -> Story | None:
        """By our number of a call, or by a Call-ID."""
        if name.isascii() and name.isdigit() and int(name[:18]) in self._numbers:
            name = self._numbers[int(name[:18])]
        return self._calls.get(name) or self._others.get(name)

    def stories(self) -> list[Story]:
        """Of calls, the latest first."""
        return list(self._calls.values())[::-1]

    def describe(self) -> dict[str, int]:
        return {"calls kept": len(self._calls), "others": len(self._others), "bytes": self._size + self._size_of_others}
