"""What the tests of the transports share: who is told, and sockets on the other side."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from twisted.internet import reactor
from twisted.internet.task import deferLater

from confserver.sip.flow import Address, Flow
from confserver.sip.locating import Target


class Ear:
    """Takes note of what transports tell."""

    def __init__(self) -> None:
        self.data: list[tuple[bytes, Flow]] = []
        self.losses: list[Flow] = []
        self.opens: list[tuple[int, Flow]] = []
        self.failures: list[tuple[int, str]] = []
        self.names: list[tuple[int, list[Target]]] = []
        self.clock = 1000.0
        self.kept: set[Flow] = set()
        self.unwelcome: set[str] = set()

    def received(self, data: bytes, flow: Flow) -> None:
        self.data.append((data, flow))

    def lost(self, flow: Flow) -> None:
        self.losses.append(flow)

    def opened(self, token: int, flow: Flow) -> None:
        self.opens.append((token, flow))

    def failed(self, token: int, reason: str) -> None:
        self.failures.append((token, reason))

    def resolved(self, token: int, targets: list[Target]) -> None:
        self.names.append((token, targets))

    def wanted(self) -> set[Flow]:
        return self.kept

    def admits(self, host: str) -> bool:
        return host not in self.unwelcome

    def now(self) -> float:
        return self.clock


async def until(happened: Callable[[], object], timeout: float = 5.0) -> None:
    end = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        await deferLater(reactor, 0.01, lambda: None)


async def pause(seconds: float = 0.05) -> None:
    await deferLater(reactor, seconds, lambda: None)


def datagrams(host: str = "127.0.0.1") -> socket.socket:
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    found.bind((host, 0))
    found.settimeout(2)
    return found


def connected(address: Address) -> socket.socket:
    found = socket.create_connection(address, timeout=2)
    found.setblocking(False)
    return found


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
