"""What the callers of the bench say, as bytes, and what they read of an answer: no parser, so that they cost little."""

from __future__ import annotations

from dataclasses import dataclass

from confserver.sip.flow import Address, written

MARK = b"@bench"
"""Ends our Call-IDs; before it stands the number of the task."""

_SDP = (
    "v=0\r\no=- {number} 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


@dataclass(frozen=True, slots=True)
class Place:
    """``server``: who is asked; ``local``: our socket; ``media``: where calls have their sound, one after the other."""

    server: Address
    local: Address
    media: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What counts of a response."""

    number: int
    status: int
    method: str
    to: bytes
    contact: bytes
    """The URI; empty where there is none."""
    media_port: int = 0
    why: str = ""
    """The words of its Warning."""


def answer_of(data: bytes) -> Answer | None:
    """None for what is no answer to us."""
    if not data.startswith(b"SIP/2.0 "):
        return None
    call_id = _line(data, b"\r\nCall-ID: ")
    number, at, _ = call_id.partition(MARK)
    words = _line(data, b"\r\nCSeq: ").split()
    if not at or not number.isdigit() or not data[8:11].isdigit() or len(words) != 2:
        return None
    contact = _line(data, b"\r\nContact: ").partition(b"<")[2].partition(b">")[0]
    port = _line(data, b"\r\nm=audio ").partition(b" ")[0]
    media_port = int(port) if port.isdigit() and len(port) < 6 else 0
    why = _line(data, b"\r\nWarning: ").partition(b'"')[2].rpartition(b'"')[0].decode("utf-8", "replace")
    to = _line(data, b"\r\nTo: ")
    return Answer(int(number), int(data[8:11]), words[1].decode(), to, contact, media_port, why)


def _line(data: bytes, begin: bytes) -> bytes:
    start = data.find(begin)
    if start < 0:
        return b""
    start += len(begin)
    return data[start : data.find(b"\r\n", start)]


def reply_to(data: bytes) -> bytes:
    """200 to a request of theirs (OPTIONS, BYE, MESSAGE): the headers that an answer repeats."""
    head = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
    kept = [line for line in head[1:] if line[:5].lower() in (b"via: ", b"from:", b"to: <", b"call-", b"cseq:")]
    kept = [line + b";tag=b" if line.startswith(b"To: ") and b";tag=" not in line else line for line in kept]
    return b"\r\n".join([b"SIP/2.0 200 OK", *kept, b"Content-Length: 0", b"", b""])


def request(
    method: str,
    uri: str,
    place: Place,
    number: int,
    cseq: int,
    *,
    to: str = "",
    user: str = "",
    lines: tuple[str, ...] = (),
    body: str = "",
    content_type: str = "",
) -> bytes:
    """``user``: who asks; by default one for each number."""
    user = user or f"b{number}"
    host, local = place.local[0], written(place.local)
    head = [f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/UDP {local};rport;branch=z9hG4bKb{number}-{cseq}{method}"]
    head += ["Max-Forwards: 70", f"From: <sip:{user}@{host}>;tag=f{number}", f"To: {to or f'<{uri}>'}"]
    head += [f"Call-ID: {number}{MARK.decode()}", f"CSeq: {cseq} {method}", f"Contact: <sip:{user}@{local}>", *lines]
    if body:
        head.append(f"Content-Type: {content_type}")
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", body]).encode()


def invite(place: Place, room: str, number: int) -> bytes:
    host, port = place.media[number % len(place.media)]
    body = _SDP.format(number=number + 1, host=host, port=port)
    uri = f"sip:{room}@{written(place.server)}"
    return request("INVITE", uri, place, number, 1, body=body, content_type="application/sdp")


def in_call(method: str, place: Place, answer: Answer, cseq: int) -> bytes:
    """ACK or BYE in the dialog that an answer to our INVITE has made."""
    uri = answer.contact.decode("ascii", "replace") or f"sip:{written(place.server)}"
    return request(method, uri, place, answer.number, cseq, to=answer.to.decode("utf-8", "replace"))


def register(place: Place, user: str, number: int, expires: int = 3600) -> bytes:
    server = written(place.server)
    lines = (f"Expires: {expires}",)
    return request("REGISTER", f"sip:{server}", place, number, 1, to=f"<sip:{user}@{server}>", user=user, lines=lines)


def message(place: Place, user: str, number: int) -> bytes:
    uri = f"sip:{user}@{written(place.server)}"
    return request("MESSAGE", uri, place, number, 1, body="hello", content_type="text/plain")
