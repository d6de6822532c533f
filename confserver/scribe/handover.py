"""Where workers hand over what they record: a Unix socket, a connection for each recording."""

from __future__ import annotations

import selectors
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from confserver.contract import CloseRecording, RecordId
from confserver.contract.recording import Closing, HandoverReader, Heard, Message, Opening

BACKLOG = 256
READ_BYTES = 1 << 18
_STREAM_S = 3.0
"""So long what is on the way may take, once a recording is to be closed."""
_NO_STREAM_S = 0.5
"""The same where no worker hands anything over."""


class Taker(Protocol):
    """Who takes the sound."""

    def is_open(self, record: RecordId) -> bool: ...

    def open_stream(self, record: RecordId) -> None: ...

    def hear(self, record: RecordId, heard: Heard) -> None: ...

    def close(self, command: CloseRecording) -> None: ...


@dataclass(slots=True, eq=False)
class _Stream:
    sock: socket.socket
    reader: HandoverReader = field(default_factory=HandoverReader)
    record: RecordId | None = None


class Handovers:
    """Reads all connections; a recording is closed when all that is on the way to it has come."""

    def __init__(self, path: Path, selector: selectors.BaseSelector, taker: Taker) -> None:
        """Raises OSError."""
        self.path = path
        self._selector = selector
        self._taker = taker
        self._streams: dict[RecordId, _Stream] = {}
        self._closing: dict[RecordId, tuple[CloseRecording, float]] = {}
        self._ended: set[RecordId] = set()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        sock.setblocking(False)
        stream = _Stream(sock)
        self._selector.register(sock, selectors.EVENT_READ, lambda: self._read(stream))

    def _read(self, stream: _Stream) -> bool:
        """Whether there may be more."""
        try:
            data = stream.sock.recv(READ_BYTES)
            for message in stream.reader.feed(data):
                self._take(stream, message)
        except BlockingIOError:
            return False
        except (OSError, ValueError) as error:
            print(f"confserver.scribe: a worker's stream is of no use: {error}", file=sys.stderr)
            data = b""
        is_taken = stream.record is None or self._taker.is_open(stream.record)
        if not data or not is_taken:
            self._drop(stream)
        return bool(data and is_taken)

    def _take(self, stream: _Stream, message: Message) -> None:
        match message, stream.record:
            case Opening(record=record), None:
                stream.record = record
                self._streams[record] = stream
                self._taker.open_stream(record)
            case Heard() as heard, int(record):
                self._taker.hear(record, heard)
            case Closing(), int(record):
                self._ended.add(record)
            case _:
                raise ValueError(f"{type(message).__name__} at the wrong moment")

    def _drop(self, stream: _Stream) -> None:
        self._selector.unregister(stream.sock)
        stream.sock.close()
        record = stream.record
        if record is not None and self._streams.get(record) is stream:
            del self._streams[record]
            self._finish(record)
            if not self._taker.is_open(record):
                self._ended.discard(record)

    # ------------------------------------------------------------------ the end of a recording
    def close(self, command: CloseRecording, now: float) -> None:
        """When what is on the way has come, or does not come."""
        record = command.record
        wait_s = _STREAM_S if record in self._streams else _NO_STREAM_S
        self._closing[record] = command, now + wait_s
        if record in self._ended:
            self._finish(record)

    def _finish(self, record: RecordId) -> None:
        """The stream has ended; without CloseRecording another worker may go on."""
        command, _ = self._closing.pop(record, (None, 0.0))
        if command:
            self._ended.discard(record)
            self._taker.close(command)

    def next_deadline(self) -> float | None:
        return min((due for _, due in self._closing.values()), default=None)

    def fire(self, now: float) -> None:
        for record in [record for record, (_, due) in self._closing.items() if due <= now]:
            self._finish(record)

    def stop(self) -> None:
        """Take what has come, and close all recordings that were to be closed."""
        for stream in list(self._streams.values()):
            while self._read(stream):
                pass
        for record in list(self._closing):
            self._finish(record)
        self._listener.close()
