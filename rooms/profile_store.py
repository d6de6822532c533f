"""Profiles that an administrator has made, as they are kept; those of the settings file stay there."""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database

from rooms.profiles import Profile, plain


def profiles_table(db: Database) -> None:
    """What is said in a profile as JSON."""
    db.execute("CREATE TABLE profiles (name TEXT PRIMARY KEY, extends TEXT NOT NULL, said TEXT NOT NULL)")


def load_profiles(db: Database) -> list[Profile]:
    """By name. Raises ValueError or sqlite3.Error."""
    return [_stored(row) for row in db.query("SELECT * FROM profiles ORDER BY name")]


def _stored(row: dict[str, Any]) -> Profile:
    said = json.loads(row["said"])
    if not isinstance(said, dict):
        raise ValueError(f"profiles.said of {row['name']} is not an object")
    return Profile(str(row["name"]), said, str(row["extends"]))


def keep_profile(db: Database, profile: Profile) -> None:
    db.execute(
        "INSERT OR REPLACE INTO profiles (name, extends, said) VALUES (?, ?, ?)",
        [profile.name, profile.extends, json.dumps(plain(profile.said))],
    )


def drop_profile(db: Database, name: str) -> None:
    db.execute("DELETE FROM profiles WHERE name = ?", [name])
