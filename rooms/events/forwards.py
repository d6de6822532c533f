"""What has happened to sound that is sent on to programs."""

from __future__ import annotations

from dataclasses import dataclass, field

from rooms.events.event import Event
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class ForwardStarted(Event):
    """What is heard in the room, or the ``voice`` of one, is sent to another host from now on.

    ``forward`` is its number; ``ssrc`` and ``codec_rate_hz``: None where the server chooses.
    """

    forward: int
    host: str
    port: int
    rtcp_port: int
    codec: str
    payload_type: int
    voice: ParticipantId
    ssrc: int | None
    codec_rate_hz: int | None
    srtp_suite: str
    srtp_key: str = field(repr=False, metadata={"secret": True})
    by: str


@dataclass(frozen=True, slots=True)
class ForwardTroubled(Event):
    """The other host refuses what is sent there; without ``trouble``: no more."""

    forward: int
    host: str
    port: int
    trouble: str


@dataclass(frozen=True, slots=True)
class ForwardEnded(Event):
    """It is sent no longer; ``cause``: why."""

    forward: int
    host: str
    port: int
    cause: str
    by: str
