"""Requests and responses: between bytes and values (RFC 3261 sections 7, 8.1.1, 8.2.6 and 20).

What ``parse`` gives out has a readable top Via, From, To, Call-ID and CSeq; all other headers are read when
asked for, and may then prove malformed. A broken request raises Malformed with what is needed to answer it.
Content-Length is framing, not content: it is checked and dropped by ``parse``, and counted anew by ``encode``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from confserver.sip.doorkeeper import Identity
from confserver.sip.grammar import SPACE, Malformed, Unwritable, is_token, number
from confserver.sip.head import Head, read_head
from confserver.sip.headers import (
    CSeq,
    Headers,
    NameAddr,
    Via,
    parse_contacts,
    parse_cseq,
    parse_name_addr,
    parse_via,
)
from confserver.sip.names import SINGLE
from confserver.sip.reasons import REASONS
from confserver.sip.uri import Uri, parse_uri

__all__ = ["REASONS", "Request", "Response", "parse", "response_to"]

VERSION = "SIP/2.0"
MOST_HOPS = 255
"""RFC 3261 20.22."""

MOST_URI = 2048
"""414 to more (21.4.12)."""

_UNREADABLE = Uri("sip", host="unreadable.invalid")
_NEEDED_TO_ANSWER = ("From", "To", "Call-ID", "CSeq", "Timestamp")
_COPIED = frozenset((*_NEEDED_TO_ANSWER, "Via", "Record-Route"))
_MAKES_DIALOG = frozenset(("INVITE", "SUBSCRIBE", "REFER", "NOTIFY"))


class Message:
    """What requests and responses have in common."""

    __slots__ = ()
    headers: Headers
    body: bytes

    @property
    def start_line(self) -> str:
        raise NotImplementedError

    @property
    def via(self) -> Via:
        """The top one."""
        return self.headers.typed("Via", parse_via)

    @property
    def vias(self) -> list[Via]:
        return [parse_via(value) for value in self.headers.get_all("Via")]

    @property
    def from_(self) -> NameAddr:
        return self.headers.typed("From", parse_name_addr)

    @property
    def to(self) -> NameAddr:
        return self.headers.typed("To", parse_name_addr)

    @property
    def call_id(self) -> str:
        return self.headers.get("Call-ID") or ""

    @property
    def cseq(self) -> CSeq:
        return self.headers.typed("CSeq", parse_cseq)

    @property
    def contacts(self) -> list[NameAddr] | Literal["*"]:
        return parse_contacts(self.headers)

    @property
    def content_type(self) -> str:
        """In lower case, without parameters; "" where there is none."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip(SPACE).lower()

    @property
    def size(self) -> int:
        """Of headers and body, in characters and bytes: about what it costs to keep the message."""
        return sum(len(name) + len(value) + 4 for name, value in self.headers) + len(self.body)

    def encode(self) -> bytes:
        """Write the message. Raises Unwritable where a value would begin a new line."""
        lines = [self.start_line]
        lines += [f"{name}: {value}" for name, value in self.headers if name != "Content-Length"]
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        text = "\r\n".join(lines)
        if text.count("\n") != len(lines) + 1 or text.count("\r") != len(lines) + 1:
            raise Unwritable("a line break in a header value")
        try:
            return text.encode("utf-8", "surrogateescape") + self.body
        except UnicodeEncodeError as error:
            raise Unwritable("a header value that is not text") from error

    def __bytes__(self) -> bytes:
        return self.encode()


@dataclass(slots=True)
class Request(Message):
    method: str
    uri: Uri
    headers: Headers
    body: bytes = b""
    identity: Identity | None = field(default=None, compare=False)
    """Who has sent it, where credentials have shown that; nothing on the wire says it."""

    @property
    def max_forwards(self) -> int | None:
        """None where the header is missing (RFC 2543)."""
        return self.headers.typed("Max-Forwards", _max_forwards) if "Max-Forwards" in self.headers else None

    @property
    def start_line(self) -> str:
        uri = str(self.uri)
        if not is_token(self.method) or " " in uri:
            raise Unwritable(f"not a request line: {self.method!r} {uri!r}")
        return f"{self.method} {uri} {VERSION}"

    def bare(self) -> Request:
        """Only what it asked for, and of whom."""
        return Request(self.method, self.uri, Headers())

    def __str__(self) -> str:
        return f"{self.method} {self.uri}"


@dataclass(slots=True)
class Response(Message):
    status: int
    reason: str
    headers: Headers
    body: bytes = b""

    @property
    def start_line(self) -> str:
        return f"{VERSION} {self.status} {self.reason}"

    def __str__(self) -> str:
        return f"{self.status} {self.reason}"


def parse(data: bytes) -> Request | Response:
    """Read one datagram or one framed message. Raises Malformed."""
    head = read_head(data)
    if head.start[:4].upper() == "SIP/":
        return _read_response(head)
    try:
        return _read_request(head)
    except Malformed as fault:
        raise Malformed(fault.reason, fault.status, remains_of(head)) from None


