"""Where a request goes: to a room, to the server itself, or back with a refusal."""

from __future__ import annotations

from dataclasses import dataclass

from confserver.routing.guard import Guard
from confserver.sip.flow import Flow
from confserver.sip.message import Request


@dataclass(frozen=True, slots=True)
class ToRoom:
    name: str
    """As the caller wrote it; ``rooms`` knows whether a room can be called so."""


@dataclass(frozen=True, slots=True)
class ToServer:
    """The request is for the server: its URI has no user part."""


@dataclass(frozen=True, slots=True)
class Refuse:
    status: int
    reason: str


Route = ToRoom | ToServer | Refuse


def route(request: Request, flow: Flow, guard: Guard) -> Route:
    """Decide by where the request comes from and what it asks for."""
    if request.identity is None and not guard.may_call(flow.remote[0]):
        return Refuse(403, f"calls from {flow.remote[0]} are not allowed; sip.trusted_networks lists who may")
    user = request.uri.user_decoded if request.uri.user else ""
    return ToRoom(user) if user else ToServer()
