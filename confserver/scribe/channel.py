"""The scribe's end of the line to the signalling process."""

from __future__ import annotations

import contextlib
import os
import socket
import threading

import msgspec

from confserver.contract import FromScribe, ScribeCommand, packed, scribe_command_unpacker


class ChannelClosed(Exception):
    """The signalling process is gone, or what comes is no message: there is nothing to live for."""


class Channel:
    """Commands in, events out. Any thread may say something; only the loop reads and sends."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._unpacker = scribe_command_unpacker()
        self._waiting = bytearray()
        self._guard = threading.Lock()
        self._bell, self._rope = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def bell(self) -> int:
        """Readable when a thread has said something; ``send`` then sends it."""
        return self._bell

    def receive(self) -> list[ScribeCommand]:
        """All commands that have come. Raises ChannelClosed."""
        commands: list[ScribeCommand] = []
        while True:
            try:
                data = self._socket.recv(1 << 18)
                commands.extend(self._unpacker.feed(data))
            except BlockingIOError:
                return commands
            except (OSError, msgspec.MsgspecError, ValueError) as error:
                raise ChannelClosed(str(error)) from error
            if not data:
                raise ChannelClosed

    def say(self, event: FromScribe) -> None:
        with self._guard:
            self._waiting += packed(event)
        with contextlib.suppress(BlockingIOError):
            os.write(self._rope, b"!")

    def send(self) -> bool:
        """Send what has been said; whether something is left. Raises ChannelClosed."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._bell, 4096)
        with self._guard:
            try:
                while self._waiting:
                    del self._waiting[: self._socket.send(self._waiting)]
            except BlockingIOError:
                return True
            except OSError as error:
                raise ChannelClosed(str(error)) from error
        return False
