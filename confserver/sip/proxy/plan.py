"""What is to become of a request that is not for us: data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from confserver.sip.flow import Flow
from confserver.sip.uri import Uri
from confserver.sip.ways import Hop

if TYPE_CHECKING:
    from confserver.sip.message import Request


@dataclass(frozen=True, slots=True)
class Target:
    """One place to send a request to (RFC 3261 16.5)."""

    uri: Uri
    """The new Request-URI."""
    routes: tuple[str, ...] = ()
    """Route values on the way there: the Path of a registration (RFC 3327 section 5.4), the way to a trunk."""
    flow: Flow | None = None
    """By which it registered, where it can only be reached so (RFC 5626 section 5.3)."""
    hop: Hop | None = None
    """Where the request goes first, whatever ``uri`` says."""
    instead: Target | None = None
    """Another flow of the same phone, tried where this one fails (RFC 5626 section 6)."""


@dataclass(frozen=True, slots=True)
class Relay:
    """Send it on: to all of the first group at once, then to the next ..."""

    groups: tuple[tuple[Target, ...], ...]
    ring_s: float = 0.0
    """So long all groups but the last may ring; 0: as long as Timer C lets them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer it: a refusal, or where to go instead (3xx with Contact)."""

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Here:
    """It is for our own user agent after all, by another Request-URI (RFC 3261 16.5)."""

    uri: Uri


Plan = Relay | Answer | Here
Planner = Callable[["Request", Flow, float], "Plan | None"]
"""Says what becomes of a request outside of a dialog, at a time; None: it is for our own user agent."""


def all_for_us(_: Request, __: Flow, ___: float) -> Plan | None:
    return None


def nothing_is_ours(_: Uri) -> bool:
    return False
