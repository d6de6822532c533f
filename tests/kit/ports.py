"""Free ports on the loopback, for programs that must be told theirs."""

from __future__ import annotations

import random
import socket

_PHONES = range(33000, 60000)
_SERVERS = range(20000, 29900)
"""Where no phone of ours takes a port, by chance or asked: media to its own ports a server refuses."""
_chance = random.Random()


def free_port(host: str = "127.0.0.1") -> int:
    """A port free for UDP and TCP just now, and the next one too (a TLS or RTCP port beside it)."""
    return free_range(2, host)


def server_range(count: int, host: str = "127.0.0.1") -> int:
    """The same for a server's ports."""
    return free_range(count, host, _SERVERS)


def free_range(count: int, host: str = "127.0.0.1", among: range = _PHONES) -> int:
    """The first, even, of so many free ports in a row."""
    for _ in range(200):
        first = _chance.randrange(among.start, among.stop - count, 2)
        if all(_is_free(host, first + n) for n in range(count)):
            return first
    raise AssertionError(f"no {count} free ports in a row")


def _is_free(host: str, port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True
