"""message/cpim (RFC 3862): a text message with who said it, to whom and when, in an envelope of its own.

::

    From: Anna <sip:anna@example.com>        the message's headers (section 2.2)
    To: <sip:standup@192.0.2.1>
    DateTime: 2026-11-29T16:00:00Z
                                             an empty line
    Content-Type: text/plain; charset=utf-8  the content's (section 2.5)
                                             an empty line
    hello
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from confserver.sip.grammar import Malformed

TYPE = "message/cpim"
PLAIN = "text/plain"
MOST_HEADERS = 32
MOST_LINE = 1024
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]++")
_ADDRESS = re.compile(r'[ \t]*+(?:"((?:[^"\\]++|\\.)*+)"|([^<>"]*+))[ \t]*+<([^<>]++)>')
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|([^u]))")
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Address:
    """``name`` is "" where there is none."""

    name: str
    uri: str

    def __str__(self) -> str:
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{self.uri}>' if self.name else f"<{self.uri}>"


@dataclass(frozen=True, slots=True)
class Cpim:
    """``at``: epoch seconds, None where it is not said. ``content_type`` is in lower case, without parameters."""

    from_: Address
    to: tuple[Address, ...]
    content: bytes
    content_type: str = PLAIN
    at: float | None = None
    subject: str = ""
    others: tuple[tuple[str, str], ...] = field(default=())

    def text(self) -> str:
        """Raises Malformed for what is no text."""
        return text_of(self.content)


def text_of(content: bytes) -> str:
    """Raises Malformed."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a message that is not UTF-8") from None


def parse_cpim(body: bytes) -> Cpim:
    """Raises Malformed, also for a header that must be understood (section 2.3.2: Require)."""
    head, content = _parted(body)
    inner, content = _parted(content)
    headers, content_headers = _headers(head), _headers(inner)
    said = {name.lower(): value for name, value in headers}
    if "from" not in said or "to" not in said:
        raise Malformed("message/cpim without From or To")
    if "require" in said:
        raise Malformed(f"message/cpim that requires {said['require'][:40]!r}")
    types = [value for name, value in content_headers if name.lower() == "content-type"]
    return Cpim(
        from_=_address(said["from"]),
        to=tuple(_address(value) for name, value in headers if name.lower() == "to"),
        content=content,
        content_type=types[0].partition(";")[0].strip().lower() if types else PLAIN,
        at=_time(said.get("datetime", "")),
        subject=said.get("subject", ""),
        others=tuple((n, v) for n, v in headers if n.lower() not in ("from", "to", "datetime", "subject")),
    )


def write_cpim(message: Cpim) -> bytes:
    """All in UTF-8; what would break a line is escaped (section 2.3)."""
    lines = [("From", str(message.from_)), *(("To", str(each)) for each in message.to)]
    if message.at is not None:
        lines.append(("DateTime", datetime.fromtimestamp(message.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))
    if message.subject:
        lines.append(("Subject", message.subject))
    head = "".join(f"{name}: {_escaped(value)}\r\n" for name, value in (*lines, *message.others))
    charset = "; charset=utf-8" if message.content_type.startswith("text/") else ""
    text = f"{head}\r\nContent-Type: {message.content_type}{charset}\r\n\r\n"
    return text.encode("utf-8", "replace") + message.content


def _parted(body: bytes) -> tuple[bytes, bytes]:
    """Headers, and what follows the first empty line; some write LF alone."""
    for gap in (b"\r\n\r\n", b"\n\n"):
        head, found, rest = body.partition(gap)
        if found:
            return head, rest
    raise Malformed("message/cpim without an empty line")


def _headers(head: bytes) -> list[tuple[str, str]]:
    lines = [line for line in text_of(head).replace("\r\n", "\n").split("\n") if line]
    if len(lines) > MOST_HEADERS or any(len(line) > MOST_LINE for line in lines):
        raise Malformed("message/cpim with too many or too long headers")
    found = [line.partition(":") for line in lines]
    for name, colon, _ in found:
        if not colon or _NAME.fullmatch(name) is None:
            raise Malformed(f"not a header of message/cpim: {name[:40]!r}")
    return [(name, _unescaped(value.strip(" \t"))) for name, _, value in found]


def _address(value: str) -> Address:
    found = _ADDRESS.fullmatch(value)
    if found is None:
        raise Malformed(f"not an address of message/cpim: {value[:40]!r}")
    quoted, plain, uri = found.groups()
    name = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain.strip(" \t")
    return Address(name, uri)


def _time(value: str) -> float | None:
    """RFC 3339; None where it cannot be read."""
    try:
        return datetime.fromisoformat(value).timestamp() if value else None
    except (ValueError, OverflowError, OSError):
        return None


def _escaped(value: str) -> str:
    return "".join(char if char >= " " and char != "\x7f" else f"\\u{ord(char):04x}" for char in value)


def _unescaped(value: str) -> str:
    def plain(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else _SHORT.get(found[2], found[0])

    return _ESCAPE.sub(plain, value)
