"""What RFC 6665 writes into headers: Event, Expires, Subscription-State."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from confserver.sip.grammar import SPACE, Malformed, has_param, is_token, number, param, read_params
from confserver.sip.message import Request, Response

MOST_S = 0xFFFFFFFF
"""RFC 3261 20.19."""
ACTIVE, PENDING, TERMINATED = "active", "pending", "terminated"


@dataclass(frozen=True, slots=True)
class Event:
    """A package and the ``id`` that tells several subscriptions of one dialog apart (RFC 6665 8.2.1)."""

    package: str
    id: str = ""

    def __str__(self) -> str:
        return f"{self.package};id={self.id}" if self.id else self.package


def parse_event(text: str) -> Event:
    """Packages and ids are compared byte by byte (8.2.1); other parameters belong to the package. Raises Malformed."""
    package = text.partition(";")[0]
    params = read_params(text, len(package))
    package = package.strip(SPACE)
    if not is_token(package):
        raise Malformed(f"bad Event: {text[:40]!r}")
    return Event(package, param(params, "id") or "")


def event_of(message: Request) -> Event | None:
    """None where the message has none. Raises Malformed."""
    return message.headers.typed("Event", parse_event) if "Event" in message.headers else None


def expires_of(message: Request | Response, default: int) -> int:
    """Seconds. Raises Malformed."""
    text = message.headers.get("Expires")
    return default if text is None else number(text.strip(SPACE), MOST_S)


class Standing(NamedTuple):
    """A Subscription-State (8.2.3): active, pending or terminated; any other is none of ours."""

    state: str
    expires: int | None = None
    reason: str = ""
    retry_after: int | None = None

    def __str__(self) -> str:
        text = self.state
        text += f";reason={self.reason}" if self.reason else ""
        text += f";retry-after={self.retry_after}" if self.retry_after is not None else ""
        return text if self.expires is None else f"{text};expires={self.expires}"


def parse_standing(text: str) -> Standing:
    """Raises Malformed."""
    state = text.partition(";")[0]
    params = read_params(text, len(state))
    state = state.strip(SPACE).lower()
    if not is_token(state):
        raise Malformed(f"bad Subscription-State: {text[:40]!r}")

    def seconds(name: str) -> int | None:
        return number(param(params, name) or "", MOST_S) if has_param(params, name) else None

    return Standing(state, seconds("expires"), (param(params, "reason") or "").lower(), seconds("retry-after"))
