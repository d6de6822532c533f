"""What the bench's two processes say to each other, over a pipe: plain data. Times are the monotonic clock's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from confserver.bench.arrivals import Packets
from confserver.bench.plan import Caller
from confserver.engine.frame import Bytes
from confserver.sip.flow import Address


# ------------------------------------------------------------------ to the generator
@dataclass(frozen=True, slots=True)
class Setting:
    """The first word. Answered by Ready."""

    callers: list[Caller]
    amplitude: float
    realtime: bool
    """Take real-time priority, if the system lets us."""


@dataclass(frozen=True, slots=True)
class Connect:
    """A call has been answered: its media goes there from now on."""

    number: int
    server: Address


@dataclass(frozen=True, slots=True)
class Window:
    """Record what arrives in this time. Answered, afterwards, by Recorded."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class End:
    """The last word."""


# ------------------------------------------------------------------ from the generator
@dataclass(frozen=True, slots=True)
class Ready:
    """The callers' RTP ports; their addresses are those of ``wire.host_of``."""

    ports: list[int]


@dataclass(frozen=True, slots=True)
class Sound:
    """What one caller has received, by arrival. payloads: uint8 (n, FRAME)."""

    arrived: NDArray[np.float64]
    sequence: NDArray[np.uint16]
    payloads: Bytes


@dataclass(frozen=True, slots=True)
class Pace:
    """How the generator itself has kept up in the window: ``late`` ones by more than 2 ms, ``very_late`` by 10 ms."""

    steps: int
    late: int
    very_late: int
    latest_s: float
    cpu_s: float
    is_realtime: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """packets: all that came from where it should. sounds: by caller, of those who are checked.

    bursts: by clapper, when each burst was sent. strange: datagrams from elsewhere, or that are no PCMU packet of
    20 ms. unsent: packets that the kernel did not take.
    """

    packets: Packets
    sounds: dict[int, Sound]
    bursts: dict[int, list[float]]
    strange: int
    unsent: int
    pace: Pace
