"""The worker's pool of port pairs: even RTP, odd RTCP (RFC 3550 section 11), shared between legs.

A leg gets the pair with the fewest legs on which it can never be mistaken for another (``Engine.is_free``). Up to
SHARED pairs are opened before pairs are filled beyond COMFORTABLE legs; more are opened where nothing else is free.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from confserver.contract import MediaPlan
from confserver.rtp.address import Address
from confserver.worker.packet_io import PacketIO

SHARED = 64
COMFORTABLE = 24
MOST_PAIRS = 16_384
"""A socket's index has 16 bits, and each pair two of them."""
REST_S = 10.0
"""A pair whose leg was never heard rests: its phone may still begin to send."""


class NoPort(Exception):
    """Every pair of the range is taken."""


@dataclass(slots=True)
class Pair:
    """One open pair; ``index`` is its RTP socket's, the next its RTCP socket's."""

    index: int
    port: int
    ipv6: bool
    is_alone: bool = False
    """One leg has it, and its sockets are connected; it goes with that leg."""
    legs: int = 0
    rests_until: float = 0.0
    left_at: float = 0.0
    """When its last leg closed."""


class Ports:
    """Opens pairs as they are wanted, within the range and on the addresses it was given."""

    def __init__(self, io: PacketIO, first: int, last: int, addresses: list[str]) -> None:
        self._io = io
        lowest, highest = first + (first & 1), last - 1 - (last - 1 & 1)
        self._candidates = {ipv6: deque(range(lowest, highest + 1, 2)) for ipv6 in (False, True)}
        self._hosts = {":" in address: address for address in addresses}
        self._pairs: dict[int, Pair] = {}
        self._indices = list(range(MOST_PAIRS * 2 - 2, -1, -2))
        self._span = f"{first} to {last}"

    def take(self, ipv6: bool, now: float, is_free: Callable[[int], bool]) -> Pair:
        """Give a pair for a new leg. Raises NoPort."""
        pairs = sorted(
            (p for p in self._pairs.values() if p.ipv6 == ipv6 and p.rests_until <= now and not p.is_alone),
            key=lambda pair: pair.legs,
        )
        free = next((pair for pair in pairs if is_free(pair.index)), None)
        if free is None or (free.legs >= COMFORTABLE and len(pairs) < SHARED):
            free = self._open(ipv6) or free
        if free is None:
            raise NoPort(f"no free RTP port from {self._span}")
        free.legs += 1
        return free

    def take_exactly(self, port: int, ipv6: bool) -> Pair:
        """Give the pair that a leg has had at another worker. Raises NoPort.

        Whether the leg can be mistaken for another was asked when it got the pair.
        """
        pair = next((pair for pair in self._pairs.values() if (pair.port, pair.ipv6) == (port, ipv6)), None)
        pair = pair or self._open_exactly(port, ipv6)
        if pair is None or pair.is_alone:
            raise NoPort(f"port {port} cannot be had again")
        pair.legs += 1
        return pair

    def take_alone(self, ipv6: bool, peers: tuple[Address, Address], port: int = 0) -> Pair:
        """Give a pair that speaks with one peer alone, at its addresses for RTP and RTCP; ``port``: that one.

        Its sockets are connected: the kernel passes over what comes from others, and says what ICMP says. Raises
        NoPort.
        """
        pair = self._open(ipv6) if not port else self._open_exactly(port, ipv6)
        if pair is None:
            raise NoPort(f"port {port} cannot be had again" if port else f"no free RTP port from {self._span}")
        pair.is_alone, pair.legs = True, 1
        try:
            for offset, peer in enumerate(peers):
                self._io.connect(pair.index + offset, peer)
        except OSError as error:
            self._close(pair)
            raise NoPort(f"{peers[0][0]} cannot be reached: {error.strerror or error}") from error
        return pair

    def give_back(self, index: int, was_heard: bool, now: float) -> None:
        pair = self._pairs[index]
        pair.legs -= 1
        pair.left_at = now
        if not was_heard:
            pair.rests_until = now + REST_S

    def shrink(self, now: float) -> None:
        """Close the pairs beyond SHARED that nobody has had for a while: a rush is over. And those of one leg alone."""
        for pair in [pair for pair in self._pairs.values() if pair.is_alone and not pair.legs]:
            self._close(pair)
        empty = [pair for pair in self._pairs.values() if not pair.legs and pair.left_at + REST_S < now]
        for pair in empty[: max(len(self._pairs) - SHARED, 0)]:
            if pair.rests_until <= now:
                self._close(pair)

    def _close(self, pair: Pair) -> None:
        for index in (pair.index, pair.index + 1):
            self._io.remove(index)
        del self._pairs[pair.index]
        self._indices.append(pair.index)
        self._candidates[pair.ipv6].append(pair.port)

    def _open_exactly(self, port: int, ipv6: bool) -> Pair | None:
        if port not in self._candidates[ipv6] or not self._indices:
            return None
        self._candidates[ipv6].remove(port)
        pair = self._bind(port, ipv6)
        if pair is None:
            self._candidates[ipv6].append(port)
        return pair

    def _open(self, ipv6: bool) -> Pair | None:
        """Bind the next pair that nobody else on this machine has; those may be free another time."""
        candidates = self._candidates[ipv6]
        for _ in range(len(candidates) if ipv6 in self._hosts and self._indices else 0):
            port = candidates.popleft()
            pair = self._bind(port, ipv6)
            if pair is not None:
                return pair
            candidates.append(port)
        return None

    def _bind(self, port: int, ipv6: bool) -> Pair | None:
        """Open one pair; None where that cannot be."""
        host = self._hosts.get(ipv6)
        sockets = _bind_pair(host, port, ipv6) if host else None
        if sockets is None:
            return None
        pair = Pair(self._indices.pop(), port, ipv6)
        self._pairs[pair.index] = pair
        for offset, sock in enumerate(sockets):
            self._io.add(pair.index + offset, sock)
        return pair

    def port_of(self, index: int) -> Address:
        pair = self._pairs[index]
        return self._hosts[pair.ipv6], pair.port

    @property
    def open_pairs(self) -> int:
        return len(self._pairs)

    @property
    def used_pairs(self) -> int:
        return sum(1 for pair in self._pairs.values() if pair.legs)


def peers_of(plan: MediaPlan) -> tuple[Address, Address]:
    """Where RTP and RTCP of a leg go that is alone (RFC 3550 section 11). Raises NoPort."""
    if plan.remote is None:
        raise NoPort("a leg that is alone speaks with somebody")
    return plan.remote, plan.remote_rtcp or (plan.remote[0], min(plan.remote[1] + 1, 65535))


def _bind_pair(host: str, port: int, ipv6: bool) -> tuple[socket.socket, socket.socket] | None:
    bound: list[socket.socket] = []
    for number in (port, port + 1):
        try:
            sock = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
            bound.append(sock)
            if ipv6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((host, number))
        except OSError:
            for each in bound:
                each.close()
            return None
    return bound[0], bound[1]
