"""From bytes to a start line, header lines and a body (RFC 3261 section 7.3.1): limits, folding, Content-Length.

Nothing here knows what a header means. A fault does not end the reading: whoever breaks the rules may still be
owed an answer, and what can be read of the message is needed to give it.

    datagram or framed message
      | CRLFs before the start line are passed over (7.5)
      | head, up to the first empty line: decoded, unfolded, cut into names and values
      | body: as long as Content-Length says; without one, the rest
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from confserver.sip.grammar import MOST_VALUES, SPACE, Malformed, number, split_commas
from confserver.sip.names import LISTS, canonical

MOST_BYTES = 64 * 1024
MOST_HEADERS = 128
MOST_LINE = 8 * 1024

_FOLD = re.compile(r"\r\n[ \t]++")
_BREAK = re.compile(r"[\r\n]")


@dataclass(slots=True)
class Head:
    """A message cut up. ``lines`` has no Content-Length. ``fault`` is the first thing found wrong."""

    start: str = ""
    lines: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    fault: Malformed | None = None

    def blame(self, reason: str, status: int = 400) -> None:
        self.fault = self.fault or Malformed(reason, status)


def read_head(data: bytes) -> Head:
    """Cut a message up. Never raises; see ``Head.fault``."""
    head = Head()
    if len(data) > MOST_BYTES:
        head.blame(f"a message of {len(data)} bytes", 513)
        data = data[:MOST_BYTES]
    if data[:1] in b"\r\n":
        data = data.lstrip(b"\r\n")
    end = data.find(b"\r\n\r\n")
    if end < 0:
        head.blame("no empty line behind the headers")
        end = len(data)
    lines = _text_lines(head, data[:end])
    head.start = lines[0]
    lengths = _read_lines(head, lines)
    if head.fault is not None:
        head.lines = [line for line in head.lines if not _BREAK.search(line[1])]
    if data.count(b",") >= MOST_VALUES:
        _count_values(head)
    _take_body(head, data[end + 4 :], lengths)
    return head


def _text_lines(head: Head, data: bytes) -> list[str]:
    """Decode (bytes that are not UTF-8 survive as surrogates), unfold and split."""
    text = _FOLD.sub(" ", data.decode("utf-8", "surrogateescape"))
    lines = text.split("\r\n")
    if text.count("\r") >= len(lines) or text.count("\n") >= len(lines):
        head.blame("a lonely CR or LF")
    if len(lines) > MOST_HEADERS + 1:
        head.blame(f"{len(lines) - 1} headers")
        del lines[MOST_HEADERS + 1 :]
    if len(text) > MOST_LINE and any(len(line) > MOST_LINE for line in lines):
        head.blame("a line too long", 414 if _is_long_request_line(lines[0]) else 400)
        lines[0] = lines[0] if len(lines[0]) <= MOST_LINE else lines[0].partition(" ")[0][:MOST_LINE]
        lines = [line if len(line) <= MOST_LINE else "" for line in lines]
    return lines


def _is_long_request_line(line: str) -> bool:
    """RFC 3261 21.4.12: it is the Request-URI that is too long."""
    return len(line) > MOST_LINE and not line.startswith("SIP/")


def _read_lines(head: Head, lines: list[str]) -> list[str]:
    """Cut all lines but the first into name and value. Gives the values of Content-Length."""
    lengths: list[str] = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            head.blame(f"a header without a colon: {line[:40]!r}")
            continue
        try:
            name = canonical(name)
        except Malformed as fault:
            head.blame(fault.reason)
            continue
        if name == "Content-Length":
            lengths.append(value.strip(SPACE))
        else:
            head.lines.append((name, value.strip(SPACE)))
    return lengths


def _count_values(head: Head) -> None:
    for index, (name, value) in enumerate(head.lines):
        if name in LISTS and value.count(",") >= MOST_VALUES and len(values := split_commas(value)) > MOST_VALUES:
            head.blame(f"{len(values)} values of {name}")
            head.lines[index] = (name, values[0])


def content_length(values: list[str]) -> int:
    """The one length that all values say; 0 where there are none. Raises Malformed."""
    lengths = {number(value, 0xFFFFFFFF) for value in values}
    if len(lengths) > 1:
        raise Malformed("Content-Length twice, and different")
    return lengths.pop() if lengths else 0


def _take_body(head: Head, rest: bytes, lengths: list[str]) -> None:
    try:
        length = content_length(lengths) if lengths else len(rest)
    except Malformed as fault:
        head.blame(fault.reason)
        return
    if length > len(rest):
        head.blame(f"Content-Length {length}, but {len(rest)} bytes came")
    head.body = rest[:length]
