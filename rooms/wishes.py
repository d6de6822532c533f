"""What the actions of the menus ask for: commands, by whoever has pressed the key; and what he is told of it.

Whether he may is the rooms' ordinary question (``rights``); what he is told, nobody else hears.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from rooms import commands as ask
from rooms import events as tell
from rooms.calling_roll import how_many
from rooms.errors import NotFound
from rooms.menus import Menu, Step
from rooms.participant import MuteCause, ParticipantId, Role
from rooms.policy import RecordNotice

if TYPE_CHECKING:
    from rooms.participant import Participant
    from rooms.room import Room

STEP_DB = 3.0
OUTSIDE = (ask.Dial, ask.Play, ask.BroadcastVoice)
"""What others than the room must allow first (the fence, the list of sounds, other rooms): asked by the focus."""

Wish = Callable[["Room", "Participant", str], ask.Command]


def _mute(room: Room, person: Participant, _: str) -> ask.Command:
    return ask.ToggleMute(room.name, person.id, MuteCause.SELF)


def _deafen(room: Room, person: Participant, _: str) -> ask.Command:
    return (ask.Undeafen if person.deaf else ask.Deafen)(room.name, person.id)


def _step(incoming: float = 0.0, outgoing: float = 0.0) -> Wish:
    def wish(room: Room, person: Participant, argument: str) -> ask.Command:
        size = float(argument or STEP_DB)
        return ask.StepGain(room.name, person.id, incoming * size, outgoing * size)

    return wish


def _kick_last(room: Room, person: Participant, _: str) -> ask.Command:
    """Raises NotFound."""
    others = [each for each in room.present if each is not person and not each.kicked]
    if not others:
        raise NotFound("nobody else is there")
    return ask.Kick(room.name, max(others, key=lambda each: each.arrived_at or 0.0).id)


def _mute_all(room: Room, person: Participant, _: str) -> ask.Command:
    others = [each for each in room.present if each is not person and each.role < Role.MODERATOR]
    is_done = bool(others) and all(MuteCause.HOST in each.muted for each in others)
    return ask.UnmuteAll(room.name) if is_done else ask.MuteAll(room.name)


def _record(room: Room, person: Participant, _: str) -> ask.Command:
    return ask.StopRecording(room.name) if room.recording else ask.StartRecording(room.name)


def _pause(room: Room, person: Participant, _: str) -> ask.Command:
    return (ask.ResumeRecording if room.recording.paused else ask.PauseRecording)(room.name)


def _reset(room: Room, person: Participant, _: str) -> ask.Command:
    return ask.SetGain(room.name, person.id, 0.0, 0.0)


def _hand(room: Room, person: Participant, _: str) -> ask.Command:
    return (ask.LowerHand if person.id in room.assembly.hands else ask.RaiseHand)(room.name, person.id)


def _floor(room: Room, person: Participant, _: str) -> ask.Command:
    """To the next; where nobody is left, whoever has it loses it."""
    is_over = bool(room.assembly.floor) and not room.assembly.hands
    return ask.TakeFloor(room.name) if is_over else ask.GiveFloor(room.name)


def _admit(room: Room, person: Participant, _: str) -> ask.Command:
    return ask.Admit(room.name)


def _lecture(room: Room, person: Participant, _: str) -> ask.Command:
    return (ask.EndLecture if room.assembly.lecture else ask.StartLecture)(room.name)


def _broadcast(room: Room, person: Participant, _: str) -> ask.Command:
    is_on = person.id in room.abroad.speaking
    return ask.EndBroadcast(room.name, person.id) if is_on else ask.BroadcastVoice(room.name, person.id)


def _roll_call(room: Room, person: Participant, _: str) -> ask.Command:
    return ask.RollCall(room.name, person.id)


def _roll_call_for_all(room: Room, person: Participant, _: str) -> ask.Command:
    return ask.RollCall(room.name)


def _leave(room: Room, person: Participant, _: str) -> ask.Command:
    return ask.Depart(room.name, person.id)


def _lock(room: Room, person: Participant, _: str) -> ask.Command:
    return (ask.Unlock if room.locked else ask.Lock)(room.name)


def _dial(room: Room, person: Participant, argument: str) -> ask.Command:
    return ask.Dial(room.name, argument)


def _play(room: Room, person: Participant, argument: str) -> ask.Command:
    return ask.Play(room.name, tuple(argument.split()))


def _extend(room: Room, person: Participant, argument: str) -> ask.Command:
    return ask.Extend(room.name, int(argument)) if argument else ask.Extend(room.name)


def _end(room: Room, person: Participant, _: str) -> ask.Command:
    return ask.End(room.name)


WISHES: Mapping[str, Wish] = {
    "mute": _mute,
    "deafen": _deafen,
    "hear-louder": _step(outgoing=1),
    "hear-softer": _step(outgoing=-1),
    "speak-louder": _step(incoming=1),
    "speak-softer": _step(incoming=-1),
    "reset-loudness": _reset,
    "hand": _hand,
    "floor": _floor,
    "lecture": _lecture,
    "admit": _admit,
    "broadcast": _broadcast,
    "roll-call": _roll_call,
    "roll-call-for-all": _roll_call_for_all,
    "leave": _leave,
    "lock": _lock,
    "mute-all": _mute_all,
    "kick-last": _kick_last,
    "record": _record,
    "pause-recording": _pause,
    "dial": _dial,
    "play": _play,
    "extend": _extend,
    "end": _end,
}


# ------------------------------------------------------------------ what is only said
def _help(room: Room, menu: Menu) -> tuple[str, ...]:
    return ("prompt:menu", *_read(menu))


def _read(menu: Menu) -> Iterator[str]:
    """Each action once, by its first key."""
    told: set[str] = set()
    for key, steps in menu.items():
        prompt = steps[0].action.prompt
        if prompt and prompt not in told and not any(each in "ABCD" for each in key):
            told.add(prompt)
            yield from (f"prompt:{prompt}", "prompt:press", *map(_name_of, key))


def how_to(menu: Menu, action: str) -> tuple[str, ...]:
    """By which key one asks for an action, in words; nothing where no key does."""
    key = next((key for key, steps in menu.items() if any(step.name == action for step in steps)), "")
    return tuple(_read({key: tuple(step for step in menu[key] if step.name == action)})) if key else ()


def _name_of(press: str) -> str:
    return {"*": "prompt:star", "#": "prompt:hash"}.get(press, f"number:{press}")


SAYINGS: Mapping[str, Callable[[Room, Menu], tuple[str, ...]]] = {
    "count": lambda room, _: how_many(room),
    "help": _help,
}
"""Actions that ask for nothing: who has pressed is told something."""

# ------------------------------------------------------------------ what he is told of what he has done
LOUDER, SOFTER = "tones:660/-22dB:60", "tones:440/-22dB:60"
END_OF_RANGE = "tones:440/-22dB:40/40*3"
WRONG = "tones:300/-20dB:90/50*2"

_PROMPTS: Mapping[type[tell.Event], str] = {
    tell.ParticipantDeafened: "prompt:deafened",
    tell.ParticipantUndeafened: "prompt:undeafened",
    tell.RoomLocked: "prompt:room-locked",
    tell.RoomUnlocked: "prompt:room-unlocked",
    tell.HandRaised: "prompt:hand-up",
    tell.HandLowered: "prompt:hand-down",
    tell.LectureStarted: "prompt:lecture-on",
    tell.LectureEnded: "prompt:lecture-off",
    tell.RecordingStarted: "prompt:recording-started",
    tell.RecordingEnded: "prompt:recording-stopped",
    tell.RecordingPaused: "prompt:recording-paused",
    tell.RecordingResumed: "prompt:recording-resumed",
}
_OF_MANY: Mapping[str, str] = {
    "mute-all": "prompt:all-muted",
    "floor": "prompt:floor-given",
    "admit": "prompt:admitted",
    "extend": "prompt:extended",
    "kick-last": "prompt:kicked-last",
}
_SELF_EVIDENT = ("leave", "end", "roll-call", "roll-call-for-all", "broadcast")
"""Of these he hears himself what comes of them."""


def _gives(events: Iterable[tell.Event]) -> bool:
    """One may lose the floor that another gets."""
    return any(isinstance(event, tell.FloorGiven) for event in events)


def answer(room: Room, step: Step, events: Iterable[tell.Event], who: ParticipantId) -> tuple[str, ...]:
    """What is said to who has pressed a key whose action has been carried out."""
    happened = list(events)
    for event in happened:
        match event:
            case tell.ParticipantMuted(participant=participant) if participant == who:
                return ("prompt:muted",)
            case tell.ParticipantUnmuted(participant=participant) if participant == who:
                last = [each for each in happened if isinstance(each, tell.ParticipantUnmuted)][-1]
                return ("prompt:muted-by-host",) if last.silent else ("prompt:unmuted",)
            case tell.GainChanged():
                return (SOFTER if step.name.endswith("softer") else LOUDER,)
    if step.name == "record" and room.policy.record_notice is RecordNotice.SPOKEN:
        return ()  # all are told
    prompts = [_PROMPTS[type(event)] for event in happened if type(event) in _PROMPTS]
    if prompts and step.name not in _OF_MANY:
        return (prompts[0],)
    if step.name in _OF_MANY and happened:
        back = {tell.ParticipantUnmuted: "prompt:all-unmuted", tell.FloorTaken: "prompt:floor-taken"}
        return (_OF_MANY[step.name] if _gives(happened) else back.get(type(happened[0]), _OF_MANY[step.name]),)
    if step.name in _SELF_EVIDENT:
        return ()
    return (END_OF_RANGE,)
