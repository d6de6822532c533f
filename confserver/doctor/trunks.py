"""Hosts of trunks, asked whether they live (OPTIONS, RFC 3261 section 11)."""

from __future__ import annotations

import secrets
import socket

from confserver.config.checks import trunk_host
from confserver.config.trunks import Trunk
from confserver.doctor.finding import Finding, fault, ok, warning
from confserver.doctor.ground import Ground
from confserver.doctor.reach import addresses_of

CHECK = "trunks"
WAIT_S, TIMES = 1.0, 3
DEAD = (408, 503)
PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}


def check_trunks(ground: Ground) -> list[Finding]:
    found = [_asked(trunk, text) for trunk in ground.settings.trunks for text in trunk.hosts]
    return found or [ok(CHECK, "there are none")]


def _asked(trunk: Trunk, text: str) -> Finding:
    name, port = trunk_host(text)
    transport = trunk.transport.lower()
    hosts = addresses_of(name)
    if not hosts:
        return fault(CHECK, f"{trunk.name}: {name} has no address", "look at the name, or at the machine's DNS")
    address = hosts[0], port or PORTS.get(transport, 5060)
    where = f"{trunk.name}: {text}"
    if transport != "udp":
        why = connects(address)
        if why:
            return fault(CHECK, f"{where} takes no connection: {why}", "ask the carrier; look at the firewall")
        return ok(CHECK, f"{where} takes connections by {transport.upper()}")
    status = options(address)
    fix = "ask the carrier whether it knows our address; look at the firewall"
    if status is None:
        return fault(CHECK, f"{where} does not answer OPTIONS", fix)
    if status in DEAD:
        return warning(CHECK, f"{where} answers {status}: it takes no calls now", fix)
    return ok(CHECK, f"{where} answers ({status})")


def connects(address: tuple[str, int]) -> str:
    """Why no connection comes about; empty: it does."""
    try:
        with socket.create_connection(address, timeout=WAIT_S * TIMES):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def options(address: tuple[str, int]) -> int | None:
    """The status that it answers with; None: it does not."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as here:
        try:
            here.connect(address)
            here.settimeout(WAIT_S)
            request = _request(address, here.getsockname()[:2])
            for _ in range(TIMES):
                here.send(request)
                try:
                    return _status(here.recv(65536))
                except TimeoutError:
                    continue
        except OSError:
            return None
    return None


def _status(data: bytes) -> int | None:
    words = data[:32].split(b" ")
    is_answer = len(words) > 1 and words[0] == b"SIP/2.0" and words[1].isdigit()
    return int(words[1]) if is_answer else None


def _request(to: tuple[str, int], here: tuple[str, int]) -> bytes:
    host, own = (f"[{each}]" if ":" in each else each for each in (to[0], here[0]))
    lines = [
        f"OPTIONS sip:{host}:{to[1]} SIP/2.0",
        f"Via: SIP/2.0/UDP {own}:{here[1]};branch=z9hG4bK{secrets.token_hex(8)};rport",
        "Max-Forwards: 70",
        f"From: <sip:doctor@{own}:{here[1]}>;tag={secrets.token_hex(4)}",
        f"To: <sip:{host}:{to[1]}>",
        f"Call-ID: {secrets.token_hex(8)}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:doctor@{own}:{here[1]}>",
        "Accept: application/sdp",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
