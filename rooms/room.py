"""One room: commands in, events out.

``Room.handle`` applies a command whole or not at all: each handler first asks all its questions, which may
raise a Refused, and only then changes something. What is so already is not an error and gives no event.

A place is taken by ``Reserve`` and given back by ``Release`` or ``Leave``, by nobody else: a kick or an end
only asks the focus to hang up. The room is open from the first place taken to the last given back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from rooms import (
    assembly,
    broadcasting,
    dialling,
    door,
    entrance,
    lifecycle,
    links,
    naming,
    quality,
    recalling,
    recording,
    removing,
    rights,
    schedule,
    timing,
    topics,
    voices,
)
from rooms import commands as ask
from rooms import events as tell
from rooms.alarms import Alarms
from rooms.callers import Lockouts
from rooms.chat import Chat
from rooms.ending import Ending
from rooms.errors import Conflict, NotFound, NotOpen
from rooms.forwarding import Forwards
from rooms.hall import Hall
from rooms.hearing import Hearing, hearing_of
from rooms.keypad import Keypads
from rooms.lifecycle import Happening, State, next_state
from rooms.lists import Lists
from rooms.minutes import Minutes
from rooms.own_name import Names
from rooms.participant import MOST_NAME, SYSTEM, Actor, Participant, ParticipantId, Presence, readable
from rooms.plays import Plays
from rooms.profiles import Profiles, Said, check_names, plain
from rooms.recording import Recording
from rooms.schedule import Times
from rooms.ties import RETURN, Ties

_TOUCHES_HEARING = (
    tell.ParticipantWaits, tell.WaitEnded, tell.RecordingFailed,
    tell.ParticipantArrived, tell.ParticipantLeft, tell.ParticipantMuted, tell.ParticipantUnmuted,
    tell.ParticipantDeafened, tell.ParticipantUndeafened, tell.ParticipantHeld, tell.ParticipantResumed,
    tell.ParticipantKicked,
    tell.HeldByHost, tell.ReleasedByHost, tell.FloorGiven, tell.FloorTaken, tell.RoomChanged, tell.RoomCreated,
    tell.WhisperBegan, tell.WhisperEnded, tell.RelationChanged, tell.RecordingStarted, tell.RecordingEnded,
    tell.SidebarOpened, tell.SidebarLeft, tell.SidebarClosed, tell.ForwardStarted, tell.ForwardEnded,
    tell.BroadcastBegan, tell.BroadcastEnded, tell.NameAsked, tell.NameEnded,
)  # fmt: skip


class Room:
    """One room and the people in it."""

    def __init__(
        self,
        name: str,
        ids: Callable[[], ParticipantId],
        profiles: Profiles | None = None,
        *,
        profile: str = "",
        said: Said | None = None,
        persistent: bool = False,
        created_at: float | None = None,
    ) -> None:
        """``ids`` gives a fresh participant id each time it is called. ``persistent``: made beforehand.

        Raises Refused for rules that cannot be.
        """
        self.name = name
        self.profiles = profiles or Profiles()
        self.profile = profile
        self.said: Said = dict(said or {})
        """What its own rules are; ``policy`` is what holds."""
        self.policy = self.profiles.policy_of(self.said, profile)
        self.alarms = Alarms()
        self.lockouts = Lockouts()
        self.ending = Ending()
        self.persistent = persistent
        self.created_at = created_at
        self.opened_at: float | None = None
        self.state = State.EMPTY
        self.locked = False
        self.number = 0
        """The number of the last event."""
        self.hearing = Hearing()
        self.plays = Plays()
        self.keypads = Keypads()
        self.hall: Hall = Hall()
        self.recording, self.forwards, self.names = Recording(), Forwards(), Names()
        self.lists = Lists()
        self.times = Times()
        self.chat = Chat()
        self.dominant: ParticipantId | None = None
        """Who has the word."""
        self.places: dict[ParticipantId, Participant] = {}
        """Everybody reserved or present, in the order of reservation."""
        self.ties = Ties()
        self.links = links.Links()
        self.assembly = assembly.Assembly()
        self.abroad = broadcasting.Abroad()
        self._ids = ids

    @property
    def present(self) -> list[Participant]:
        return [person for person in self.places.values() if person.presence is Presence.PRESENT]

    @property
    def waiting(self) -> list[Participant]:
        """Whose call is up, and who is not in yet."""
        return [person for person in self.places.values() if person.presence is Presence.WAITING]

    @property
    def dialling(self) -> list[Participant]:
        """Whom we call, and who has not answered yet."""
        return [each for each in self.places.values() if each.dialled and each.presence is Presence.RESERVED]

    @property
    def is_forgettable(self) -> bool:
        """Nobody is in it or to be called into it, or to come back to it, and nobody made it beforehand."""
        is_awaited = bool(self.lists) or bool(self.ties.breakouts)
        return self.state is State.EMPTY and not self.persistent and not is_awaited

    @property
    def speakers(self) -> Collection[ParticipantId] | None:
        """The only ones whom the room hears; None: there are no such."""
        return self.assembly.floor if self.policy.one_speaker and self.assembly.floor else None

    def handle(self, command: ask.Command, by: Actor, now: float) -> list[tell.Event]:
        """Apply a command, whole or not at all. Raises Refused."""
        minutes = Minutes(self.name, self.number, now)
        self.carry_out(command, by, minutes)
        return self.conclude(minutes)

    def carry_out(self, command: ask.Command, by: Actor, minutes: Minutes) -> None:
        """The same within another command. Raises Refused."""
        rights.check(command, by)
        _HANDLERS[type(command)](self, command, by, minutes)

    def _begun(self, now: float) -> Minutes:
        schedule.look(self, now)
        return Minutes(self.name, self.number, now)

    def next_deadline(self) -> float | None:
        return self.alarms.next()

    def fire(self, now: float) -> list[tell.Event]:
        """Do what is due."""
        minutes = self._begun(now)
        while (purpose := self.alarms.take_due(now)) is not None:
            topics.ALARMS[purpose](self, minutes)
        return self.conclude(minutes)

    def conclude(self, minutes: Minutes, *, hears_anew: bool = False) -> list[tell.Event]:
        """All is said: who hears whom follows from it. ``hears_anew``: also from what is in other rooms."""
        timing.follow(self, minutes)
        hears_anew |= recording.follow(self, minutes)
        self.lists.follow(self, list(minutes.events), minutes)
        if hears_anew or any(isinstance(event, _TOUCHES_HEARING) for event in minutes.events):
            self._tell_hearing(minutes)
        self.number = minutes.number
        return minutes.events

    def _tell_hearing(self, minutes: Minutes) -> None:
        voices.review(self, minutes)
        hearing = hearing_of(self.present, self.waiting, self.links, self.speakers, self.abroad.heard())
        hearing = self.recording.add_to(self.forwards.add_to(hearing), self.waiting)
        if hearing != self.hearing:
            self.hearing = hearing
            minutes.say(tell.HearingChanged, hearing)

    # ---------------------------------------------------------------- the room itself
    def _create(self, command: ask.CreateRoom, by: Actor, minutes: Minutes) -> None:
        policy = self.profiles.policy_of(command.rules, command.profile)
        if not self.persistent:
            self.created_at = minutes.at
            minutes.say(tell.RoomCreated, True, policy, command.profile, command.rules)
        elif (policy, command.profile, command.rules) != (self.policy, self.profile, self.said):
            minutes.say(tell.RoomChanged, policy, command.profile, command.rules)
        self.persistent, self.policy = True, policy
        self.profile, self.said = command.profile, command.rules

    def _change(self, command: ask.ChangeRoom, by: Actor, minutes: Minutes) -> None:
        check_names(command.rules)
        said = plain({**self.said, **command.rules})
        profile = self.profile if command.profile is None else command.profile
        policy = self.profiles.policy_of(said, profile)
        if (policy, profile, said) != (self.policy, self.profile, self.said):
            self.policy, self.profile, self.said = policy, profile, said
            minutes.say(tell.RoomChanged, policy, profile, said)

    def use_profiles(self, profiles: Profiles, now: float) -> list[tell.Event]:
        """Profiles have changed. Raises Refused where the room's rules cannot be any more; nothing has changed then."""
        policy = profiles.policy_of(self.said, self.profile)
        minutes = Minutes(self.name, self.number, now)
        self.profiles = profiles
        if policy != self.policy:
            self.policy = policy
            minutes.say(tell.RoomChanged, policy, self.profile, self.said)
        return self.conclude(minutes)

    def _remove(self, command: ask.RemoveRoom, by: Actor, minutes: Minutes) -> None:
        if not self.persistent:
            raise NotFound(f"{self.name} was not made beforehand: it goes with its last participant")
        self._end(command, by, minutes)
        self.persistent = False
        minutes.say(tell.RoomRemoved)

    def _lock(self, command: ask.Lock, by: Actor, minutes: Minutes) -> None:
        self.lock_by(by, minutes)

    def lock_by(self, by: Actor, minutes: Minutes) -> None:
        if not self.locked:
            self.locked = True
            minutes.say(tell.RoomLocked, by.name)

    def _unlock(self, command: ask.Unlock, by: Actor, minutes: Minutes) -> None:
        self._take_off_lock(by, minutes)

    def _take_off_lock(self, by: Actor, minutes: Minutes) -> None:
        if self.locked:
            self.locked = False
            minutes.say(tell.RoomUnlocked, by.name)

    def _end(self, command: ask.End | ask.RemoveRoom, by: Actor, minutes: Minutes) -> None:
        self.lists.cancel_all(self, minutes)
        self.end_by(by, "", minutes)

    def end_by(self, by: Actor, cause: str, minutes: Minutes) -> None:
        before, self.state = self.state, next_state(self.state, Happening.END_ASKED)
        if self.state is not before:
            minutes.say(tell.RoomEnding, by.name, cause)

    # ---------------------------------------------------------------- coming and going
    def keep_place(self, name: str, address: str, source: str, minutes: Minutes) -> Participant:
        """For somebody whom ``check_entrance`` lets in."""
        address, source = readable(address), readable(source)
        person = Participant(self._ids(), "", address, source, minutes.at)
        person.name = readable(name, MOST_NAME) or address[:MOST_NAME] or person.id
        if self.state is State.EMPTY:
            self._open(minutes)
        self.places[person.id] = person
        minutes.say(tell.PlaceReserved, person.id, person.name, address, source)
        return person

    def keep_place_for(self, person: Participant, minutes: Minutes) -> None:
        """For somebody who comes from another room."""
        if self.state is State.EMPTY:
            self._open(minutes)
        self.places[person.id] = person
        minutes.say(tell.PlaceReserved, person.id, person.name, person.address, person.source)

    def check_entrance(self, *, is_called: bool = False, is_moderator: bool = False) -> None:
        """Whether somebody could come in now; no lock keeps out whom a host calls. Raises NotOpen, Locked, Full."""
        door.check_room(self, is_called=is_called, is_moderator=is_moderator)

    def _open(self, minutes: Minutes) -> None:
        if self.created_at is None:
            self.created_at = minutes.at
            minutes.say(tell.RoomCreated, False, self.policy, self.profile, self.said)
        self.state = next_state(self.state, Happening.FIRST_RESERVED)
        self.opened_at = minutes.at
        minutes.say(tell.RoomOpened)
        assembly.open_room(self, minutes)
        recalling.open_room(self)

    def _arrive(self, command: ask.Arrive, by: Actor, minutes: Minutes) -> None:
        person = self.place(command.participant)
        if person.presence is not Presence.RESERVED:
            return
        if self.state is State.ENDING:
            raise NotOpen(f"{self.name} is ending")
        person.source = readable(command.source) or person.source
        person.agent = readable(command.agent) or person.agent
        entrance.go_on(self, person, minutes)

    def enter(self, person: Participant, minutes: Minutes, *, is_moved: bool = False) -> None:
        """Now the others know. ``entrance`` has let him in, or he has been in another room, muted or not."""
        person.presence, person.arrived_at = Presence.PRESENT, minutes.at
        self.state = next_state(self.state, lifecycle.on_arrival(len(self.present)))
        minutes.say(tell.ParticipantArrived, person.id, person.name, person.address, person.source)
        if not is_moved:
            voices.enter(self, person, minutes)
        assembly.review(self, person, minutes)
        if person.held:
            minutes.say(tell.ParticipantHeld, person.id)
        voices.give_voice(self, person, minutes)

    def _release(self, command: ask.Release, by: Actor, minutes: Minutes) -> None:
        person = self.place(command.participant)
        if person.presence is not Presence.RESERVED:
            raise Conflict(f"{person.id} has arrived in {self.name}: such a place is given back by leaving")
        self.give_back(person, "", minutes)

    def _leave(self, command: ask.Leave, by: Actor, minutes: Minutes) -> None:
        self.give_back(self.place(command.participant), readable(command.cause), minutes)

    def give_back(self, person: Participant, cause: str, minutes: Minutes, *, is_moved: bool = False) -> None:
        was_present, was_waiting = person.presence is Presence.PRESENT, person.presence is Presence.WAITING
        self.keypads.leave(person.id)
        self.hall.leave(person.id)
        naming.leave(self, person, minutes, is_moved=is_moved)
        if was_present:
            voices.hush(self, person, minutes)
            quality.close(person, minutes)
            self.plays.leave(person.id, minutes)
            self.forwards.leave(person.id, minutes)
            dialling.leave(person, cause, minutes)
            removing.part(self, person, minutes)
            minutes.say(tell.ParticipantLeft, person.id, cause)
        elif person.presence is Presence.WAITING:
            self.plays.leave(person.id, minutes)
            minutes.say(tell.WaitEnded, person.id, cause)
        else:
            minutes.say(tell.PlaceReleased, person.id)
        person.presence = Presence.LEFT
        del self.places[person.id]
        left = len(self.places), len(self.present), len(self.waiting)
        self.state = next_state(self.state, lifecycle.on_gone(was_present, was_waiting, *left))
        if self.state is State.EMPTY:
            self._close(minutes)

    def _close(self, minutes: Minutes) -> None:
        """The last place was given back. A lock belongs to the meeting and ends with it."""
        self.plays.close(minutes)
        self.recording.close(minutes)
        self.forwards.close(minutes)
        self.chat.clear()
        assembly.close_room(self, minutes)
        recalling.close_room(self, minutes)
        broadcasting.close_room(self, minutes)
        self._take_off_lock(SYSTEM, minutes)
        self.opened_at = None
        self.alarms.clear_all(but=RETURN)
        self.ties.successor = ""
        self.ending = Ending()
        minutes.say(tell.RoomClosed)

    # ---------------------------------------------------------------- one participant
    def let_go(
        self, person: Participant, by: Actor, minutes: Minutes, cause: str = "kicked", *, is_told: bool = False
    ) -> None:
        """The focus hangs up, however far his call has come; ``is_told``: when he has heard so."""
        if not person.kicked:
            person.kicked = True
            naming.end(self, person, minutes)
            minutes.say(tell.ParticipantKicked, person.id, by.name, cause, is_told)

    # ---------------------------------------------------------------- who
    def place(self, participant: ParticipantId) -> Participant:
        """Find somebody reserved or present. Raises NotFound."""
        person = self.places.get(participant)
        if person is None:
            raise NotFound(f"{participant} is not in {self.name}")
        return person

    def person(self, participant: ParticipantId) -> Participant:
        """Find somebody present. Raises NotFound, also for a reserved place: nobody knows of it."""
        person = self.place(participant)
        if person.presence is not Presence.PRESENT:
            raise NotFound(f"{participant} is not in {self.name}")
        return person


_HANDLERS: dict[type[ask.Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.CreateRoom: Room._create,
    ask.ChangeRoom: Room._change,
    ask.RemoveRoom: Room._remove,
    ask.Lock: Room._lock,
    ask.Unlock: Room._unlock,
    ask.End: Room._end,
    ask.Arrive: Room._arrive,
    ask.Release: Room._release,
    ask.Leave: Room._leave,
    **topics.HANDLERS,
}
