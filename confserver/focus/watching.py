"""Who watches a room: the conference event package (RFC 4575) as notifier.

::

    SUBSCRIBE -> may he? the room is there? he reads our documents? -> Grant -> the stack asks for a document each time
    what happens in a room -> its roster is written anew, once for all -> Notify to each -> at most one a second
    the room is no more -> terminated;reason=noresource       a member has left -> terminated;reason=rejected

The stack paces, repeats and orders (``sip.subscription``); here is what is said, and to whom.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from confserver.focus import conference_info as info
from confserver.focus.admission import Admission
from confserver.focus.answers import NoAnswer, warning
from confserver.focus.legs import Leg, Stage
from confserver.focus.members import member_of
from confserver.focus.outputs import Respond
from confserver.focus.requests import Requests
from confserver.focus.roster import Roster
from confserver.focus.scene import Scene
from confserver.sip.events import event_of
from confserver.sip.flow import Flow
from confserver.sip.message import Request
from confserver.sip.outputs import RequestArrived, RequestInCall
from confserver.sip.subscription import Content
from rooms import events as tell
from rooms.participant import ParticipantId
from rooms.room import Room

PACKAGE = "conference"
MOST_S = 3600
"""RFC 4575 3.4."""
PACE_S = 1.0
"""RFC 4575 3.10: one a second at most."""

BACK_S = 30
"""Seconds after which watchers of a server that has stopped may try again."""

Watchers = Literal["nobody", "members", "inside"]

SEEN = (
    tell.RoomCreated, tell.RoomChanged, tell.RoomLocked, tell.RoomUnlocked, tell.RecordingStarted, tell.RecordingPaused,
    tell.RecordingResumed, tell.RecordingEnded, tell.RecordingFailed, tell.Dialled, tell.DialRinging,
    tell.PlaceReleased, tell.ParticipantArrived, tell.ParticipantLeft, tell.ParticipantReplaced, tell.ParticipantMuted,
    tell.ParticipantUnmuted, tell.ParticipantDeafened, tell.ParticipantUndeafened, tell.ParticipantHeld,
    tell.ParticipantResumed, tell.HeldByHost, tell.ReleasedByHost, tell.GainChanged, tell.ParticipantPlaced,
    tell.RoleChanged, tell.HandRaised, tell.HandLowered, tell.FloorGiven, tell.FloorTaken, tell.LectureStarted,
    tell.LectureEnded, tell.WhisperBegan, tell.WhisperEnded, tell.SidebarOpened, tell.SidebarLeft, tell.SidebarClosed,
    tell.ParticipantWaits, tell.WaitEnded, tell.BreakoutsOpened, tell.BreakoutsClosed, tell.BroadcastBegan,
    tell.BroadcastEnded,
)  # fmt: skip
"""What a document may show. Who only has a place is not for the others' eyes (``PlaceReserved``)."""


@dataclass(slots=True)
class Watcher:
    """One subscription."""

    number: int
    room: str
    entity: str
    """The room's URI, as it was asked for."""
    member: ParticipantId = ""
    """Who may watch for he is in the room; "" for who may anyhow."""
    version: int = 0
    heard: int = -1
    """The turn of the roster that he was told last."""
    owed: dict[str, None] = field(default_factory=dict)
    """Of whom he has not been told yet, by entity, in order."""
    is_over: bool = False
    """He is told no more."""