def _read_request(head: Head) -> Request:
    if head.fault is not None and head.fault.status == 414:
        raise head.fault  # nothing is left of the rest of the line
    method, _, rest = head.start.partition(" ")
    uri_text, _, version = rest.rpartition(" ")
    if version.upper() != VERSION:
        if version.upper().startswith("SIP/"):
            raise Malformed(f"version {version[:20]}", 505)
        raise Malformed(f"not a SIP request: {head.start[:60]!r}")
    if not is_token(method):
        raise Malformed(f"not a method: {method[:40]!r}")
    headers = _checked(head)
    if headers.typed("CSeq", parse_cseq).method != method:
        raise Malformed(f"CSeq {headers.get('CSeq')!r} in a request of method {method}")
    if len(uri_text) > MOST_URI:
        raise Malformed(f"a Request-URI of {len(uri_text)} characters", 414)
    uri = parse_uri(uri_text)
    if uri.headers:
        raise Malformed("headers in the Request-URI")  # 19.1.1
    if not uri.is_sip and uri.scheme != "tel":
        raise Malformed(f"scheme {uri.scheme}", 416)
    return Request(method, uri, headers, head.body)


def _read_response(head: Head) -> Response:
    version, _, rest = head.start.partition(" ")
    status, _, reason = rest.partition(" ")
    if version.upper() != VERSION:
        raise Malformed(f"a response of {version[:20]}", 505)
    if len(status) != 3 or number(status, 699) < 100:
        raise Malformed(f"bad status {status[:20]!r}")
    return Response(int(status), reason, _checked(head), head.body)


def _checked(head: Head) -> Headers:
    """The headers that every message needs (8.1.1): there, readable, unambiguous."""
    if head.fault is not None:
        raise head.fault
    headers = Headers.of_canonical(head.lines)
    headers.typed("Via", parse_via)
    headers.typed("From", parse_name_addr)
    headers.typed("To", parse_name_addr)
    headers.typed("CSeq", parse_cseq)
    if not headers.get("Call-ID"):
        raise Malformed("no Call-ID")
    first = dict(reversed(head.lines))
    if len(first) != len(head.lines):
        for name, value in head.lines:
            if name in SINGLE and first[name] != value:
                raise Malformed(f"{name} twice, and different")
    if "Max-Forwards" in first:
        headers.typed("Max-Forwards", _max_forwards)
    return headers


def _max_forwards(text: str) -> int:
    return number(text, MOST_HOPS)


def remains_of(head: Head) -> Request | None:
    """What is needed to answer a broken request; None where it has no readable Via, or is an ACK.

    Other values than the top Via may be missing or malformed: they are only fit to be copied into an answer.
    """
    words = head.start.split(" ")
    method = words[0]
    vias = [value for name, line in head.lines if name == "Via" for value in Headers([(name, line)]).get_all(name)]
    readable = [str(via) for via in map(_readable_via, vias) if via is not None]
    if not is_token(method) or method == "ACK" or not readable:
        return None
    lines = [("Via", via) for via in readable]
    for wanted in _NEEDED_TO_ANSWER:
        lines += [line for line in head.lines if line[0] == wanted][:1]
    try:
        uri = parse_uri(words[1] if len(words) > 1 else "")
    except Malformed:
        uri = _UNREADABLE
    return Request(method, uri, Headers.of_canonical(lines))


def _readable_via(text: str) -> Via | None:
    """A Via, if need be without the parameters that make no sense."""
    whole, *params = text.split(";")
    try:
        via = parse_via(text)
    except Malformed:
        try:
            via = parse_via(whole)
        except Malformed:
            return None
        for piece in params:
            name, equals, value = (part.strip(SPACE) for part in piece.partition("="))
            if is_token(name) and (is_token(value) or not equals):
                via = via.with_param(name, value if equals else None)
    return via


def response_to(request: Request, status: int, reason: str = "", to_tag: str = "") -> Response:
    """An answer with all that it must copy (8.2.6, 12.1.1). Works for the remains of a broken request, too."""
    there: dict[str, list[tuple[str, str]]] = {}
    for line in request.headers:
        if line[0] in _COPIED:
            there.setdefault(line[0], []).append(line)
    lines = [*there.get("Via", ()), *there.get("From", ())[:1]]
    lines += [(name, _tagged(request, value, status, to_tag)) for name, value in there.get("To", ())[:1]]
    lines += [*there.get("Call-ID", ())[:1], *there.get("CSeq", ())[:1]]
    if 100 < status < 300 and request.method in _MAKES_DIALOG:
        lines += there.get("Record-Route", ())
    if status == 100:
        lines += there.get("Timestamp", ())[:1]
    return Response(status, reason or REASONS.get(status, "Unknown"), Headers.of_canonical(lines))


def _tagged(request: Request, to: str, status: int, tag: str) -> str:
    if status == 100 or not tag:
        return to
    try:
        named = request.to
    except Malformed:
        named = None
    if named is not None and named.has_param("tag"):
        return to if named.tag else str(named.with_param("tag", tag))
    return f"{to.rstrip(' ;')};tag={tag}"
