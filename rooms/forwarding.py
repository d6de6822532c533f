"""What of a room is sent on to programs as RTP, and whose voice; they hear, and are nobody in the room.

::

    StartForward --> ForwardStarted, HearingChanged --NoteForwardTroubled--> ForwardTroubled, and once more without
    StopForward, the voice has left, the room is empty, it cannot be sent --> ForwardEnded

Whither it may go at all is the focus's affair (``forward.networks``), for rooms know nothing of networks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Conflict, Full, Invalid, NotFound, NotOpen
from rooms.hearing import ROOM, Hearing, Mix
from rooms.lifecycle import State
from rooms.participant import SYSTEM, Actor, ParticipantId, readable

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

MOST_FORWARDS = 8
"""At once in a room."""
MOST_HOST = 64
MOST_KEY = 128
PAYLOAD_TYPES = {"opus": 111, "G722": 9, "PCMU": 0, "PCMA": 8, "L16": 96}
"""RFC 3551 section 6, and numbers from its dynamic range (section 3)."""
RATES_HZ = {
    "opus": (8000, 16000, 48000), "L16": (8000, 16000, 48000), "G722": (16000,), "PCMU": (8000,), "PCMA": (8000,),
}  # fmt: skip
_LIKE_RTCP = range(64, 96)
"""RFC 5761 section 4: payload types that RTCP beside them would be mistaken for."""


@dataclass(slots=True)
class Forward:
    """One of them; its number is that of its ForwardStarted."""

    number: int
    host: str
    port: int
    codec: str
    payload_type: int
    voice: ParticipantId
    is_protected: bool
    since: float
    by: str
    trouble: str = ""

    def describe(self) -> dict[str, Any]:
        return {
            "forward": self.number, "host": self.host, "port": self.port, "codec": self.codec,
            "payload_type": self.payload_type, "voice": self.voice, "protected": self.is_protected,
            "since": self.since, "by": self.by, "trouble": self.trouble,
        }  # fmt: skip


class Forwards:
    """Those of one room, by number."""

    def __init__(self) -> None:
        self._by_number: dict[int, Forward] = {}

    def __bool__(self) -> bool:
        return bool(self._by_number)

    def describe(self) -> list[dict[str, Any]]:
        return [each.describe() for each in self._by_number.values()]

    def start(self, command: ask.StartForward, by: Actor, minutes: Minutes) -> None:
        """Raises Invalid, Full, Conflict."""
        payload_type, rtcp_port = _check(command)
        there = command.host, command.port, command.voice
        if any((each.host, each.port, each.voice) == there for each in self._by_number.values()):
            raise Conflict(f"it is sent to port {command.port} of {command.host} already")
        if len(self._by_number) >= MOST_FORWARDS:
            raise Full(f"{minutes.room} has its most forwards at once: {MOST_FORWARDS}")
        number, codec = minutes.number + 1, command.codec.value
        self._by_number[number] = Forward(
            number, command.host, command.port, codec, payload_type, command.voice, bool(command.srtp_key),
            minutes.at, by.name,
        )  # fmt: skip
        minutes.say(
            tell.ForwardStarted, number, command.host, command.port, rtcp_port, codec, payload_type, command.voice,
            command.ssrc, command.codec_rate_hz, command.srtp_suite, command.srtp_key, by.name,
        )  # fmt: skip

    def stop(self, command: ask.StopForward, by: Actor, minutes: Minutes) -> None:
        """Raises NotFound."""
        if command.forward and command.forward not in self._by_number:
            numbers = ", ".join(map(str, self._by_number)) or "none"
            raise NotFound(f"there is no forward {command.forward}; there are: {numbers}")
        self._end_all(lambda each: command.forward in (0, each.number), "stopped", minutes, by)

    def note_troubled(self, command: ask.NoteForwardTroubled, by: Actor, minutes: Minutes) -> None:
        """Ignored where it is over."""
        forward, trouble = self._by_number.get(command.forward), readable(command.trouble)
        if forward is not None and forward.trouble != trouble:
            forward.trouble = trouble
            minutes.say(tell.ForwardTroubled, forward.number, forward.host, forward.port, trouble)

    def note_failed(self, command: ask.NoteForwardFailed, by: Actor, minutes: Minutes) -> None:
        """Ignored where it is over already: a worker's word and another end may cross."""
        self._end_all(lambda each: each.number == command.forward, readable(command.reason), minutes)

    def leave(self, participant: ParticipantId, minutes: Minutes) -> None:
        """Nothing is to be heard any more of who goes."""
        self._end_all(lambda each: each.voice == participant, "the participant has left", minutes)

    def close(self, minutes: Minutes) -> None:
        self._end_all(lambda each: True, "the room is empty", minutes)

    def _end_all(
        self, ends: Callable[[Forward], bool], cause: str, minutes: Minutes, by: Actor = SYSTEM
    ) -> None:  # fmt: skip
        for each in [each for each in self._by_number.values() if ends(each)]:
            del self._by_number[each.number]
            minutes.say(tell.ForwardEnded, each.number, each.host, each.port, cause, by.name)

    def add_to(self, hearing: Hearing) -> Hearing:
        """Who hears whom, and what is sent on: what the room hears, or a mix of one voice of that."""
        if not self._by_number:
            return hearing
        voices = list(dict.fromkeys(each.voice for each in self._by_number.values() if each.voice))
        mixes = hearing.mixes + tuple(_alone(voice, hearing.mixes[ROOM]) for voice in voices)
        place = {voice: len(hearing.mixes) + index for index, voice in enumerate(voices)}
        forwards = tuple((each.number, place.get(each.voice, ROOM)) for each in self._by_number.values())
        return replace(hearing, mixes=mixes, forwards=forwards, bare=tuple(place.values()))


