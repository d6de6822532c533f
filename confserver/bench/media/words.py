"""What rig and generator say to each other, over a pipe: plain data. Times are the monotonic clock's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from confserver.bench.arrivals import Packets
from confserver.bench.link import Pace, Sound
from confserver.bench.media.load import Load


# ------------------------------------------------------------------ to the generator
@dataclass(frozen=True, slots=True)
class Setting:
    """The first word. Answered by Ready. core: -1: any."""

    load: Load
    realtime: bool
    core: int = -1


class Target(NamedTuple):
    """Where a leg's packets go, and who sends to it."""

    number: int
    port: int
    ssrc: int


@dataclass(frozen=True, slots=True)
class Aim:
    """These legs send there from now on."""

    targets: list[Target]


@dataclass(frozen=True, slots=True)
class Release:
    """These legs are gone."""

    numbers: list[int]


@dataclass(frozen=True, slots=True)
class Take:
    """Record what arrives in this time, of the legs that there are now. Answered, afterwards, by Taken."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Stall:
    """From then on, for so long, those who clap send nothing; then all that they owe at once."""

    start: float
    seconds: float


@dataclass(frozen=True, slots=True)
class End:
    """The last word."""


# ------------------------------------------------------------------ from the generator
@dataclass(frozen=True, slots=True)
class Ready:
    ports: list[int]
    """Of the sockets."""


@dataclass(frozen=True, slots=True)
class Taken:
    """packets: of all legs. sounds: by number, of those who time bursts. bursts: by number, when each was sent.

    octets: of all RTP packets, headers included. control: RTCP packets. strange: datagrams of nobody we know.
    """

    start: float
    end: float
    packets: Packets
    sounds: dict[int, Sound]
    bursts: dict[int, list[float]]
    octets: int
    control: int
    strange: int
    unsent: int
    pace: Pace
