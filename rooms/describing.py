"""Rooms and the people in them as plain JSON-able data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rooms import broadcasting, schedule

if TYPE_CHECKING:
    from rooms.participant import Participant
    from rooms.room import Room


def describe_participant(person: Participant) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "address": person.address,
        "source": person.source,
        "role": person.role.name.lower(),
        "since": person.arrived_at,
        "muted": sorted(cause.value for cause in person.muted),
        "deaf": person.deaf,
        "held": person.held,
        "held_by_host": person.held_by_host,
        "removed": person.kicked,
        "incoming_db": person.incoming_db,
        "outgoing_db": person.outgoing_db,
        "pan": person.pan,
        "talking": person.talking,
        "noise": person.noise,
        "quality": [finding.describe() for finding in person.findings.values()],
        "dialled": person.dialled,
        "agent": person.agent,
        "diverted_by": person.diverted_by,
        "referred_by": person.referred_by,
        "user": person.user,
        "attributes": dict(person.attributes),
        "name_recorded": bool(person.own_name.sound),
        "says_name": person.says_name,
    }


def describe_dialling(person: Participant) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "address": person.address,
        "since": person.reserved_at,
        "ringing": person.ringing,
    }


def describe_waiting(person: Participant) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "address": person.address,
        "source": person.source,
        "since": person.waits_since,
        "waits_for": person.waits_for.value if person.waits_for else None,
        "role": person.role.name.lower(),
        "verified": person.is_verified,
        "name_recorded": bool(person.own_name.sound),
        "turned_away": person.turned_away,
    }


def describe_room(room: Room, now: float, epoch: str = "0") -> dict[str, Any]:
    """Tell all about a room. Times are epoch seconds; ``at`` is the time of the telling.

    Those whose call is not up yet are counted (``reserved``) but not shown, unless it is we who call (``dialling``).
    """
    present = room.present
    return {
        "name": room.name,
        "state": room.state.value,
        "locked": room.locked,
        "persistent": room.persistent,
        "version": {"epoch": epoch, "number": room.number},
        "profile": room.profile,
        "schedule": schedule.describe(room, now),
        **room.policy.describe(),
        **room.ties.describe(),
        **room.assembly.describe(),
        **room.links.describe(),
        **broadcasting.describe(room),
        "ends_at": room.ending.plan.at if room.ending.plan else None,
        "ends_because": room.ending.plan.cause if room.ending.plan else "",
        "created_at": room.created_at,
        "opened_at": room.opened_at,
        "at": now,
        "reserved": len(room.places) - len(present) - len(room.waiting),
        "dominant": room.dominant,
        "plays": room.plays.describe(),
        "recording": room.recording.describe(),
        "forwards": room.forwards.describe(),
        "waiting": [describe_waiting(person) for person in room.waiting],
        "lists": room.lists.describe(),
        "dialling": [describe_dialling(person) for person in room.dialling],
        "participants": [describe_participant(person) for person in present],
    }
