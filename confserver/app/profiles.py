"""Profiles of rooms, from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confserver.config import Settings
from rooms.errors import Refused
from rooms.policy import RoomPolicy
from rooms.profiles import Profile, Profiles


class ProfileError(Exception):
    """A profile cannot be; one line for the administrator."""


def rules_of(settings: Settings) -> RoomPolicy:
    """What holds in rooms where nothing else is said."""
    return RoomPolicy(max_participants=settings.rooms.max_participants)


def profiles_of(settings: Settings) -> list[Profile]:
    """Raises ProfileError where one cannot be, or the one for rooms made on demand is missing."""
    profiles = [_profile(name, table) for name, table in settings.profiles.items()]
    try:
        Profiles(rules_of(settings), profiles).policy_of({}, settings.rooms.profile)
    except Refused as refused:
        raise ProfileError(f"profiles: {refused.reason}") from None
    return profiles


def _profile(name: str, table: Mapping[str, Any]) -> Profile:
    extends = table.get("extends", "")
    if not isinstance(extends, str):
        raise ProfileError(f"profiles.{name}.extends: must be a profile's name")
    return Profile(name, {rule: value for rule, value in table.items() if rule != "extends"}, extends)
