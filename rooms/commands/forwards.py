"""What one may ask about sound that is sent on to programs: streaming servers, recorders, transcription."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


class ForwardCodec(enum.Enum):
    """In what sound can be sent on."""

    OPUS = "opus"
    G722 = "G722"
    PCMU = "PCMU"
    PCMA = "PCMA"
    L16 = "L16"


@dataclass(frozen=True, slots=True)
class StartForward(Command):
    """Send what is heard in the room, or the voice of one, to another host as RTP.

    The host is an IP address of forward.networks. Nothing is heard from there, and nobody is in the room for it.
    """

    needs: ClassVar[Role] = Role.ADMIN
    path: ClassVar[str] = "/rooms/{room}/forwards"
    verb: ClassVar[str] = "forward"
    people: ClassVar[tuple[str, ...]] = ("voice",)

    host: str
    port: int
    codec: ForwardCodec = ForwardCodec.OPUS
    voice: ParticipantId = ""
    payload_type: int | None = None
    ssrc: int | None = None
    codec_rate_hz: int | None = None
    rtcp_port: int | None = None
    srtp_suite: str = ""
    srtp_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class StopForward(Command):
    """Send it no longer."""

    needs: ClassVar[Role] = Role.ADMIN
    path: ClassVar[str] = "/rooms/{room}/forwards/stop"
    verb: ClassVar[str] = "stop-forward"

    forward: int = 0


@dataclass(frozen=True, slots=True)
class NoteForwardTroubled(Command):
    """The other host refuses what is sent, or takes it again (no trouble)."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    forward: int
    trouble: str


@dataclass(frozen=True, slots=True)
class NoteForwardFailed(Command):
    """It cannot be sent, for a reason."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    forward: int
    reason: str
