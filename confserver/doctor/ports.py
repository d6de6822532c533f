"""Ports of SIP and of media: free, ours, or whose."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

from confserver.doctor.finding import Finding, fault, ok, warning
from confserver.doctor.ground import Ground

PAIRS_A_WORKER = 64
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
RESERVED = Path("/proc/sys/net/ipv4/ip_local_reserved_ports")


def check_sip(ground: Ground) -> list[Finding]:
    if ground.is_running:
        assert ground.status is not None
        return [ok("sip ports", f"the server has them: {_told(ground)}")]
    found = []
    for kind, host, port in _wanted(ground):
        why = trouble_with(kind, host, port)
        if why:
            other = owner_of(kind, port)
            whose = f" by {other}" if other else ""
            found.append(fault("sip ports", f"{kind} {port} at {host} {why}{whose}",
                               "stop what has it, or set another port (sip.*_port)"))  # fmt: skip
    return found or [ok("sip ports", "all are free")]


def _told(ground: Ground) -> str:
    ports = (ground.status or {}).get("sip_ports") or {}
    return ", ".join(f"{name} {port}" for name, port in ports.items()) or str((ground.status or {}).get("sip_port"))


def _wanted(ground: Ground) -> Iterator[tuple[str, str, int]]:
    sip = ground.settings.sip
    others = sip.other_ports()
    for host in sip.addresses or ground.addresses:
        for transport in sip.transports:
            port = sip.port if transport in ("udp", "tcp") else others.get(transport, 0)
            if port:
                yield "udp" if transport == "udp" else "tcp", host, port


def trouble_with(kind: str, host: str, port: int) -> str:
    """Why it cannot be bound; empty: it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as probe:
        if kind == "tcp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            return "is not allowed to this user"
        except OSError as error:
            return "is in use" if error.errno == 98 else f"cannot be had: {error.strerror}"
    return ""


def owner_of(kind: str, port: int) -> str:
    """The program that has a port, as far as /proc tells this user."""
    inodes = {line.split()[9] for name in (kind, f"{kind}6") for line in _lines(Path("/proc/net") / name)[1:]
              if line.split()[1].endswith(f":{port:04X}")}  # fmt: skip
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for link in (folder / "fd").iterdir():
                match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link))
                if match and match[1] in inodes:
                    return f"{(folder / 'comm').read_text().strip()} (process {folder.name})"
    return ""


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def check_media(ground: Ground) -> list[Finding]:
    """The range: large enough, nobody else's, and packets come through."""
    rtp, workers = ground.settings.rtp, ground.settings.media.worker_count()
    pairs = (rtp.port_max + 1 - rtp.port_min) // 2
    found: list[Finding] = []
    if pairs // workers < PAIRS_A_WORKER:
        found.append(warning("media ports", f"{pairs} pairs of ports for {workers} media processes are few",
                             "widen rtp.port_min to rtp.port_max"))  # fmt: skip
    taken = _overlap(rtp.port_min, rtp.port_max)
    if taken:
        found.append(warning("media ports", f"the system gives out ports {taken} to anybody",
                             "choose a range outside of it, or reserve it: sysctl "
                             f"net.ipv4.ip_local_reserved_ports={rtp.port_min}-{rtp.port_max}"))  # fmt: skip
    if not ground.is_running:
        found += _tried(rtp.port_min, rtp.port_max, rtp.addresses or ("127.0.0.1",))
    return found or [ok("media ports", f"UDP {rtp.port_min}-{rtp.port_max}: {pairs} pairs for {workers} processes")]


def _overlap(first: int, last: int) -> str:
    """Of the range with that of the system's own choice, unless it is reserved."""
    words = " ".join(_lines(EPHEMERAL)).split()
    if len(words) != 2 or int(words[0]) > last or int(words[1]) < first:
        return ""
    for part in ",".join(_lines(RESERVED)).split(","):
        low, _, high = part.partition("-")
        if low.strip() and int(low) <= max(first, int(words[0])) and int(high or low) >= min(last, int(words[1])):
            return ""
    return f"{max(first, int(words[0]))}-{min(last, int(words[1]))}"


def _tried(first: int, last: int, hosts: tuple[str, ...]) -> list[Finding]:
    """Some ports of the range: bound, and a datagram brought through."""
    found = []
    for port in sorted({first, (first + last) // 4 * 2, last - 1}):
        for host in hosts:
            why = trouble_with("udp", host, port) or echo(host, port)
            if why:
                whose = f" by {other}" if (other := owner_of("udp", port)) else ""
                found.append(warning("media ports", f"UDP {port} at {host} {why}{whose}",
                                     "choose another range, rtp.port_min to rtp.port_max"))  # fmt: skip
    return found


def echo(host: str, port: int) -> str:
    """Why a datagram to a port does not come; empty: it does."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as here, socket.socket(family, socket.SOCK_DGRAM) as there:
        try:
            here.bind((host, port))
            here.settimeout(0.5)
            there.sendto(b"confserver doctor", ("127.0.0.1" if host == "0.0.0.0" else host, port))
            here.recv(64)
        except OSError as error:
            return f"brings no packet: {error.strerror or 'nothing came'}; a firewall?"
    return ""
