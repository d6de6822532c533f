"""One room: commands in, events out.

``Room.handle`` applies a command whole or not at all: each handler first asks all its questions, which may
raise a Refused, and only then changes something. What is so already is not an error and gives no event.

A place is taken by ``Reserve`` and given back by ``Release`` or ``Leave``, by nobody else: a kick or an end
only asks the focus to hang up. The room is open from the first place taken to the last given back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from rooms import commands as ask
from rooms import dialling, lifecycle, messages, rights
from rooms import events as tell
from rooms.errors import Conflict, Full, Locked, NotFound, NotOpen
from rooms.hearing import Hearing, hearing_of, may_be_heard
from rooms.keys import checked_digits
from rooms.lifecycle import Happening, State, next_state
from rooms.minutes import Minutes
from rooms.participant import MOST_NAME, SYSTEM, Actor, MuteCause, Participant, ParticipantId, Presence, readable
from rooms.plays import Plays
from rooms.policy import LIFTS, RoomPolicy
from rooms.recording import Recording

_TOUCHES_HEARING = (
    tell.ParticipantArrived, tell.ParticipantLeft, tell.ParticipantMuted, tell.ParticipantUnmuted,
    tell.ParticipantDeafened, tell.ParticipantUndeafened, tell.ParticipantHeld, tell.ParticipantResumed,
)  # fmt: skip


class Room:
    """One room and the people in it."""

    def __init__(
        self,
        name: str,
        ids: Callable[[], ParticipantId],
        policy: RoomPolicy | None = None,
        *,
        persistent: bool = False,
        created_at: float | None = None,
    ) -> None:
        """``ids`` gives a fresh participant id each time it is called. ``persistent``: made beforehand."""
        self.name = name
        self.policy = policy or RoomPolicy()
        self.persistent = persistent
        self.created_at = created_at
        self.opened_at: float | None = None
        self.state = State.EMPTY
        self.locked = False
        self.number = 0
        """The number of the last event."""
        self.hearing = Hearing()
        self.plays = Plays()
        self.recording = Recording()
        self.dominant: ParticipantId | None = None
        """Who has the word."""
        self.places: dict[ParticipantId, Participant] = {}
        """Everybody reserved or present, in the order of reservation."""
        self._ids = ids

    @property
    def present(self) -> list[Participant]:
        return [person for person in self.places.values() if person.presence is Presence.PRESENT]

    @property
    def dialling(self) -> list[Participant]:
        """Whom we call, and who has not answered yet."""
        return [each for each in self.places.values() if each.dialled and each.presence is Presence.RESERVED]

    @property
    def is_forgettable(self) -> bool:
        """Nobody is in it and nobody made it beforehand."""
        return self.state is State.EMPTY and not self.persistent

    def handle(self, command: ask.Command, by: Actor, now: float) -> list[tell.Event]:
        """Apply a command, whole or not at all. Raises Refused."""
        rights.check(command, by)
        minutes = Minutes(self.name, self.number, now)
        _HANDLERS[type(command)](self, command, by, minutes)
        if any(isinstance(event, _TOUCHES_HEARING) for event in minutes.events):
            self._tell_hearing(minutes)
        self.number = minutes.number
        return minutes.events

    def _tell_hearing(self, minutes: Minutes) -> None:
        hearing = hearing_of(self.present)
        if hearing != self.hearing:
            self.hearing = hearing
            minutes.say(tell.HearingChanged, hearing)

    # ---------------------------------------------------------------- the room itself
    def _create(self, command: ask.CreateRoom, by: Actor, minutes: Minutes) -> None:
        policy = RoomPolicy(**{rule.name: getattr(command, rule.name) for rule in fields(RoomPolicy)})
        if not self.persistent:
            self.created_at = minutes.at
            minutes.say(tell.RoomCreated, True, policy)
        elif policy != self.policy:
            minutes.say(tell.RoomChanged, policy)
        self.persistent, self.policy = True, policy

    def _remove(self, command: ask.RemoveRoom, by: Actor, minutes: Minutes) -> None:
        if not self.persistent:
            raise NotFound(f"{self.name} was not made beforehand: it goes with its last participant")
        self._end(command, by, minutes)
        self.persistent = False
        minutes.say(tell.RoomRemoved)

    def _lock(self, command: ask.Lock, by: Actor, minutes: Minutes) -> None:
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
        before, self.state = self.state, next_state(self.state, Happening.END_ASKED)
        if self.state is not before:
            minutes.say(tell.RoomEnding, by.name)

    # ---------------------------------------------------------------- coming and going
    def _reserve(self, command: ask.Reserve, by: Actor, minutes: Minutes) -> None:
        self.check_entrance()
        person = self.keep_place(command.name, command.address, command.source, minutes)
        person.agent, person.diverted_by = readable(command.agent), readable(command.diverted_by)
        person.referred_by = readable(command.referred_by)
        person.user = readable(command.user)

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

    def check_entrance(self, *, is_called: bool = False) -> None:
        """Whether somebody could come in now; no lock keeps out whom a host calls. Raises NotOpen, Locked, Full."""
        if self.state is State.ENDING:
            raise NotOpen(f"{self.name} is ending")
        if self.locked and not is_called:
            raise Locked(f"{self.name} is locked")
        if self.policy.is_full(len(self.places)):
            raise Full(f"{self.name} is full: {len(self.places)} of {self.policy.max_participants} places are taken")

    def _open(self, minutes: Minutes) -> None:
        if self.created_at is None:
            self.created_at = minutes.at
            minutes.say(tell.RoomCreated, False, self.policy)
        self.state = next_state(self.state, Happening.FIRST_RESERVED)
        self.opened_at = minutes.at
        minutes.say(tell.RoomOpened)

    def _arrive(self, command: ask.Arrive, by: Actor, minutes: Minutes) -> None:
        person = self._place(command.participant)
        if person.presence is Presence.PRESENT:
            return
        if self.state is State.ENDING:
            raise NotOpen(f"{self.name} is ending")
        person.presence, person.arrived_at = Presence.PRESENT, minutes.at
        person.source = readable(command.source) or person.source
        person.agent = readable(command.agent) or person.agent
        self.state = next_state(self.state, lifecycle.on_arrival(len(self.present)))
        minutes.say(tell.ParticipantArrived, person.id, person.name, person.address, person.source)
        if self.policy.mute_on_entry:
            self._add_mute(person, MuteCause.ENTRY, SYSTEM, minutes)
        if person.held:
            minutes.say(tell.ParticipantHeld, person.id)

    def _release(self, command: ask.Release, by: Actor, minutes: Minutes) -> None:
        person = self._place(command.participant)
        if person.presence is Presence.PRESENT:
            raise Conflict(f"{person.id} has arrived in {self.name}: such a place is given back by leaving")
        self.give_back(person, "", minutes)

    def _leave(self, command: ask.Leave, by: Actor, minutes: Minutes) -> None:
        self.give_back(self._place(command.participant), readable(command.cause), minutes)

    def give_back(self, person: Participant, cause: str, minutes: Minutes) -> None:
        was_present = person.presence is Presence.PRESENT
        if was_present:
            self._hush(person, minutes)
            self.plays.leave(person.id, minutes)
            if self.dominant == person.id:
                self._give_word(None, minutes)
            minutes.say(tell.ParticipantLeft, person.id, cause)
        else:
            minutes.say(tell.PlaceReleased, person.id)
        person.presence = Presence.LEFT
        del self.places[person.id]
        self.state = next_state(self.state, lifecycle.on_departure(len(self.places), len(self.present), was_present))
        if self.state is State.EMPTY:
            self._close(minutes)

    def _close(self, minutes: Minutes) -> None:
        """The last place was given back. A lock belongs to the meeting and ends with it."""
        self.plays.close(minutes)
        self.recording.close(minutes)
        self._take_off_lock(SYSTEM, minutes)
        self.opened_at = None
        minutes.say(tell.RoomClosed)

    def _play(self, command: ask.Play, by: Actor, minutes: Minutes) -> None:
        if command.participant:
            self._person(command.participant)
        if self.state not in (State.ALONE, State.LIVE):
            raise NotOpen(f"nobody is in {self.name}")
        self.plays.start(command, by, minutes)

    # ---------------------------------------------------------------- one participant
    def _mute(self, command: ask.Mute, by: Actor, minutes: Minutes) -> None:
        self._add_mute(self._person(command.participant), command.cause, by, minutes)

    def _add_mute(self, person: Participant, cause: MuteCause, by: Actor, minutes: Minutes) -> None:
        if cause not in person.muted:
            self._hush(person, minutes)
            person.muted.add(cause)
            minutes.say(tell.ParticipantMuted, person.id, cause, by.name)

    def _unmute(self, command: ask.Unmute, by: Actor, minutes: Minutes) -> None:
        person = self._person(command.participant)
        self._lift(person, LIFTS[command.cause], by, minutes)

    def _lift(self, person: Participant, causes: tuple[MuteCause, ...], by: Actor, minutes: Minutes) -> None:
        for cause in causes:
            if cause in person.muted:
                person.muted.remove(cause)
                minutes.say(tell.ParticipantUnmuted, person.id, cause, by.name, bool(person.muted))
        self._give_voice(person, minutes)

    def _deafen(self, command: ask.Deafen, by: Actor, minutes: Minutes) -> None:
        person = self._person(command.participant)
        if not person.deaf:
            person.deaf = True
            minutes.say(tell.ParticipantDeafened, person.id, by.name)

    def _undeafen(self, command: ask.Undeafen, by: Actor, minutes: Minutes) -> None:
        person = self._person(command.participant)
        if person.deaf:
            person.deaf = False
            minutes.say(tell.ParticipantUndeafened, person.id, by.name)

    def _kick(self, command: ask.Kick, by: Actor, minutes: Minutes) -> None:
        person = self._place(command.participant)
        if not person.dialled:
            self._person(command.participant)
        if not person.kicked:
            person.kicked = True
            minutes.say(tell.ParticipantKicked, person.id, by.name)

    def _send_digits(self, command: ask.SendDigits, by: Actor, minutes: Minutes) -> None:
        """The focus presses them."""
        person, digits = self._person(command.participant), checked_digits(command)
        minutes.say(tell.DigitsSent, person.id, digits, command.duration_ms, command.gap_ms, by.name)

    def _hold(self, command: ask.Hold, by: Actor, minutes: Minutes) -> None:
        """A call may be on hold before it arrives; the others learn of it then."""
        person = self._place(command.participant)
        if not person.held:
            self._hush(person, minutes)
            person.held = True
            if person.presence is Presence.PRESENT:
                minutes.say(tell.ParticipantHeld, person.id)

    def _resume(self, command: ask.Resume, by: Actor, minutes: Minutes) -> None:
        person = self._place(command.participant)
        if person.held:
            person.held = False
            if person.presence is Presence.PRESENT:
                minutes.say(tell.ParticipantResumed, person.id)
                self._give_voice(person, minutes)

    def _note_talking(self, command: ask.NoteTalking, by: Actor, minutes: Minutes) -> None:
        """Ignored for those not present: the engine's word and a departure may cross."""
        person = self.places.get(command.participant)
        if person is None or person.presence is not Presence.PRESENT:
            return
        person.voice = command.talking
        if person.voice:
            self._give_voice(person, minutes)
        else:
            self._hush(person, minutes)

    def _note_noise(self, command: ask.NoteNoise, by: Actor, minutes: Minutes) -> None:
        """Ignored for those not present, as above. One whom a host has let be heard all the same stays so."""
        person = self.places.get(command.participant)
        if person is None or person.presence is not Presence.PRESENT or person.noise == command.kind:
            return
        person.noise = command.kind
        minutes.say(tell.NoiseChanged, person.id, person.noise)
        if not person.noise:
            self._lift(person, (MuteCause.NOISE,), by, minutes)
        elif command.mutes:
            self._add_mute(person, MuteCause.NOISE, by, minutes)

    def _note_digit(self, command: ask.NoteDigit, by: Actor, minutes: Minutes) -> None:
        """Ignored for those not present, as above."""
        person = self.places.get(command.participant)
        if person is not None and person.presence is Presence.PRESENT:
            minutes.say(tell.DigitReceived, person.id, command.digit, command.duration_ms)

    def _note_dominant(self, command: ask.NoteDominant, by: Actor, minutes: Minutes) -> None:
        """Who has just left has no word."""
        person = self.places.get(command.participant)
        is_there = person is not None and person.presence is Presence.PRESENT
        self._give_word(command.participant if is_there else None, minutes)

    def _give_word(self, participant: ParticipantId | None, minutes: Minutes) -> None:
        if participant != self.dominant:
            self.dominant = participant
            minutes.say(tell.DominantSpeaker, participant)

    def _hush(self, person: Participant, minutes: Minutes) -> None:
        """The others hear the participant's voice no more."""
        if person.talking:
            person.talking = False
            minutes.say(tell.TalkingChanged, person.id, False)

    def _give_voice(self, person: Participant, minutes: Minutes) -> None:
        """Who talks and may be heard is talking, also one whose mute ends in the middle of a word."""
        if person.voice and may_be_heard(person) and not person.talking:
            person.talking = True
            minutes.say(tell.TalkingChanged, person.id, True)

    # ---------------------------------------------------------------- who
    def _place(self, participant: ParticipantId) -> Participant:
        """Find somebody reserved or present. Raises NotFound."""
        person = self.places.get(participant)
        if person is None:
            raise NotFound(f"{participant} is not in {self.name}")
        return person

    def _person(self, participant: ParticipantId) -> Participant:
        """Find somebody present. Raises NotFound, also for a reserved place: nobody knows of it."""
        person = self._place(participant)
        if person.presence is not Presence.PRESENT:
            raise NotFound(f"{participant} is not in {self.name}")
        return person


