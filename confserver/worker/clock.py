"""The tick's clock: absolute, every 20 ms, by timerfd where there is one."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
import time

from confserver.engine.frame import TICK_S

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1
_NONBLOCK, _CLOEXEC = 0o4000, 0o2000000
_PERIOD_NS = int(TICK_S * 1e9)


class TimerClock:
    """Ticks at fixed moments of the monotonic clock; the kernel counts those that nobody waited for."""

    def __init__(self, start_ns: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK | _CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        seconds, rest = divmod(start_ns, 1_000_000_000)
        spec = struct.pack("@qqqq", 0, _PERIOD_NS, seconds, rest)
        if libc.timerfd_settime(self._fd, _ABSOLUTE, spec, None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def wait(self, channel: int) -> tuple[int, bool]:
        """Wait for a tick or the channel. Gives how many ticks are due, and whether the channel has something."""
        ready, _, _ = select.select([self._fd, channel], [], [])
        due = int.from_bytes(os.read(self._fd, 8), sys.byteorder) if self._fd in ready else 0
        return due, channel in ready


class PortableClock:
    """The same by time-outs."""

    def __init__(self, start_ns: int) -> None:
        self._next = start_ns

    def wait(self, channel: int) -> tuple[int, bool]:
        """See TimerClock.wait."""
        left = max(self._next - time.monotonic_ns(), 0) / 1e9
        ready, _, _ = select.select([channel], [], [], left)
        due = max((time.monotonic_ns() - self._next) // _PERIOD_NS + 1, 0)
        self._next += due * _PERIOD_NS
        return due, bool(ready)


def open_clock(start_ns: int) -> TimerClock | PortableClock:
    """Tick first at ``start_ns`` of the monotonic clock."""
    if sys.platform == "linux":
        return TimerClock(start_ns)
    return PortableClock(start_ns)
