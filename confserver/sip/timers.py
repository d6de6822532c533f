"""The timers of RFC 3261 (table 4) and RFC 6026, and the heap that says which comes next."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

T1 = 0.5
"""Round-trip estimate, seconds (RFC 3261 17.1.1.1)."""
T2 = 4.0
"""Longest interval between retransmissions of non-INVITE requests and of INVITE responses (RFC 3261 17.1.2.2)."""
T4 = 5.0
"""How long a message may stay in the network (RFC 3261 17.1.2.2)."""
NEVER = float("inf")


class Timer(Enum):
    """The RFC's letters, then our own."""

    A = "A"
    B = "B"
    D = "D"
    E = "E"
    F = "F"
    G = "G"
    H = "H"
    I = "I"  # noqa: E741
    J = "J"
    K = "K"
    L = "L"
    M = "M"
    C = "C"
    """As a proxy's Timer C (RFC 3261 16.6): our re-INVITE had a provisional answer, but no final one."""
    CANCELLED = "cancelled"
    """Our INVITE was cancelled, yet no final answer comes (RFC 3261 9.1)."""
    UNANSWERED = "unanswered"
    """A non-INVITE request that our user never answers: later nobody waits for it (RFC 4320 4.2)."""
    LATE = "late"
    """And by now the other side asks only every T2: 100 says that we have heard (RFC 4320 4.1)."""
    REPEAT = "repeat"
    """A 2xx to an INVITE waits for its ACK (RFC 3261 13.3.1.4)."""
    NO_ACK = "no ACK"
    """And has waited long enough."""
    RINGING = "ringing"
    """Say 180 again, lest a proxy on the way gives up (RFC 3261 13.3.1.1)."""
    RETRY = "retry"
    """Our re-INVITE met theirs and is due again (RFC 3261 14.1)."""
    REFRESH = "refresh"
    """Half of the session's interval has passed, and it is ours to refresh (RFC 4028 section 10)."""
    EXPIRY = "expiry"
    """Nobody has refreshed the session (RFC 4028 section 10)."""
    KEEP = "keep"
    """A connection of ours is due a ping (RFC 6223)."""
    PONG = "pong"
    """And its pong is overdue (RFC 5626 section 4.4.1)."""
    PROVISIONAL = "provisional"
    """A reliable provisional answer waits for its PRACK (RFC 3262 section 3)."""
    NO_PRACK = "no PRACK"
    """And has waited long enough."""
    PACE = "pace"
    """The next NOTIFY of a subscription is due: they come no faster than its package has it (RFC 6665 5.4.10)."""
    WAIT = "wait"
    """A subscription of ours waits for its first NOTIFY (RFC 6665 4.1.2.4: Timer N)."""
    SERIAL = "serial"
    """The phones that ring have rung long enough: the next ones' turn (RFC 3261 16.6, step 11 ends as by timer C)."""
    WAY = "way"
    """A request has not found its way in time."""

    # Enum hashes its name anew each time; the members are singletons, and timers are looked up for every message.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a timer runs, in seconds; ``reliable`` for reliable transports, None where it is not started there.

    With ``most`` the timer doubles each time it is started again, up to so much.
    """

    first: float
    reliable: float | None
    most: float | None = None


TIMINGS: dict[Timer, Timing] = {
    Timer.A: Timing(T1, None, NEVER),  # RFC 3261 17.1.1.2
    Timer.B: Timing(64 * T1, 64 * T1),
    Timer.D: Timing(32.5, 0.0),  # "at least 32 seconds" on unreliable transports, zero on others
    Timer.E: Timing(T1, None, T2),  # RFC 3261 17.1.2.2
    Timer.F: Timing(64 * T1, 64 * T1),
    Timer.G: Timing(T1, None, T2),  # RFC 3261 17.2.1
    Timer.H: Timing(64 * T1, 64 * T1),
    Timer.I: Timing(T4, 0.0),
    Timer.J: Timing(64 * T1, 0.0),  # RFC 3261 17.2.2
    Timer.K: Timing(T4, 0.0),
    Timer.L: Timing(64 * T1, 64 * T1),  # RFC 6026 7.1
    Timer.M: Timing(64 * T1, 64 * T1),  # RFC 6026 7.2
    Timer.C: Timing(181.0, 181.0),  # RFC 3261 16.6: "larger than 3 minutes"
    Timer.CANCELLED: Timing(64 * T1, 64 * T1),  # RFC 3261 9.1
    Timer.UNANSWERED: Timing(64 * T1, 64 * T1),  # RFC 4320 4.2: the other side's Timer F
    Timer.LATE: Timing(7 * T1, 7 * T1),  # RFC 4320 4.1: Timer E is reset to T2 after 0.5 + 1 + 2 s
    Timer.REPEAT: Timing(T1, T1, T2),  # RFC 3261 13.3.1.4: on every transport, a later hop may lose it
    Timer.NO_ACK: Timing(64 * T1, 64 * T1),
    Timer.PONG: Timing(10.0, 10.0),  # RFC 5626 section 4.4.1
    Timer.PROVISIONAL: Timing(T1, T1, NEVER),  # RFC 3262 section 3: doubled, without a bound
    Timer.NO_PRACK: Timing(64 * T1, 64 * T1),
    Timer.RINGING: Timing(60.0, 60.0),  # RFC 3261 13.3.1.1: every minute
    Timer.WAIT: Timing(64 * T1, 64 * T1),  # RFC 6665 4.1.2.4
    Timer.WAY: Timing(64 * T1, 64 * T1),
}
"""RETRY is drawn by lot (RFC 3261 14.1), REFRESH and EXPIRY are agreed (RFC 4028), KEEP is both (RFC 6223), PACE and
SERIAL are set: they are not here."""


def next_interval(timer: Timer, reliable: bool, previous: float | None = None) -> float | None:
    """Seconds to run; ``previous`` is the interval that has just passed. None: not on this transport."""
    timing = TIMINGS[timer]
    first = timing.reliable if reliable else timing.first
    if first is None or previous is None or timing.most is None:
        return first
    return min(2 * previous, timing.most)


Owner = TypeVar("Owner")


class _Entry(Generic[Owner]):
    __slots__ = ("owner", "timer")

    def __init__(self, owner: Owner, timer: Timer) -> None:
        self.owner: Owner | None = owner
        self.timer = timer


class Deadlines(Generic[Owner]):
    """What is due when, by owner and timer.

    Most timers are stopped long before they fire, so stopping only crosses out; crossed-out entries leave when
    they come to the top, or all at once when they are the greater part.
    """

    __slots__ = ("_heap", "_running", "_sequence")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Entry[Owner]]] = []
        self._running: dict[tuple[Owner, Timer], _Entry[Owner]] = {}
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._running)

    def start(self, owner: Owner, timer: Timer, at: float) -> None:
        """Start a timer, or start it anew."""
        self.stop(owner, timer)
        self._sequence += 1
        entry = _Entry(owner, timer)
        self._running[owner, timer] = entry
        heapq.heappush(self._heap, (at, self._sequence, entry))

    def stop(self, owner: Owner, timer: Timer) -> None:
        entry = self._running.pop((owner, timer), None)
        if entry is None:
            return
        entry.owner = None
        if len(self._heap) > 64 and len(self._heap) > 2 * len(self._running):
            self._heap = [item for item in self._heap if item[2].owner is not None]
            heapq.heapify(self._heap)

    def is_running(self, owner: Owner, timer: Timer) -> bool:
        return (owner, timer) in self._running

    def next_deadline(self) -> float | None:
        heap = self._heap
        while heap and heap[0][2].owner is None:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now: float) -> tuple[Owner, Timer] | None:
        """The next timer whose time has come, no longer running; None when there is none."""
        at = self.next_deadline()
        if at is None or at > now:
            return None
        entry = heapq.heappop(self._heap)[2]
        owner = entry.owner
        assert owner is not None
        del self._running[owner, entry.timer]
        return owner, entry.timer
