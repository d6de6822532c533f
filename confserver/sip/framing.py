"""Cuts messages out of a stream (RFC 3261 section 18.3; RFC 5626 section 4.4.1 for pings).

    bytes of a connection -> [CRLF ...] head, empty line, Content-Length bytes of body -> one message, not yet read

What has been searched is not searched again: the work is linear however the bytes are cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from confserver.sip.grammar import SPACE, Malformed
from confserver.sip.head import MOST_BYTES, content_length, read_head
from confserver.sip.message import remains_of

_FOLD = re.compile(rb"\r\n[ \t]++")
_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*+:([^\r\n]*+)", re.IGNORECASE)
_END = b"\r\n\r\n"
_EMPTY_LINES = re.compile(rb"(?:\r\n)++")


@dataclass(frozen=True, slots=True)
class Ping:
    """CRLF CRLF between messages: the peer wants one CRLF back, to know that the connection lives.

    However many come at once are one: a flood of them must cost nothing.
    """


class StreamFramer:
    """One direction of one connection."""

    __slots__ = ("_buffer", "_is_half_ping", "_is_lost", "_length", "_searched")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        """So far there is no end of a head."""
        self._length = 0
        """Of the first message in the buffer; 0 while its head is not complete."""
        self._is_half_ping = False
        self._is_lost = False

    def feed(self, data: bytes) -> Iterator[bytes | Ping]:
        """Give out all that is complete now, in order; iterate to the end.

        Raises Malformed where the stream cannot be cut any more, behind all that came before. Then close the
        connection; further bytes are not looked at.
        """
        if self._is_lost:
            return
        self._buffer += data
        while (piece := self._next()) is not None:
            yield piece

    def _next(self) -> bytes | Ping | None:
        if not self._length and self._take_ping():
            return Ping()
        self._length = self._length or self._measure()
        if not self._length or len(self._buffer) < self._length:
            return None
        message = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        self._length = self._searched = 0
        self._is_half_ping = False
        return message

    def forget_half_ping(self) -> None:
        """The one empty line that has come was an answer to a ping of ours, or the next one will be."""
        self._is_half_ping = False

    def _take_ping(self) -> bool:
        """Take the empty lines before a message away; True for two and more."""
        found = _EMPTY_LINES.match(self._buffer)
        if found is None:
            return False
        count = self._is_half_ping + found.end() // 2
        del self._buffer[: found.end()]
        self._is_half_ping = count % 2 == 1
        return count > 1

    def _measure(self) -> int:
        """How long the first message is; 0 while unknown."""
        end = self._buffer.find(_END, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(_END) + 1)
            if len(self._buffer) > MOST_BYTES:
                raise self._lost("the headers have no end", 513)
            return 0
        end += len(_END)
        try:
            length = end + content_length(_lengths(self._buffer[:end]))
        except Malformed as fault:
            raise self._lost(fault.reason, fault.status) from None
        if length > MOST_BYTES:
            raise self._lost(f"a message of {length} bytes", 513)
        return length

    def _lost(self, reason: str, status: int) -> Malformed:
        self._is_lost = True
        remains = remains_of(read_head(bytes(self._buffer[:MOST_BYTES])))
        self._buffer.clear()
        return Malformed(reason, status, remains)


def _lengths(head: bytearray) -> list[str]:
    """All values of Content-Length. Without one a message of a stream has no body.

    Must find what ``head.read_head`` finds, or peers could hide messages in each other's bodies.
    """
    return [value.decode("latin-1").strip(SPACE) for value in _LENGTH.findall(_FOLD.sub(b" ", head))]
