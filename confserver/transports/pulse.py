"""Whether a worker hangs: told from our own lateness, and from a machine that gives it no time to run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PING_S = 0.25
LOST_S = 1.0
"""So long a worker may owe an answer. It answers between two ticks, every 20 ms."""
STARVED_S = 4.0
"""The same where it wants to run, but the machine does not let it: another would fare no better; and for one that has
just got its post, with thousands of legs to carry on."""
STARTING_S = 20.0
"""The same until it stands."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the system says of a process."""

    wants_to_run: bool
    cpu_s: float


@dataclass(slots=True)
class Pulse:
    """The answers to our pings."""

    is_ready: bool = False
    is_taking_over: bool = False
    _last_beat: float | None = None
    _since: float | None = None
    _usage: Usage | None = None

    def answered(self) -> None:
        self._since = self._usage = None

    def beat(self, now: float) -> float:
        """It is asked again. Gives for how long it has owed an answer.

        Where we ourselves come late, its answers may lie unread: the count begins anew.
        """
        in_time = self._last_beat is not None and now - self._last_beat < 2 * PING_S
        self._last_beat = now
        if self._since is None or not in_time:
            self._since, self._usage = now, None
        return now - self._since

    def is_lost(self, owed: float, usage: Usage | None) -> bool:
        """``usage``: what the system says now, None where it says nothing."""
        before, self._usage = self._usage, self._usage or usage
        if not self.is_ready:
            return owed > STARTING_S
        if owed < LOST_S - PING_S / 2:
            return False
        is_starved = bool(before and usage and usage.wants_to_run and usage.cpu_s - before.cpu_s < owed / 4)
        return owed > STARVED_S or not (is_starved or self.is_taking_over)


def usage_of(pid: int | None) -> Usage | None:
    """Read /proc/PID/stat (proc(5)); None where there is no such thing."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
    except (OSError, ValueError, IndexError):
        return None
    return Usage(fields[0] in "RD", ticks / os.sysconf("SC_CLK_TCK"))
