"""Messages as bytes on a channel, and back."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from confserver.contract.commands import MediaCommand, ToWorker
from confserver.contract.events import FromWorker, MediaEvent
from confserver.contract.scribe import FromScribe, ScribeCommand, ScribeEvent, ToScribe

MOST_BYTES = 16 * 1024 * 1024

_Message = TypeVar("_Message")
_encoder = msgspec.msgpack.Encoder()
_commands = msgspec.msgpack.Decoder(MediaCommand)
_events = msgspec.msgpack.Decoder(MediaEvent)
_scribe_commands = msgspec.msgpack.Decoder(ScribeCommand)
_scribe_events = msgspec.msgpack.Decoder(ScribeEvent)
_LENGTH = struct.Struct("!I")


def packed(message: ToWorker | FromWorker | ToScribe | FromScribe) -> bytes:
    """Write a message as it goes over the channel."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Unpacker(Generic[_Message]):
    """Cuts a channel's byte stream into messages.

    Raises msgspec.DecodeError (or ValueError for an absurd length) on anything else: the channel is then useless.
    """

    def __init__(self, decoder: msgspec.msgpack.Decoder[_Message]) -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[_Message]:
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


def command_unpacker() -> Unpacker[MediaCommand]:
    return Unpacker(_commands)


def event_unpacker() -> Unpacker[MediaEvent]:
    return Unpacker(_events)


def scribe_command_unpacker() -> Unpacker[ScribeCommand]:
    return Unpacker(_scribe_commands)


def scribe_event_unpacker() -> Unpacker[ScribeEvent]:
    return Unpacker(_scribe_events)
