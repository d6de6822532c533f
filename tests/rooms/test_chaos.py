"""Anything, by anybody, in any order: what must hold all the same."""

import copy
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Refused
from rooms.hearing import ROOM, SILENCE
from rooms.lifecycle import State
from rooms.manager import Rooms
from rooms.participant import SYSTEM, Actor, MuteCause, ParticipantIds, Presence, Role
from rooms.policy import RoomPolicy

ROOMS = ("alpha", "beta")
TARGETS = st.one_of(st.integers(1, 6).map("p{}".format), st.sampled_from(["Ana", "bob", "nobody"]))
MODERATION = st.one_of(
    *(st.builds(kind, st.sampled_from(ROOMS), TARGETS, st.sampled_from(MuteCause)) for kind in (ask.Mute, ask.Unmute)),
    *(st.builds(kind, st.sampled_from(ROOMS), TARGETS) for kind in (ask.Deafen, ask.Undeafen, ask.Kick)),
    st.builds(ask.Transfer, st.sampled_from(ROOMS), TARGETS, st.sampled_from(["", "sip:x@y"])),
    st.builds(ask.SendText, st.sampled_from(ROOMS), st.sampled_from(["", "hello"]), TARGETS | st.just("")),
)
ADMINISTRATION = st.one_of(
    st.builds(ask.CreateRoom, st.sampled_from(ROOMS), max_participants=st.integers(0, 4), mute_on_entry=st.booleans()),
    *(st.builds(kind, st.sampled_from(ROOMS)) for kind in (ask.RemoveRoom, ask.Lock, ask.Unlock, ask.End)),
    st.builds(ask.Dial, st.sampled_from(ROOMS), st.sampled_from(["", "sip:x@y"]), st.just("Ana")),
)
CALLS = st.one_of(
    st.builds(ask.NoteTalking, st.sampled_from(ROOMS), TARGETS, st.booleans()),
    st.builds(ask.SendDigits, st.sampled_from(ROOMS), TARGETS, st.sampled_from(["", "1,#", "x"])),
    st.builds(ask.NoteDigit, st.sampled_from(ROOMS), TARGETS, st.sampled_from("1#"), st.just(100)),
    st.builds(ask.NoteDominant, st.sampled_from(ROOMS), TARGETS | st.just("")),
    st.builds(ask.NoteNoise, st.sampled_from(ROOMS), TARGETS, st.sampled_from(["", "music"]), st.booleans()),
    *(
        st.builds(kind, st.sampled_from(ROOMS), TARGETS)
        for kind in (ask.Release, ask.Arrive, ask.Leave, ask.Hold, ask.Resume)
    ),
    st.builds(ask.NoteRinging, st.sampled_from(ROOMS), TARGETS, st.sampled_from([180, 183])),
    st.builds(ask.NoteRedirected, st.sampled_from(ROOMS), TARGETS, st.just("sip:x@y")),
    st.builds(ask.NoteDialFailed, st.sampled_from(ROOMS), TARGETS, st.just("busy")),
    st.builds(ask.NoteReplaced, st.sampled_from(ROOMS), TARGETS, st.just("sip:x@y"), st.just("10.0.0.9:5060")),
    st.builds(ask.NoteTransferred, st.sampled_from(ROOMS), TARGETS, st.just("done")),
    st.builds(ask.NoteText, st.sampled_from(ROOMS), st.sampled_from(["", "hello"]), TARGETS | st.just("")),
)
ACTORS = st.one_of(
    st.just(SYSTEM),
    st.builds(Actor, st.just("script"), st.sampled_from(Role)),
    st.builds(Actor, st.just("caller"), st.just(Role.PARTICIPANT), st.integers(1, 6).map("p{}".format)),
)


