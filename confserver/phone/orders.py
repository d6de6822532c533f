"""What the robot is asked to do, and what it says at the end."""

from __future__ import annotations

import ipaddress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from confserver.sip.grammar import Malformed
from confserver.sip.uri import Uri, parse_uri

TRANSPORTS = ("udp", "tcp", "tls", "ws", "wss")
PORTS = range(30000, 32766, 2)
"""Where its media are, unless it is told otherwise: below what systems give out by themselves."""
LEAST_PORT, MOST_PORT = 1024, 65535


class BadOrders(ValueError):
    """Wrong usage; one line for people."""


class CallFailed(Exception):
    """The call cannot be, or cannot go on; one line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    target: Uri
    transport: str = "udp"
    """Where the URI names none."""
    play: Path | None = None
    tone_hz: float | None = None
    record: Path | None = None
    seconds: float | None = None
    """From the answer on; None: until somebody hangs up."""
    hold_at: float | None = None
    resume_at: float | None = None
    """Seconds from the answer on."""
    name: str = "confserver"
    bind: str | None = None
    ports: range = PORTS
    """Even ports for its media."""
    user: str = ""
    """The user that it is, where the server asks for a password; "" for none."""
    password: str = field(default="", repr=False)
    is_insecure: bool = False
    """Believe any certificate."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """The call's final statistics."""

    status: int = 0
    """Of the final answer to our INVITE; 0 where none came."""
    error: str | None = None
    ended_by: str | None = None
    """``us`` or ``them``; None for a call that was never answered."""
    set_up_ms: float | None = None
    duration_s: float = 0.0
    codec: str | None = None
    remote: str | None = None
    """Where our sound went."""
    ssrc: int = 0
    sent: int = 0
    received: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    rtt_ms: float | None = None

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def summary(self) -> str:
        """One line for people."""
        rtt = f", round trip {self.rtt_ms:.1f} ms" if self.rtt_ms is not None else ""
        return (
            f"{self.duration_s:.1f} s, {self.codec} with {self.remote}: sent {self.sent} packets, "
            f"received {self.received}, lost {self.lost}, jitter {self.jitter_ms:.1f} ms{rtt}"
        )


def destination(text: str) -> Uri:
    """Whom to call. Raises BadOrders."""
    try:
        uri = parse_uri(text)
    except Malformed as error:
        raise BadOrders(f"{error}; dial for example sip:standup@192.0.2.1") from None
    if not uri.is_sip or not uri.host:
        raise BadOrders(f"cannot call {uri.scheme} URIs; dial for example sip:standup@192.0.2.1")
    transport = (uri.param("transport") or "udp").lower()
    if transport not in TRANSPORTS:
        raise BadOrders(f"cannot call by {transport}, only by {', '.join(TRANSPORTS)}")
    return uri


def local_address(text: str | None) -> str | None:
    """Where to call from, as the kernel writes it. Raises BadOrders."""
    if text is None:
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise BadOrders(f"{text} is not an IP address to call from") from None


def media_ports(text: str | None) -> range:
    """The even ports of FIRST-LAST, each with the odd one behind it. Raises BadOrders."""
    if text is None:
        return PORTS
    first, _, last = text.partition("-")
    if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit() and len(text) < 12):
        raise BadOrders(f"{text[:40]} is no range of ports, such as 40000-40099")
    found = range(int(first) + int(first) % 2, int(last), 2)
    if not found or int(first) < LEAST_PORT or int(last) > MOST_PORT:
        raise BadOrders(f"{text} holds no pair of ports from {LEAST_PORT} to {MOST_PORT}")
    return found
