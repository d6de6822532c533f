"""A meeting while it lasts: events come in, statements for the store go out.

What a person comes to (talk time, mutes, what was wrong with the sound) is counted in memory and written when he
leaves, and at each checkpoint, so that a crash loses no more than the time since the last one. Nothing here waits for
the disk.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rooms import events as tell
from rooms.participant import Participant, ParticipantId
from rooms.records.figures import COLUMNS, Figures
from rooms.records.spans import Spans
from rooms.records.statement import Record

EVERYBODY_LEFT = "everybody has left"
MOST_RECORDINGS = 100
"""Of one meeting, by name."""
MOST_FINDINGS = 50
"""Of one person in one meeting."""
Look = Callable[[str, ParticipantId], Participant | None]
"""Room and id, to who is there."""

_LAST = "WHERE id = (SELECT MAX(id) FROM participations WHERE participant = :participant AND room = :room)"
_OPEN = "INSERT INTO meetings (id, room, opened_at) VALUES (:meeting, :room, :opened_at)"
_COUNT = (
    "UPDATE meetings SET most_present = :most, people = :people, recordings = :recordings WHERE id = :meeting"
)  # fmt: skip
_CLOSE = "UPDATE meetings SET closed_at = :at, cause = :cause WHERE id = :meeting"
_CAME = (
    "UPDATE participations SET meeting = :meeting, role = :role, user = :user, agent = :agent, dialled = :dialled"
    f" {_LAST}"
)
_WENT = (
    "UPDATE participations SET kicked_by = :kicked_by, role = :role, talk_s = :talk_s, talks = :talks,"
    f" muted_s = :muted_s, recording = :recording, spurts = :spurts, mutes = :mutes, quality = :quality {_LAST}"
)
_MEASURED = f"UPDATE participations SET {', '.join(f'{name} = :{name}' for name in COLUMNS)} {_LAST}"


Share = tuple[int, int]
EVERYBODY: Share = (0, 1)


def is_in(share: Share, participant: ParticipantId) -> bool:
    """Whether somebody is in the first, second ... of so many shares."""
    part, parts = share
    return parts == 1 or hash(participant) % parts == part


@dataclass(slots=True)
class Account:
    """Of one person, since he came in."""

    participant: ParticipantId
    arrived_at: float
    role: str = "participant"
    talk: Spans = field(default_factory=Spans)
    muted: Spans = field(default_factory=Spans)
    causes: frozenset[Any] = frozenset()
    """Of his mute, as long as there is one."""
    kicked_by: str = ""
    recordings: list[str] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    """What was wrong with the sound, in the words of the events, with its first and last time."""

    written: tuple[object, ...] = ()
    """What of it a checkpoint has seen."""

    def has_changed(self) -> bool:
        """Since the last checkpoint; somebody who talks or is muted changes all the time."""
        seen = (self.talk.count, self.muted.count, self.role, self.kicked_by, *self.recordings)
        seen += tuple(finding["until"] for finding in self.findings)
        is_open = self.talk.since is not None or self.muted.since is not None
        before, self.written = self.written, ("open",) if is_open else seen
        return is_open or seen != before

    def values(self, now: float) -> dict[str, Any]:
        return {
            "participant": self.participant,
            "kicked_by": self.kicked_by,
            "role": self.role,
            "talk_s": round(self.talk.total_s(now), 1),
            "talks": self.talk.count,
            "muted_s": round(self.muted.total_s(now), 1),
            "recording": " ".join(self.recordings),
            "spurts": json.dumps(self.talk.packed(self.arrived_at, now), separators=(",", ":")),
            "mutes": json.dumps(self.muted.packed(self.arrived_at, now), separators=(",", ":")),
            "quality": json.dumps(self.findings, separators=(",", ":")),
        }


@dataclass(slots=True)
class Meeting:
    """``number`` is 0 until somebody has come."""

    opened_at: float
    number: int = 0
    most: int = 0
    people: int = 0
    cause: str = ""
    running: str = ""
    """The recording that is being made, by name."""
    recordings: list[str] = field(default_factory=list)
    accounts: dict[ParticipantId, Account] = field(default_factory=dict)


class Ledger:
    """All meetings that last."""

    def __init__(self, look: Look, last: int = 0) -> None:
        """``last``: the number of the last meeting on record."""
        self._look = look
        self._last = last
        self._meetings: dict[str, Meeting] = {}

    def number_of(self, room: str) -> int | None:
        """Of the meeting that goes on in a room."""
        meeting = self._meetings.get(room)
        return meeting.number or None if meeting else None

    def follow(self, events: Iterable[tell.Event]) -> list[Record]:
        """What is to be written because of these."""
        records: list[Record] = []
        for event in events:
            handler = _HANDLERS.get(type(event))
            if handler is not None:
                records += handler(self, event)
        return records

    # ------------------------------------------------------------------ the meeting
    def _opened(self, event: tell.RoomOpened) -> list[Record]:
        self._meetings[event.room] = Meeting(event.at)
        return []

    def _ending(self, event: tell.RoomEnding) -> list[Record]:
        meeting = self._meetings.get(event.room)
        if meeting:
            meeting.cause = getattr(event, "cause", "") or f"ended by {event.by}"
        return []

    def _closed(self, event: tell.RoomClosed) -> list[Record]:
        meeting = self._meetings.pop(event.room, None)
        if meeting is None or not meeting.number:
            return []
        values = {"meeting": meeting.number, "at": event.at, "cause": meeting.cause or EVERYBODY_LEFT}
        return [self._count(meeting, event.at), Record(_CLOSE, values)]

    def _count(self, meeting: Meeting, at: float) -> Record:
        values = {"meeting": meeting.number, "most": meeting.most, "people": meeting.people, "at": at}
        return Record(_COUNT, values | {"recordings": json.dumps(meeting.recordings)})

    # ------------------------------------------------------------------ people
    def _came(self, event: tell.ParticipantArrived) -> list[Record]:
        records: list[Record] = []
        meeting = self._meetings.setdefault(event.room, Meeting(event.at))
        if not meeting.number:
            self._last += 1
            meeting.number = self._last
            opened = {"meeting": meeting.number, "room": event.room, "opened_at": meeting.opened_at, "at": event.at}
            records.append(Record(_OPEN, opened))
        account = meeting.accounts[event.participant] = Account(event.participant, event.at)
        account.recordings = [meeting.running] if meeting.running else []
        meeting.people += 1
        meeting.most = max(meeting.most, len(meeting.accounts))
        person = self._look(event.room, event.participant)
        if person:
            account.role = person.role.name.lower()
        values = {
            "meeting": meeting.number, "participant": event.participant, "room": event.room, "role": account.role,
            "user": person.user if person else "", "agent": person.agent if person else "",
            "dialled": bool(person and person.dialled), "at": event.at,
        }  # fmt: skip
        return [*records, Record(_CAME, values), self._count(meeting, event.at)]

    def _left(self, event: tell.ParticipantLeft) -> list[Record]:
        meeting = self._meetings.get(event.room)
        account = meeting.accounts.pop(event.participant, None) if meeting else None
        if account is None:
            return []
        for spans in (account.talk, account.muted):
            spans.end(event.at)
        return [Record(_WENT, account.values(event.at) | {"room": event.room, "at": event.at})]

    def _kicked(self, event: tell.ParticipantKicked) -> list[Record]:
        account = self._account(event.room, event.participant)
        if account:
            account.kicked_by = event.by if event.cause == "kicked" else ""
        return []

    def _talking(self, event: tell.TalkingChanged) -> list[Record]:
        account = self._account(event.room, event.participant)
        if account:
            (account.talk.begin if event.talking else account.talk.end)(event.at)
        return []

    def _muted(self, event: tell.ParticipantMuted) -> list[Record]:
        account = self._account(event.room, event.participant)
        if account:
            account.causes |= {event.cause}
            account.muted.begin(event.at)
        return []

    def _unmuted(self, event: tell.ParticipantUnmuted) -> list[Record]:
        account = self._account(event.room, event.participant)
        if account:
            account.causes -= {event.cause}
            if not account.causes:
                account.muted.end(event.at)
        return []

    def _role_changed(self, event: tell.RoleChanged) -> list[Record]:
        account = self._account(event.room, event.participant)
        if account:
            account.role = event.role.name.lower()
        return []

    def _quality(self, event: tell.QualityChanged) -> list[Record]:
        account = self._account(event.room, event.participant)
        if account is None:
            return []
        if event.is_wrong and len(account.findings) < MOST_FINDINGS:
            told = {"kind": event.kind, "way": event.way, "side": event.side, "text": event.text}
            account.findings.append(told | {"advice": event.advice, "since": event.since, "until": None})
        elif not event.is_wrong:
            for finding in account.findings:
                if finding["kind"] == event.kind and finding["until"] is None:
                    finding["until"] = event.at
        return []

    def _account(self, room: str, participant: ParticipantId) -> Account | None:
        meeting = self._meetings.get(room)
        return meeting.accounts.get(participant) if meeting else None

    # ------------------------------------------------------------------ what the focus says
    def measured(self, room: str, participant: ParticipantId, figures: Figures, at: float) -> Record:
        """The media of a call have come to this so far; also after the participant has left."""
        return Record(_MEASURED, figures.values() | {"room": room, "participant": participant, "at": at})

    def recorded(self, room: str, name: str, at: float) -> list[Record]:
        """A recording of the room has got its name; "": it has ended."""
        meeting = self._meetings.get(room)
        if meeting is None:
            return []
        meeting.running = name
        if not name or name in meeting.recordings:
            return []
        meeting.recordings = [*meeting.recordings, name][-MOST_RECORDINGS:]
        for account in meeting.accounts.values():
            account.recordings = [*account.recordings, name][-MOST_RECORDINGS:]
        return [self._count(meeting, at)] if meeting.number else []

    def checkpoint(
        self, now: float, figures: Mapping[tuple[str, ParticipantId], Figures], share: Share = EVERYBODY
    ) -> list[Record]:
        """All that is open and has changed since the last time, as it is now; of a share of the people."""
        records = []
        for room, meeting in self._meetings.items():
            for account in meeting.accounts.values():
                if is_in(share, account.participant) and account.has_changed():
                    account.role = self._role(room, account)
                    records.append(Record(_WENT, account.values(now) | {"room": room, "at": now}))
        return [*records, *(self.measured(room, who, each, now) for (room, who), each in figures.items())]

    def _role(self, room: str, account: Account) -> str:
        person = self._look(room, account.participant)
        return person.role.name.lower() if person else account.role


_HANDLERS: dict[type[tell.Event], Callable[[Ledger, Any], list[Record]]] = {
    tell.RoomOpened: Ledger._opened,
    tell.RoomEnding: Ledger._ending,
    tell.RoomClosed: Ledger._closed,
    tell.ParticipantArrived: Ledger._came,
    tell.ParticipantLeft: Ledger._left,
    tell.ParticipantKicked: Ledger._kicked,
    tell.TalkingChanged: Ledger._talking,
    tell.ParticipantMuted: Ledger._muted,
    tell.ParticipantUnmuted: Ledger._unmuted,
    tell.QualityChanged: Ledger._quality,
    tell.RoleChanged: Ledger._role_changed,
}