class Chaos(RuleBasedStateMachine):
    """Keeps, from events alone, what it believes of each room, and compares."""

    @initialize(muted=st.booleans(), on_demand=st.sampled_from([True, True, False]), most=st.integers(1, 3))
    def open(self, muted: bool, on_demand: bool, most: int) -> None:
        self.rooms = Rooms(ParticipantIds(), on_demand=on_demand, policy=RoomPolicy(most, muted))
        self.now = 0.0
        self.numbers: dict[str, int] = {}
        self.open_rooms: set[str] = set()
        self.talking: set[str] = set()
        self.inside: set[str] = set()
        self.reserved: set[str] = set()
        self.locked: set[str] = set()
        self.hearing: dict[str, object] = {}
        self.do(ask.CreateRoom(ROOMS[0], max_participants=most + 1, mute_on_entry=muted), SYSTEM)
        for who in ("Ana", "Bob"):
            self.somebody_calls(ROOMS[0], who, True)

    def do(self, command: ask.Command, by: Actor) -> None:
        self.now += 1.0
        before = copy.deepcopy(self.snapshot())
        hearing = {room.name: room.hearing for room in self.rooms}
        try:
            events = self.rooms.handle(command, by, self.now)
        except Refused as refusal:
            assert refusal.reason
            assert self.snapshot() == before
            return
        if not events and not isinstance(command, ask.NoteTalking | ask.Hold | ask.Resume):
            assert self.snapshot() == before
        self.check_hearing(command.room, hearing.get(command.room), events)
        for event in events:
            self.follow(event)

    def snapshot(self) -> list:
        return [
            (room.name, room.number, room.state, room.locked, room.policy, room.persistent, room.hearing, room.places)
            for room in self.rooms
        ]

    def check_hearing(self, name: str, before: object, events: list[tell.Event]) -> None:
        told = [event for event in events if isinstance(event, tell.HearingChanged)]
        assert len(told) <= 1 and (not told or events[-1] is told[0])
        room = next((room for room in self.rooms if room.name == name), None)
        if room is not None and before is not None:
            assert bool(told) == (room.hearing != before)

    def follow(self, event: tell.Event) -> None:
        name = event.room
        is_new = isinstance(event, tell.RoomCreated) and event.number == 1
        assert event.number == (1 if is_new else self.numbers.get(name, 0) + 1)
        assert event.at == self.now
        self.numbers[name] = event.number
        match event:
            case tell.RoomOpened():
                assert name not in self.open_rooms
                self.open_rooms.add(name)
            case tell.RoomClosed():
                assert name not in self.locked
                self.open_rooms.remove(name)
            case tell.RoomLocked():
                self.locked.add(name)
            case tell.RoomUnlocked():
                self.locked.remove(name)
            case tell.RoomRemoved():
                self.locked -= set() if name in self.open_rooms else {name}
            case tell.PlaceReserved():
                assert name in self.open_rooms
                self.reserved.add(event.participant)
            case tell.PlaceReleased():
                self.reserved.remove(event.participant)
            case tell.ParticipantArrived():
                self.reserved.remove(event.participant)
                self.inside.add(event.participant)
            case tell.ParticipantLeft():
                assert event.participant not in self.talking
                self.inside.remove(event.participant)
            case tell.ParticipantMuted() | tell.ParticipantHeld():
                assert event.participant not in self.talking
            case tell.TalkingChanged():
                assert event.participant in self.inside
                assert event.talking == (event.participant not in self.talking)
                self.talking ^= {event.participant}
            case tell.HearingChanged():
                self.hearing[name] = event.hearing

    @rule(command=st.one_of(ADMINISTRATION, MODERATION), by=ACTORS)
    def command(self, command: ask.Command, by: Actor) -> None:
        self.do(command, by)

    @rule(command=CALLS, by=ACTORS)
    def call(self, command: ask.Command, by: Actor) -> None:
        self.do(command, by)

    @rule(name=st.sampled_from(ROOMS), who=st.sampled_from(["Ana", "Bob"]), arrives=st.booleans())
    def somebody_calls(self, name: str, who: str, arrives: bool) -> None:
        self.do(ask.Reserve(name, who, f"sip:{who}@h", "h:1"), SYSTEM)
        if arrives:
            for person in [person for room in self.rooms for person in room.places.values() if room.name == name][-1:]:
                self.do(ask.Arrive(name, person.id), SYSTEM)

    @rule(command=st.one_of(MODERATION, CALLS), which=st.integers(0, 7), by=st.sampled_from([SYSTEM, None]))
    def somebody_who_is_there(self, command: ask.Command, which: int, by: Actor | None) -> None:
        people = [(room, person) for room in self.rooms for person in room.places.values()]
        if people:
            room, person = people[which % len(people)]
            by = by or Actor(person.name, Role.PARTICIPANT, person.id)
            self.do(replace(command, room=room.name, participant=person.id), by)

    @rule(talking=st.booleans())
    def all_talk_or_fall_silent(self, talking: bool) -> None:
        for room in list(self.rooms):
            for participant in list(room.places):
                self.do(ask.NoteTalking(room.name, participant, talking), SYSTEM)

    @rule()
    def all_go(self) -> None:
        for room in list(self.rooms):
            for participant in list(room.places):
                self.do(ask.Leave(room.name, participant), SYSTEM)
        assert not (self.open_rooms or self.talking or self.inside or self.reserved)
        assert all(room.persistent and room.state is State.EMPTY for room in self.rooms)
        assert all(not hearing.listeners for hearing in self.hearing.values())

    @invariant()
    def events_tell_the_whole_truth(self) -> None:
        if not hasattr(self, "rooms"):
            return
        places = [person for room in self.rooms for person in room.places.values()]
        assert {p.id for p in places if p.presence is Presence.PRESENT} == self.inside
        assert {p.id for p in places if p.presence is Presence.RESERVED} == self.reserved
        assert {p.id for p in places if p.talking} == self.talking
        assert {room.name for room in self.rooms if room.state is not State.EMPTY} == self.open_rooms
        assert {room.name for room in self.rooms if room.locked} == self.locked

    @invariant()
    def everybody_hears_what_is_right(self) -> None:
        for room in getattr(self, "rooms", ()):
            people = {person.id: person for person in room.present}
            heard = [source for source, gain in room.hearing.mixes[ROOM].sources if gain == 1.0]
            assert sorted(heard) == sorted(p.id for p in people.values() if not p.muted and not p.held and not p.kicked)
            assert room.hearing.mixes[SILENCE].sources == ()
            assert sorted(one.listener for one in room.hearing.listeners) == sorted(people)
            for one in room.hearing.listeners:
                person = people[one.listener]
                assert one.mix == (SILENCE if person.deaf or person.held or person.kicked else ROOM)
            assert room.hearing == self.hearing.get(room.name, room.hearing)

    @invariant()
    def the_state_counts_who_is_there(self) -> None:
        for room in getattr(self, "rooms", ()):
            match room.state:
                case State.EMPTY:
                    assert not room.places and room.persistent
                case State.OPEN:
                    assert room.places and not room.present and not room.waiting
                case State.WAITING:
                    assert room.waiting and not room.present
                case State.ALONE:
                    assert len(room.present) == 1
                case State.LIVE:
                    assert len(room.present) >= 2
                case State.ENDING:
                    assert room.places


TestChaos = Chaos.TestCase
TestChaos.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
