"""Messages as bytes on a channel, and back."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from confserver.contract.commands import MediaCommand, ToWorker
from confserver.contract.events import FromWorker, MediaEvent

MOST_BYTES = 16 * 1024 * 1024

_encoder = msgspec.msgpack.Encoder()
_commands = msgspec.msgpack.Decoder(MediaCommand)
_events = msgspec.msgpack.Decoder(MediaEvent)
_LENGTH = struct.Struct("!I")


def packed(message: ToWorker | FromWorker) -> bytes:
    """Write a message as it goes over the channel."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Unpacker:
    """Cuts a channel's byte stream into messages.

    Raises msgspec.DecodeError (or ValueError for an absurd length) on anything else: the channel is then useless.
    """

    def __init__(self, decoder: msgspec.msgpack.Decoder[MediaCommand] | msgspec.msgpack.Decoder[MediaEvent]) -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[MediaCommand | MediaEvent]:
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MOST_BYTES:
                raise ValueError(f"a message of {length} bytes")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            try:
                yield self._decoder.decode(body)
            except RecursionError as nested:
                raise ValueError("a message nested without end") from nested


def command_unpacker() -> Unpacker:
    return Unpacker(_commands)


def event_unpacker() -> Unpacker:
    return Unpacker(_events)
