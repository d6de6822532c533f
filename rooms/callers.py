"""Who calls, as far as it is known: whom a list of callers means, and who has guessed too often.

==================== ==========================================================================================
verified             a user of ours who has shown his password, or whom a trusted peer asserts (RFC 3325)
``anna``             that user of ours; else the user part of an address
``*@example.com``    an address without its scheme
``192.0.2.0/24``     a network that the call comes from
==================== ==========================================================================================
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

MOST_KEPT = 10_000
"""Callers whose wrong PINs are remembered; who has been quiet longest is forgotten."""


@dataclass(frozen=True, slots=True)
class Caller:
    """``address``: his SIP URI; ``source``: host:port; ``is_verified``: somebody who is believed vouches for him."""

    address: str
    source: str = ""
    user: str = ""
    is_verified: bool = False

    @property
    def key(self) -> str:
        """What wrong PINs are counted by: who is not vouched for may call himself anything, his host stays."""
        return self.user or self.address if self.user or self.is_verified else self.source.rpartition(":")[0]


def is_meant(caller: Caller, patterns: Iterable[str], *, verified: bool) -> bool:
    """``verified``: names count only where they are."""
    plain = caller.address.partition(":")[2].partition(";")[0].partition("?")[0].lower()
    names = {caller.user.lower(), plain, plain.partition("@")[0]} - {""}
    if verified and not (caller.is_verified or caller.user):
        names = set()
    return any(_matches(pattern.lower(), names, caller.source) for pattern in patterns)


def _matches(pattern: str, names: set[str], source: str) -> bool:
    if "/" not in pattern:
        return any(fnmatchcase(name, pattern) for name in names)
    try:
        return ipaddress.ip_address(source.rpartition(":")[0].strip("[]")) in ipaddress.ip_network(pattern)
    except ValueError:
        return False


class Lockouts:
    """Wrong PINs of all rooms. They outlive calls, and rooms that are made on demand."""

    def __init__(self) -> None:
        self._wrong: dict[tuple[str, str], tuple[int, float]] = {}
        """Room and caller -> how many, and when the last."""

    def __len__(self) -> int:
        return len(self._wrong)

    def note(self, room: str, caller: str, now: float, lockout_s: float) -> None:
        """Once more. What is older than a lock-out is forgiven."""
        count, at = self._wrong.pop((room, caller), (0, now))
        self._wrong[room, caller] = (1 if now - at >= lockout_s else count + 1, now)
        if len(self._wrong) > MOST_KEPT:
            del self._wrong[next(iter(self._wrong))]

    def forgive(self, room: str, caller: str) -> None:
        self._wrong.pop((room, caller), None)

    def left_s(self, room: str, caller: str, now: float, tries: int, lockout_s: float) -> float:
        """So long he is still locked out; 0: he is not."""
        count, at = self._wrong.get((room, caller), (0, now))
        return max(at + lockout_s - now, 0.0) if count >= tries else 0.0
