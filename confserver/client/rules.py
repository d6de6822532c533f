"""The rules of rooms, by their types in JSON; a test holds them to ``rooms.policy.RoomPolicy``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict


class Rules(TypedDict, total=False):
    """What each means: docs/administration.md. None: not said."""

    starts: str | None
    ends: str | None
    recurs: str | None
    time_zone: str | None
    early_minutes: int | None
    at_end: str | None
    numbers: Sequence[str] | None
    pin: str | None
    moderator_pin: str | None
    pin_tries: int | None
    lockout_s: int | None
    allow: Sequence[str] | None
    deny: Sequence[str] | None
    moderators: Sequence[str] | None
    moderator_places: int | None
    wait_for_moderator: bool | None
    waiting_music: bool | None
    lobby: str | None
    knock_s: int | None
    end_when_moderator_leaves: bool | None
    end_when_only_robots: bool | None
    robots: Sequence[str] | None
    end_grace_s: int | None
    time_limit_s: int | None
    stay_limit_s: int | None
    silent_minutes: int | None
    alone_minutes: int | None
    end_warnings_s: Sequence[int] | None
    welcome: Sequence[str] | None
    announce_count: Sequence[int] | None
    record_names: str | None
    quiet_above: int | None
    early_prompts: bool | None
    max_participants: int | None
    mute_on_entry: bool | None
    rate_hz: int | None
    stereo: bool | None
    talkers: int | None
    ptime_ms: int | None
    levelling: bool | None
    comfort_noise: bool | None
    guard: str | None
    codecs: Sequence[str] | None
    music_when_alone: bool | None
    language: str | None
    announce: str | None
    lecture: bool | None
    one_speaker: bool | None
    announce_hands: bool | None
    tell_removed: bool | None
    tell_muted: bool | None
    menu: Mapping[str, Mapping[str, str | Sequence[str]]] | None
    menu_timeout_s: float | None
    record_from: int | None
    record_tracks: bool | None
    record_waiting: bool | None
    record_days: float | None
    record_notice: str | None
    chat_days: float | None
    chat_replay: int | None