def _alone(voice: ParticipantId, room: Mix) -> Mix:
    """One voice as the room hears it: nothing of it where it is muted, on hold, or speaks to some alone."""
    return Mix(tuple(source for source in room.sources if source[0] == voice))


def _check(command: ask.StartForward) -> tuple[int, int]:
    """Payload type, and port for RTCP. Raises Invalid."""
    codec, rate_hz = command.codec.value, command.codec_rate_hz
    if not 1 <= len(command.host) <= MOST_HOST or len(command.srtp_key) > MOST_KEY:
        raise Invalid("a host is an IP address, and a key has at most 128 characters")
    if rate_hz is not None and rate_hz not in RATES_HZ[codec]:
        raise Invalid(f"codec_rate_hz of {codec} must be {_either(RATES_HZ[codec])}, not {rate_hz}")
    rtcp_port = command.port + 1 if command.rtcp_port is None else command.rtcp_port
    for name, value in (("port", command.port), ("rtcp_port", rtcp_port)):
        if not 1 <= value <= 65535:
            raise Invalid(f"{name} must be 1 to 65535, not {value}")
    payload_type = PAYLOAD_TYPES[codec] if command.payload_type is None else command.payload_type
    if not 0 <= payload_type <= 127 or payload_type in _LIKE_RTCP:
        raise Invalid(f"payload_type must be 0 to 63 or 96 to 127, not {payload_type}")
    if command.ssrc is not None and not 1 <= command.ssrc < 2**32:
        raise Invalid(f"ssrc must be 1 to {2**32 - 1}, not {command.ssrc}")
    if command.ssrc is not None and command.srtp_key:
        # RFC 3711 section 9.1: one SSRC twice under one key would give the sound away
        raise Invalid("with a key the SSRC is the server's: one that comes twice under one key gives the sound away")
    return payload_type, rtcp_port


def _either(numbers: Collection[int]) -> str:
    return " or ".join(map(str, numbers))


def start(room: Room, command: ask.StartForward, by: Actor, minutes: Minutes) -> None:
    if command.voice:
        room.person(command.voice)
    if room.state not in (State.ALONE, State.LIVE):
        raise NotOpen(f"nobody is in {room.name}")
    room.forwards.start(command, by, minutes)


HANDLERS: dict[type[ask.Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.StartForward: start,
    ask.StopForward: lambda room, *how: room.forwards.stop(*how),
    ask.NoteForwardTroubled: lambda room, *how: room.forwards.note_troubled(*how),
    ask.NoteForwardFailed: lambda room, *how: room.forwards.note_failed(*how),
}
