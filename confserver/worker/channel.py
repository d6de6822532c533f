"""The worker's end of the line to the signalling process. Never blocks: what does not fit waits."""

from __future__ import annotations

import socket

import msgspec

from confserver.contract import FromWorker, MediaCommand, command_unpacker, packed

_MOST_WAITING = 64 * 1024 * 1024


class ChannelClosed(Exception):
    """The signalling process is gone; the worker has nothing to live for."""


class ChannelBroken(Exception):
    """What comes is no message; the text says why. Nothing after it can be read."""


class Channel:
    """Commands in, events out, over a connected stream socket."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._unpacker = command_unpacker()
        self._waiting = bytearray()

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> list[MediaCommand]:
        """All commands that have come. Raises ChannelClosed, ChannelBroken."""
        commands: list[MediaCommand] = []
        while True:
            try:
                data = self._socket.recv(1 << 18)
            except BlockingIOError:
                return commands
            except OSError as error:
                raise ChannelClosed from error
            if not data:
                raise ChannelClosed
            try:
                commands.extend(self._unpacker.feed(data))
            except (msgspec.MsgspecError, ValueError) as error:
                raise ChannelBroken(str(error)) from error

    def send(self, events: list[FromWorker]) -> None:
        """Raises ChannelClosed, also where the other end has not read for far too long."""
        for event in events:
            self._waiting += packed(event)
        while self._waiting:
            try:
                sent = self._socket.send(self._waiting)
            except BlockingIOError:
                break
            except OSError as error:
                raise ChannelClosed from error
            del self._waiting[:sent]
        if len(self._waiting) > _MOST_WAITING:
            raise ChannelClosed