class Watching:
    """All watchers of all rooms."""

    def __init__(self, scene: Scene, requests: Requests, admission: Admission, who: Watchers = "inside") -> None:
        self._scene = scene
        self._requests = requests
        self._admission = admission
        self._who: Watchers = who
        self._watchers: dict[str, dict[int, Watcher]] = {}
        """By room."""
        self._rosters: dict[str, Roster] = {}
        """Of rooms that are watched."""
        requests.outside["SUBSCRIBE"] = self._asked
        requests.in_call["SUBSCRIBE"] = self._asked_in_call
        scene.followers.append(self.follow)

    def __len__(self) -> int:
        return sum(map(len, self._watchers.values()))

    # ------------------------------------------------------------------ who may
    def _asked(self, event: RequestArrived, now: float) -> None:
        try:
            room = self._admission.room_of(event.request, event.flow)
            member = member_of(self._scene, room, event.request, event.flow)
            self._admit(event.transaction, room, event.request, event.flow, member)
        except NoAnswer as no:
            self._scene.say(Respond(event.transaction, no.status, no.reason, no.headers))

    def _asked_in_call(self, event: RequestInCall, now: float) -> None:
        """The phone watches the room that it is in, by the call's own dialog (RFC 6665 4.5.2: older phones do)."""
        leg = self._scene.legs.by_call.get(event.call)
        try:
            if leg is None or leg.stage is not Stage.PRESENT:
                raise NoAnswer(480, "", (warning(399, "the call is not up"),))
            self._admit(event.transaction, leg.room, event.request, event.flow, leg)
        except NoAnswer as no:
            self._scene.say(Respond(event.transaction, no.status, no.reason, no.headers))

    def _is_inside(self, flow: Flow) -> bool:
        return self._who == "inside" and self._scene.guard.is_inside(flow.remote[0])

    def _may(self, flow: Flow, member: Leg | None) -> bool:
        return self._is_inside(flow) or (member is not None and self._who != "nobody")

    def _admit(self, transaction: int, room: str, request: Request, flow: Flow, member: Leg | None) -> None:
        """Raises NoAnswer."""
        event = event_of(request)
        if event is None or event.package != PACKAGE:
            raise NoAnswer(489, "", (("Allow-Events", PACKAGE),))
        is_inside = self._is_inside(flow)
        if not self._may(flow, member):
            raise NoAnswer(403, "", (warning(399, "only those in the room may watch it"),))
        if room not in self._scene.rooms:
            raise NoAnswer(404, "", (warning(399, f"there is no room {room}"),))
        if not reads(request, info.TYPE):
            raise NoAnswer(406, "", (("Accept", info.TYPE),))
        name = self._scene.rooms.get(room).name
        who = "" if is_inside or member is None else member.participant
        watcher = Watcher(transaction, name, _entity(request), who)
        self._watchers.setdefault(name, {})[transaction] = watcher
        self._rosters.setdefault(name, Roster())
        ended = partial(self._ended, watcher)
        self._requests.grant(transaction, partial(self._compose, watcher), ended, most_s=MOST_S, pace_s=PACE_S)

    # ------------------------------------------------------------------ what is said
    def _compose(self, watcher: Watcher, is_all: bool) -> Content | None:
        """The next document of one subscription."""
        room = self._scene.rooms.get(watcher.room) if watcher.room in self._scene.rooms else None
        roster = self._rosters.get(watcher.room)
        if room is None or roster is None or watcher.is_over:
            return None
        roster.write(room)
        return _next_document(watcher, room, roster, is_full=is_all or watcher.heard < 0)

    def seen_once(self, name: str, request: Request, flow: Flow) -> Content | None:
        """How a room stands, for who asks but does not watch; None where he may not, or there is none."""
        if name not in self._scene.rooms or not self._may(flow, member_of(self._scene, name, request, flow)):
            return None
        room, roster = self._scene.rooms.get(name), self._rosters.get(name) or Roster()
        roster.write(room)
        return _next_document(Watcher(0, name, _entity(request)), room, roster, is_full=True)

    def follow(self, event: tell.Event) -> None:
        """What happens in the rooms."""
        watchers = list(self._watchers.get(event.room, {}).values())
        if not watchers:
            return
        if event.room not in self._scene.rooms:
            self._end(watchers, "noresource")  # RFC 6665 4.1.3
            return
        self._rosters[event.room].note(event)
        if isinstance(event, tell.ParticipantLeft):
            self._end([each for each in watchers if each.member == event.participant], "rejected")
        if isinstance(event, SEEN):
            for each in watchers:
                self._requests.notify(each.number)
            self._rosters[event.room].forget(min(each.heard for each in watchers))

    def _end(self, watchers: list[Watcher], reason: str, retry_after: int | None = None) -> None:
        for watcher in watchers:
            if not watcher.is_over:
                watcher.is_over = True
                self._requests.end(watcher.number, reason, retry_after)

    def _ended(self, watcher: Watcher, cause: str, now: float) -> None:
        watchers = self._watchers.get(watcher.room, {})
        watchers.pop(watcher.number, None)
        if not watchers:
            self._watchers.pop(watcher.room, None)
            self._rosters.pop(watcher.room, None)

    def close(self) -> None:
        """The server stops: they may try again when it may be back (RFC 6665 4.1.3)."""
        for watchers in self._watchers.values():
            self._end(list(watchers.values()), "probation", BACK_S)


def _next_document(watcher: Watcher, room: Room, roster: Roster, *, is_full: bool) -> Content | None:
    """What one watcher is told; None where nothing has changed for him."""
    if is_full:
        watcher.heard, watcher.owed = -1, dict.fromkeys(roster.users)
    else:
        watcher.owed.update(dict.fromkeys(roster.changed(watcher.heard)))
    heard = watcher.heard
    parts, people = roster.head(heard), roster.page(watcher.owed)
    watcher.heard = roster.turn
    if people or is_full:
        parts.append(info.users(people, is_full=is_full and not watcher.owed))
    parts += roster.tail(heard)
    if not parts:
        return None
    watcher.version += 1
    stamp = info.Stamp(watcher.version, room.number, int((room.created_at or 0) * 1000))
    return Content(info.document(watcher.entity, stamp, is_full=is_full, parts=parts), info.TYPE, bool(watcher.owed))


def _entity(request: Request) -> str:
    """The conference's URI, as it was asked for."""
    return str(request.uri.replace(params=()))


def reads(request: Request, kind: str) -> bool:
    """Whether Accept takes it (RFC 3261 20.1); without one a subscriber reads what the package has (RFC 4575 3.5)."""
    accepted = [value.partition(";")[0].strip().lower() for value in request.headers.get_all("Accept")]
    return not accepted or any(each in (kind, "*/*", "application/*") for each in accepted)
