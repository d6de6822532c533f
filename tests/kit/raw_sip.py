"""SIP as text, for tests that talk to the server from outside: nothing of the server's own parser is used.

``Message`` reads just enough of what a correct server sends; ``request`` writes any request, also wrong ones.
"""

from __future__ import annotations

import itertools
import secrets
import socket
import time
from dataclasses import dataclass

Address = tuple[str, int]

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Message:
    start: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @classmethod
    def read(cls, data: bytes) -> Message:
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        pairs = [line.partition(":") for line in lines]
        return cls(start, tuple((name.strip(), value.strip()) for name, _, value in pairs), body)

    @property
    def is_response(self) -> bool:
        return self.start.startswith("SIP/2.0 ")

    @property
    def status(self) -> int:
        return int(self.start.split()[1]) if self.is_response else 0

    @property
    def method(self) -> str:
        return self.header("CSeq").split()[1] if self.is_response else self.start.split()[0]

    def header(self, name: str) -> str:
        """The first of that name, "" for none."""
        return next((value for n, value in self.headers if n.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        return [value for n, value in self.headers if n.lower() == name.lower()]

    @property
    def media(self) -> Address:
        """Where the SDP in the body wants its first stream."""
        lines = self.body.splitlines()
        hosts = [line.split()[-1] for line in lines if line.startswith("c=")]
        ports = [int(line.split()[1]) for line in lines if line.startswith("m=")]
        return hosts[-1], ports[0]


def token() -> str:
    return secrets.token_hex(6)


def branch() -> str:
    return "z9hG4bK" + token()


def written(start: str, headers: list[tuple[str, str]], body: str = "", content_type: str = "application/sdp") -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append(f"Content-Type: {content_type}")
    lines.append(f"Content-Length: {len(body.encode())}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def request(
    method: str,
    uri: str,
    local: Address,
    *,
    name: str = "test",
    tag: str | None = None,
    to: str | None = None,
    call_id: str | None = None,
    cseq: int = 1,
    cseq_method: str | None = None,
    via_branch: str | None = None,
    more: tuple[tuple[str, str], ...] = (),
    body: str = "",
    content_type: str = "application/sdp",
) -> bytes:
    """A request as a phone would write it; ``more`` are further headers."""
    host, port = local
    headers = [
        ("Via", f"SIP/2.0/UDP {host}:{port};rport;branch={via_branch or branch()}"),
        ("Max-Forwards", "70"),
        ("From", f'"{name}" <sip:{name}@{host}:{port}>;tag={tag or token()}'),
        ("To", to or f"<{uri}>"),
        ("Call-ID", call_id or f"{next(_numbers)}-{token()}"),
        ("CSeq", f"{cseq} {cseq_method or method}"),
        ("Contact", f"<sip:{name}@{host}:{port}>"),
        *more,
    ]
    return written(f"{method} {uri} SIP/2.0", headers, body, content_type)


def offer(
    host: str, port: int, *, direction: str = "sendrecv", formats: str = "0", extra: str = "", version: int = 1
) -> str:
    """An SDP with one audio stream: PCMU, or whatever ``formats`` says."""
    lines = [
        "v=0",
        f"o=- 4711 {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {formats}",
        *extra.split("|"),
        f"a={direction}",
    ]
    return "".join(line + "\r\n" for line in lines if line)


class SipSocket:
    """A UDP socket that asks one thing and waits for its answers."""

    def __init__(self, server: Address, host: str = "127.0.0.1") -> None:
        self.server = server
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))

    @property
    def local(self) -> Address:
        host, port = self.socket.getsockname()
        return host, port

    def __enter__(self) -> SipSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendto(data, self.server)

    def receive(self, timeout: float = 2.0) -> Message | None:
        self.socket.settimeout(max(timeout, 0.001))
        try:
            return Message.read(self.socket.recv(65536))
        except TimeoutError:
            return None

    def final(self, timeout: float = 5.0) -> Message:
        """The next final response; raises AssertionError where none comes."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            message = self.receive(left)
            if message is not None and message.is_response and message.status >= 200:
                return message
        raise AssertionError("no final response came")

    def ask(self, data: bytes, timeout: float = 5.0) -> Message:
        """Send a request and give back its final answer; an INVITE refused is acknowledged."""
        self.send(data)
        answer = self.final(timeout)
        if answer.method == "INVITE" and answer.status >= 300:
            self.send(acknowledgement(data, answer))
        return answer


def acknowledgement(invite: bytes, answer: Message) -> bytes:
    """The ACK to a refused INVITE: in its transaction (RFC 3261 section 17.1.1.3)."""
    asked = Message.read(invite)
    headers = [(name, asked.header(name)) for name in ("Via", "Max-Forwards", "From", "Call-ID")]
    headers += [("To", answer.header("To")), ("CSeq", asked.header("CSeq").split()[0] + " ACK")]
    return written(f"ACK {asked.start.split()[1]} SIP/2.0", headers)
