"""What systemd is told of a service (sd_notify(3)): that it stands, that it lives, that it ends.

Plain datagrams to the socket that $NOTIFY_SOCKET names; without one, nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from typing import Any

from twisted.internet.task import LoopingCall


class Notifier:
    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._path = environment.get("NOTIFY_SOCKET", "")
        self._watchdog: Any = None
        self._period_s = _period(environment)

    def say(self, words: str) -> None:
        if not self._path.startswith(("/", "@")):
            return
        address = "\0" + self._path[1:] if self._path.startswith("@") else self._path
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.setblocking(False)
            to.sendto(words.encode(), address)

    def stands(self, clock: Any) -> None:
        """From now on it says that it lives, twice as often as it must: from the reactor, which hangs when we do."""
        self.say("READY=1")
        if self._period_s:
            self._watchdog = LoopingCall(lambda: self.say("WATCHDOG=1"))
            self._watchdog.clock = clock
            self._watchdog.start(self._period_s / 2)

    def ends(self) -> None:
        """The watchdog goes on until the process is gone."""
        self.say("STOPPING=1")


def _period(environment: Mapping[str, str]) -> float:
    """Seconds within which systemd wants to hear of us; 0: it does not, or means another process."""
    text, meant = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not text.isascii() or not text.isdigit() or (meant and meant != str(os.getpid())):
        return 0.0
    return int(text) / 1e6
