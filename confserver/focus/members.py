"""Who asks something of a room by SIP, and whether he may."""

from __future__ import annotations

from typing import Literal

from confserver.focus.answers import NoAnswer, warning
from confserver.focus.legs import Leg, Stage
from confserver.focus.scene import Scene
from confserver.routing.guard import address_in
from confserver.sip.flow import Flow
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request
from confserver.sip.uri import parse_uri
from rooms.participant import Role

Policy = Literal["nobody", "moderators", "members", "callers"]
"""``members``: those who are in the room; ``callers``: whoever may call the server."""


def member_of(scene: Scene, room: str, request: Request, flow: Flow) -> Leg | None:
    """Whose request outside of any dialog this is: the participant with that From, whose call comes from that host."""
    for leg in scene.legs.in_room(room):
        if leg.stage is Stage.PRESENT and address_in(leg.caller.host) == address_in(flow.remote[0]) and leg.address:
            try:
                if parse_uri(leg.address).matches(request.from_.uri):
                    return leg
            except Malformed:
                continue
    return None


def is_moderator(scene: Scene, leg: Leg | None) -> bool:
    person = scene.rooms.get(leg.room).places.get(leg.participant) if leg is not None else None
    return person is not None and person.role >= Role.MODERATOR


def check_may(policy: Policy, scene: Scene, leg: Leg | None, what: str) -> None:
    """Raises NoAnswer (403)."""
    may = {
        "nobody": False,
        "moderators": is_moderator(scene, leg),
        "members": leg is not None,
        "callers": True,
    }[policy]
    if not may:
        who = {"nobody": "nobody may", "moderators": "it takes a moderator to", "members": "only members may"}
        raise NoAnswer(403, "", (warning(399, f"{who.get(policy, 'you may not')} {what}"),))
