"""Every command of the tables, by anybody, with anything in it: generated from their types, so that none is left out.

What must hold: a refused command changes nothing; who hears whom is what follows from how all are; what is open of
somebody is closed before he leaves; store and memory agree; nothing is left when all have gone.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
from typing import Any, get_args, get_origin, get_type_hints

import sqlite_utils
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rooms import commands as ask
from rooms import events as tell
from rooms import store
from rooms.errors import Refused
from rooms.hearing import hearing_of
from rooms.lifecycle import State
from rooms.manager import Rooms
from rooms.participant import SYSTEM, Actor, ParticipantIds, Presence, Role
from rooms.policy import RoomPolicy
from rooms.room import Room

ROOMS = ("alpha", "beta", "alpha-1", "gamma")
PEOPLE = st.one_of(st.integers(1, 9).map("p{}".format), st.sampled_from(["Ana", "bob", "nobody", ""]))
RULES = st.fixed_dictionaries(
    {},
    optional={
        "max_participants": st.integers(0, 6),
        "mute_on_entry": st.booleans(),
        "lecture": st.booleans(),
        "one_speaker": st.booleans(),
        "announce_hands": st.booleans(),
        "tell_muted": st.booleans(),
        "record_names": st.sampled_from(["none", "ask", "review"]),
    },
)
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "room": st.sampled_from(ROOMS),
    "to": st.one_of(st.sampled_from(ROOMS), PEOPLE),
    "participant": PEOPLE,
    "other": PEOPLE,
    "trainee": PEOPLE,
    "name": st.sampled_from(["", "Ana", "Bob"]),
    "names": st.lists(st.sampled_from(("red", "blue", "beta")), max_size=2).map(tuple),
    "assign": st.lists(st.sampled_from(("p1=red", "Ana=blue", "p2=alpha-1", "x")), max_size=2).map(tuple),
    "count": st.integers(0, 3),
    "uri": st.sampled_from(["", "sip:x@y"]),
    "sounds": st.lists(st.sampled_from(["prompt:welcome", "number:3", "\n"]), max_size=2).map(tuple),
    "rooms": st.lists(st.sampled_from(ROOMS), max_size=1).map(tuple),
    "attributes": st.lists(st.tuples(st.sampled_from(["a", "b"]), st.text(max_size=2)), max_size=2).map(tuple),
    "text": st.sampled_from(["", "hello"]),
    "digits": st.sampled_from(["", "1,#", "x"]),
    "digit": st.sampled_from("159*#"),
    "kind": st.sampled_from(["", "music"]),
    "cause": st.sampled_from(["hung up", "busy", "finished", "done"]),
    "status": st.sampled_from([0, 180, 486]),
    "profile": st.sampled_from(["", "nowhere"]),
}
"""What a field of that name may hold; all others are made by their types."""
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "names": st.just(()),
    "assign": st.just(()),
    "count": st.just(2),
    "uri": st.just("sip:x@y"),
    "sounds": st.just(("prompt:welcome",)),
    "text": st.just("hello"),
    "digits": st.just("1,#"),
    "profile": st.just(""),
    "rooms": st.just(()),
    "sidebar": st.just(0),
    "play": st.just(0),
    "room_db": st.just(-18.0),
    "countdown_s": st.sampled_from([0.0, 30.0]),
    "duration_ms": st.just(100),
    "gap_ms": st.just(60),
}
"""What is not refused for itself."""


def value_of(name: str, hint: Any, is_good: bool = False) -> st.SearchStrategy[Any]:
    if is_good and name in GOOD:
        return GOOD[name]
    if name in BY_NAME and not (isinstance(hint, type) and issubclass(hint, enum.Enum)):
        return BY_NAME[name]
    if get_origin(hint) is tuple:
        return st.lists(PEOPLE, max_size=3).map(tuple)
    kinds = [kind for kind in get_args(hint) if kind is not type(None)] or [hint]
    found = kinds[0]
    if isinstance(found, type) and issubclass(found, enum.Enum):
        return st.sampled_from(found)
    numbers = [-3.0, 0.0, 2.5] if is_good else [-50.0, -3.0, 0.0, 2.5, 1e9]
    simple = {bool: st.booleans(), int: st.integers(-1, 40), float: st.sampled_from(numbers)}
    made = simple.get(found, PEOPLE)
    return made if len(kinds) == len(get_args(hint) or [hint]) else st.none() | made


def of(kind: type[ask.Command], is_good: bool = False) -> st.SearchStrategy[ask.Command]:
    """Any command of one kind."""
    if kind.spreads:
        return st.builds(lambda room, rules: kind(room, rules=rules), BY_NAME["room"], RULES)
    hints = get_type_hints(kind)
    fields = {each.name: value_of(each.name, hints[each.name], is_good) for each in dataclasses.fields(kind)}
    return st.builds(kind, **fields)


OFFERED = st.one_of(*map(of, ask.COMMANDS))
OF_CALLS = st.one_of(*map(of, ask.INTERNAL))
_ENDS = (ask.End, ask.RemoveRoom, ask.Kick, ask.Reserve, ask.Release)
LIKELY = st.one_of(*(of(kind, True) for kind in (*ask.COMMANDS, *ask.INTERNAL) if kind not in _ENDS))
"""With good chances, and after which there is still somebody to ask about."""
_MOVES = (
    ask.Move,
    ask.MoveAll,
    ask.Merge,
    ask.OpenBreakouts,
    ask.CloseBreakouts,
    ask.Whisper,
    ask.OpenSidebar,
    ask.GiveFloor,
    ask.BroadcastVoice,
)
MOVES = st.one_of(*(of(kind, True) for kind in _MOVES))
ACTORS = st.one_of(
    st.just(SYSTEM),
    st.builds(Actor, st.just("script"), st.sampled_from(Role)),
    st.builds(Actor, st.just("caller"), st.sampled_from(Role), st.integers(1, 9).map("p{}".format)),
)


def plain(value: object, seen: frozenset[int] = frozenset()) -> object:
    """All that an object of the rooms holds, as plain data that can be compared."""
    if isinstance(value, str | int | float | bool | None | enum.Enum) or callable(value):
        return value if not callable(value) else "callable"
    if id(value) in seen:
        return "again"
    seen |= {id(value)}
    if isinstance(value, dict):
        return {str(plain(key, seen)): plain(each, seen) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, seen) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(str(plain(each, seen)) for each in value)
    names = [*getattr(value, "__dict__", {}), *(name for kind in type(value).__mro__ for name in slots_of(kind))]
    return {name: plain(getattr(value, name), seen) for name in names if hasattr(value, name) and name != "profiles"}


def slots_of(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


BEGINS = {
    tell.HandRaised: "hand",
    tell.FloorGiven: "floor",
    tell.WhisperBegan: "whisper",
    tell.Transferring: "transfer",
    tell.NameAsked: "name",
    tell.BroadcastBegan: "broadcast",
}
ENDS = {
    tell.HandLowered: "hand",
    tell.FloorTaken: "floor",
    tell.WhisperEnded: "whisper",
    tell.TransferEnded: "transfer",
    tell.NameEnded: "name",
    tell.BroadcastEnded: "broadcast",
}


class Explorer(RuleBasedStateMachine):
    """Puts commands to rooms, and their events to a store."""

    @initialize(on_demand=st.sampled_from([True, True, False]), most=st.integers(2, 5), one_speaker=st.booleans())
    def open(self, on_demand: bool, most: int, one_speaker: bool) -> None:
        self.ids = ParticipantIds()
        self.rooms = Rooms(self.ids, on_demand=on_demand, policy=RoomPolicy(max_participants=most), most_rooms=6)
        self.db = sqlite_utils.Database(memory=True)
        store.migrate(self.db)
        self.now = 1000.0
        self.hearing: dict[str, object] = {}
        self.open_of: dict[tuple[str, str], set[tuple[str, object]]] = {}
        self.do(ask.CreateRoom("alpha", rules={"max_participants": 6, "one_speaker": one_speaker}), SYSTEM)
        for name, who in (("alpha", "Ana"), ("alpha", "Bob"), ("alpha", "Carl"), ("beta", "Dora")):
            self.calls(name, who, role=Role.MODERATOR if who == "Carl" else Role.PARTICIPANT)

    def do(self, command: ask.Command, by: Actor) -> None:
        self.now += 0.5
        before, last = plain(list(self.rooms)), self.ids.last
        try:
            events = self.rooms.handle(command, by, self.now)
        except Refused as refusal:
            assert refusal.reason
            assert plain(list(self.rooms)) == before, f"{command} was refused, and has changed something"
            assert self.ids.last == last
            return
        self.follow(events)

    def follow(self, events: list[tell.Event]) -> None:
        store.apply(self.db, events)
        for event in events:
            if isinstance(event, tell.HearingChanged):
                self.hearing[event.room] = event.hearing
            self.note_open(event)

    def note_open(self, event: tell.Event) -> None:
        """What begins of somebody must end before he has left."""
        who = getattr(event, "participant", None)
        mine = self.open_of.setdefault((event.room, str(who)), set())
        match event:
            case tell.TalkingChanged():
                (mine.add if event.talking else mine.discard)(("talking", 0))
            case tell.PlayStarted() if event.participant:
                mine.add(("play", event.play))
            case tell.PlayEnded() if event.participant:
                mine.discard(("play", event.play))
            case tell.SidebarOpened():
                for each in event.participants:
                    self.open_of.setdefault((event.room, each), set()).add(("sidebar", event.sidebar))
            case tell.SidebarLeft():
                mine.discard(("sidebar", event.sidebar))
            case tell.SidebarClosed():
                for each in self.open_of.values():
                    each.discard(("sidebar", event.sidebar))
            case tell.ParticipantLeft():
                assert not mine, f"{who} has left {event.room} with {mine}"
            case _ if type(event) in BEGINS:
                mine.add((BEGINS[type(event)], 0))
            case _ if type(event) in ENDS:
                mine.discard((ENDS[type(event)], 0))

    @rule(command=OFFERED, by=ACTORS)
    def somebody_asks(self, command: ask.Command, by: Actor) -> None:
        self.do(command, by)

    @rule(command=OF_CALLS, by=st.one_of(st.just(SYSTEM), ACTORS))
    def calls_say(self, command: ask.Command, by: Actor) -> None:
        self.do(command, by)

    @rule(command=LIKELY, which=st.integers(0, 8), other=st.integers(0, 8), where=st.sampled_from(ROOMS))
    def about_people_who_are_there(self, command: ask.Command, which: int, other: int, where: str) -> None:
        self.about_one_who_is_there(command, which, other, where)

    def about_one_who_is_there(self, command: ask.Command, which: int, other: int, where: str) -> None:
        people = [(room, person) for room in self.rooms for person in room.present]
        if not people:
            return
        room, person = people[which % len(people)]
        mate = room.present[other % len(room.present)].id
        names = {each.name for each in dataclasses.fields(command)}
        said = {
            "participant": person.id,
            "other": mate,
            "trainee": mate,
            "participants": (person.id, mate),
            "but": (mate,),
        }
        said["to"] = mate if "to" in command.people else where
        given = {name: value for name, value in said.items() if name in names}
        self.do(dataclasses.replace(command, room=room.name, **given), SYSTEM)

    @rule(command=MOVES, which=st.integers(0, 8), other=st.integers(0, 8), where=st.sampled_from(ROOMS))
    def people_go_about(self, command: ask.Command, which: int, other: int, where: str) -> None:
        self.about_one_who_is_there(command, which, other, where)

    @rule(talking=st.booleans())
    def all_talk_or_fall_silent(self, talking: bool) -> None:
        for room in list(self.rooms):
            for person in room.present:
                self.do(ask.NoteTalking(room.name, person.id, talking), SYSTEM)

    @rule(
        name=st.sampled_from(ROOMS),
        who=st.sampled_from(["Ana", "Bob"]),
        role=st.sampled_from([Role.PARTICIPANT, Role.MODERATOR]),
    )
    def calls(self, name: str, who: str, role: Role) -> None:
        self.do(ask.Reserve(name, who, f"sip:{who}@h", "h:1"), SYSTEM)
        room = self.rooms.find(name)
        for person in [each for each in (room.places.values() if room else ()) if each.presence is Presence.RESERVED][
            -1:
        ]:
            person.role = role
            self.do(ask.Arrive(name, person.id), SYSTEM)

    @rule(seconds=st.sampled_from([1.0, 40.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.follow(self.rooms.fire(self.now))
        due = self.rooms.next_deadline()
        assert due is None or due > self.now

    @rule()
    def all_go(self) -> None:
        for _ in range(3):
            for room in list(self.rooms):
                for participant in list(room.places):
                    self.do(ask.Leave(room.name, participant), SYSTEM)
        for room in self.rooms:
            assert room.persistent or room.lists, f"{room.name} is left"
            assert room.state is State.EMPTY and not room.places and not room.ties.breakouts and not room.ties.successor
            assert not room.abroad and not (room.links.lines or room.links.sidebars or room.links.unheard)
            assert not (room.assembly.hands or room.assembly.floor or room.assembly.lecture) and not room.plays
        assert self.rooms.heads() == [] and not any(self.open_of.values())
        assert all(not hearing.listeners for hearing in self.hearing.values())  # type: ignore[attr-defined]
        assert self.db.execute("SELECT COUNT(*) FROM participations WHERE left_at IS NULL").fetchone() == (0,)

    @invariant()
    def hearing_follows_from_how_all_are(self) -> None:
        for room in getattr(self, "rooms", ()):
            guests = self.guests_of(room)
            hearing = hearing_of(room.present, room.waiting, room.links, room.speakers, guests)
            assert room.hearing == room.forwards.add_to(hearing)
            assert room.hearing == self.hearing.get(room.name, room.hearing)
            people = {person.id for person in room.present} | {who for who, _ in guests}
            for one in room.hearing.listeners:
                heard = dict(room.hearing.mixes[one.mix].sources) | dict(one.exceptions)
                assert heard.keys() <= people and one.mix < len(room.hearing.mixes)
                assert one.listener not in dict(one.exceptions)

    def guests_of(self, room: Room) -> tuple[tuple[str, str], ...]:
        """Who is heard there from other rooms, by how these are."""
        found = []
        for home in self.rooms:
            for who, to in home.abroad.speaking.items():
                heard = who in dict(home.hearing.mixes[1].sources)
                if heard and room is not home and room.name in (to or self.rooms.family(home.name)) and room.present:
                    found.append((who, home.name))
        assert {who for who, _ in found} == {who for who, guest in room.abroad.guests.items() if guest.is_heard}
        return tuple(sorted(found))

    @invariant()
    def who_talks_is_heard(self) -> None:
        for room in getattr(self, "rooms", ()):
            heard = {who for who, gain in room.hearing.mixes[1].sources if gain}
            assert {p.id for p in room.present if p.talking} == {
                p.id for p in room.present if p.voice and p.id in heard
            }

    @invariant()
    def store_and_memory_agree(self) -> None:
        if not hasattr(self, "rooms"):
            return
        kept = {room.name: (room.said, room.profile) for room in store.load_rooms(self.db)}
        assert kept == {room.name: (room.said, room.profile) for room in self.rooms if room.persistent}
        rows = self.db.query(
            "SELECT room, participant FROM participations WHERE left_at IS NULL AND arrived_at NOT NULL"
        )
        assert {(row["room"], row["participant"]) for row in rows} == {
            (room.name, person.id) for room in self.rooms for person in room.present
        }

    @invariant()
    def everybody_is_in_one_room(self) -> None:
        people = [person.id for room in getattr(self, "rooms", ()) for person in room.places.values()]
        assert len(people) == len(set(people))


def test_no_command_is_left_out() -> None:
    for kind in (*ask.COMMANDS, *ask.INTERNAL):
        assert inspect.isclass(kind) and of(kind) is not None


TestExplorer = Explorer.TestCase
TestExplorer.settings = settings(max_examples=15, stateful_step_count=40, deadline=None)