_HANDLERS: dict[type[ask.Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.CreateRoom: Room._create,
    ask.RemoveRoom: Room._remove,
    ask.Lock: Room._lock,
    ask.Unlock: Room._unlock,
    ask.End: Room._end,
    ask.Reserve: Room._reserve,
    ask.Arrive: Room._arrive,
    ask.Release: Room._release,
    ask.Leave: Room._leave,
    **dialling.HANDLERS,
    **messages.HANDLERS,
    ask.Mute: Room._mute,
    ask.Unmute: Room._unmute,
    ask.Deafen: Room._deafen,
    ask.Undeafen: Room._undeafen,
    ask.Kick: Room._kick,
    ask.SendDigits: Room._send_digits,
    ask.Hold: Room._hold,
    ask.Resume: Room._resume,
    ask.NoteTalking: Room._note_talking,
    ask.NoteNoise: Room._note_noise,
    ask.NoteDigit: Room._note_digit,
    ask.NoteDominant: Room._note_dominant,
    ask.Play: Room._play,
    ask.PausePlay: lambda room, *how: room.plays.pause(*how),
    ask.ResumePlay: lambda room, *how: room.plays.resume(*how),
    ask.SeekPlay: lambda room, *how: room.plays.seek(*how),
    ask.SetPlayVolume: lambda room, *how: room.plays.set_volume(*how),
    ask.StopPlay: lambda room, *how: room.plays.stop(*how),
    ask.NotePlayEnded: lambda room, *how: room.plays.note_ended(*how),
    ask.StartRecording: lambda room, *how: room.recording.start(*how, room.state in (State.ALONE, State.LIVE)),
    ask.StopRecording: lambda room, *how: room.recording.stop(*how),
    ask.PauseRecording: lambda room, *how: room.recording.pause(*how),
    ask.ResumeRecording: lambda room, *how: room.recording.resume(*how),
    ask.NoteRecordingFailed: lambda room, *how: room.recording.note_failed(*how),
}
