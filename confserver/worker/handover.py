"""The lines by which a worker hands recordings over to the scribe. Never waits: what does not fit now goes later.

A scribe that is gone, or has not taken what waits for it, costs the recording, never a tick.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable

from confserver.contract import RecordId
from confserver.engine.recorder import Handover

MOST_WAITING_BYTES = 8 * 1024 * 1024
"""Of one recording: a minute of a few talkers at 8 kHz, some seconds of many at 48 kHz."""
_BUFFER_BYTES = 1 << 20
_LAST_S = 0.5
"""So long the last words may take when the worker ends."""


class _Line:
    def __init__(self, path: str) -> None:
        """Raises OSError."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._waiting = bytearray()
        self.is_ending = False
        """When all is gone it is closed."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
            self._socket.setblocking(False)
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise

    def send(self, data: bytes = b"") -> bool:
        """Whether all is gone. Raises OSError, also where too much waits."""
        self._waiting += data
        try:
            while self._waiting:
                del self._waiting[: self._socket.send(self._waiting)]
        except BlockingIOError:
            if len(self._waiting) > MOST_WAITING_BYTES:
                raise TimeoutError("the scribe does not keep up") from None
        return not self._waiting

    def close(self) -> None:
        self._socket.close()

    def end(self) -> None:
        """Once more, with patience."""
        with contextlib.suppress(OSError):
            self._socket.settimeout(_LAST_S)
            self._socket.sendall(self._waiting)
        self.close()


class Handovers:
    """One line for each recording."""

    def __init__(self) -> None:
        self._lines: dict[RecordId, _Line] = {}

    def open(self, record: RecordId, path: str) -> str:
        """Connect to the scribe. Gives why that cannot be, "" where it can."""
        try:
            self._lines[record] = _Line(path)
        except OSError as error:
            return f"the scribe cannot be reached: {error.strerror or error}"
        return ""

    def drop(self, record: RecordId) -> None:
        line = self._lines.pop(record, None)
        if line is not None:
            line.close()

    def send(self, handovers: Iterable[Handover]) -> dict[RecordId, str]:
        """Hand over what goes now. Gives the recordings that are lost by it, and why."""
        if not self._lines:
            return {}
        lost: dict[RecordId, str] = {}
        for record, data, is_last in handovers:
            if record in self._lines:
                self._lines[record].is_ending = is_last
                self._send(record, data, lost)
        for record in list(self._lines):
            self._send(record, b"", lost)
        return lost

    def _send(self, record: RecordId, data: bytes, lost: dict[RecordId, str]) -> None:
        line = self._lines[record]
        try:
            is_gone = line.send(data)
        except OSError as error:
            self.drop(record)
            if not line.is_ending:
                lost[record] = f"the scribe takes no more: {error.strerror or error}"
            return
        if is_gone and line.is_ending:
            self.drop(record)

    def close(self) -> None:
        """The worker ends."""
        for line in self._lines.values():
            line.end()
        self._lines.clear()
