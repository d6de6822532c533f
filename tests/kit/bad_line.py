"""A line that loses, delays and reorders RTP between real phones and the server, the same way for the same seed.

It is a NAT on the loopback (``nat``), since that is how a phone can be led through anything: it is on 127.0.0.2 and
its outbound proxy is ``uri``. SIP and RTCP pass untouched.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.kit.nat import Mapping, Nat
from tests.kit.network import BadNetwork, Conditions
from tests.kit.raw_sip import Address

CLEAN = Conditions()


@dataclass
class Way:
    """One stream in one direction."""

    network: BadNetwork
    deliver: Callable[[bytes], object]


class BadLine(Nat):
    def __init__(self, server: Address, *, out: Conditions = CLEAN, back: Conditions = CLEAN, seed: int = 1) -> None:
        """``out``: from phones to the server."""
        super().__init__(server)
        self._conditions, self._seed = {"out": out, "back": back}, seed
        self._ways: dict[tuple[str, Address, Address], Way] = {}
        self.seen: dict[str, list[bytes]] = {"out": [], "back": []}
        """All RTP that has come to it, by direction."""

    @property
    def uri(self) -> str:
        return f"sip:{self.inside[0]}:{self.inside[1]};lr"

    def lost(self, direction: str) -> int:
        """Packets so far."""
        return sum(way.network.lost for (each, *_), way in self._ways.items() if each == direction)

    def _carry_out(self, mapping: Mapping, data: bytes, destination: Address) -> None:
        key = "out", mapping.inner, destination
        self._send(key, data, lambda datagram: mapping.outer.sendto(datagram, destination))

    def _carry_in(self, mapping: Mapping, data: bytes, source: Address) -> None:
        door = self._door_to(source)
        self._send(("back", mapping.inner, source), data, lambda datagram: door.sendto(datagram, mapping.inner))

    def _send(self, key: tuple[str, Address, Address], data: bytes, deliver: Callable[[bytes], object]) -> None:
        if not is_rtp(data):
            deliver(data)
            return
        self.seen[key[0]].append(data)
        if key not in self._ways:
            self._ways[key] = Way(BadNetwork(self._conditions[key[0]], self._seed), deliver)
        self._ways[key].network.send(data, time.monotonic())
        self._pass_time()

    def _patience(self) -> float:
        arrivals = [way.network.next_arrival() for way in self._ways.values()]
        due = min((at for at in arrivals if at is not None), default=None)
        return 0.05 if due is None else min(max(due - time.monotonic(), 0.0), 0.05)

    def _pass_time(self) -> None:
        now = time.monotonic()
        for way in self._ways.values():
            for datagram in way.network.due(now):
                way.deliver(datagram)


def is_rtp(data: bytes) -> bool:
    """RFC 3550 section 5.1, and no RTCP (RFC 5761 section 4)."""
    return len(data) > 12 and data[0] >> 6 == 2 and not 192 <= data[1] <= 223
