"""The audit log: who, what, and what came of it; and nothing that is secret."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from sqlite_utils import Database

from confserver.routing import commands as ways
from rooms import commands as ask
from rooms import store
from rooms.participant import Actor, Role
from rooms.policy import SECRETS
from rooms.records import keeping
from rooms.records.audit import MOST_DETAILS, Attempt, Entry, Sought, action_of, details_of, entries

BOSS = Actor("boss", Role.ADMIN, face="cli", source="127.0.0.1")
SECRET = "hunter2-and-more"


@pytest.fixture
def db() -> Database:
    db = Database(memory=True)
    store.migrate(db)
    return db


def write(db: Database, *noted: Entry) -> None:
    store.write(db, [each.record() for each in noted])


def test_an_entry_says_it_all(db: Database) -> None:
    write(db, Entry(ask.Kick("standup", "p7"), BOSS, 1000.0))
    write(db, Entry(ask.CreateRoom("board", max_participants=5), BOSS, 1001.0, "conflict", "not now"))
    latest, first = entries(db, Sought())
    assert first == {
        "id": 1, "at": 1000.0, "who": "boss", "role": "admin", "face": "cli", "source": "127.0.0.1", "action": "kick",
        "room": "standup", "participant": "p7", "details": {}, "outcome": "done", "reason": "",
    }  # fmt: skip
    assert (latest["action"], latest["outcome"], latest["reason"]) == ("create room", "conflict", "not now")
    assert latest["details"] == {"rules": {"max_participants": 5}}


@pytest.mark.parametrize("kind", [*ask.COMMANDS, *ways.COMMANDS], ids=lambda kind: kind.__name__)
def test_no_secret_of_any_command_is_in_it(kind: Any) -> None:
    """Whatever keeps itself out of its text, and what is pressed, said or typed."""
    named = [each.name for each in fields(kind)]
    hidden = [each.name for each in fields(kind) if not each.repr]
    hidden += [name for name in named if any(word in name for word in ("password", "pin", "secret", "digits", "text"))]
    values: dict[str, Any] = dict.fromkeys(named, "x") | dict.fromkeys(hidden, SECRET)
    if "rules" in values:
        values["rules"] = dict.fromkeys(SECRETS, SECRET) | {"max_participants": 7}
    if "actions" in hidden:
        values["actions"] = (SECRET,)
    command = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(command, name, value)
    record = Entry(command, BOSS, 1.0).record()
    assert SECRET not in str(record.values)
    assert record.values["action"] == action_of(command)


def test_what_was_left_to_the_defaults_is_not_told() -> None:
    assert details_of(ask.Dial("standup", "sip:bob@example.com")) == '{"uri": "sip:bob@example.com"}'


def test_details_are_bounded() -> None:
    text = details_of(ask.CreateRoom("a", codecs=("opus",) * 5000))
    assert len(text) < MOST_DETAILS and "too_long" in text


def test_what_was_turned_away_before_it_was_a_command(db: Database) -> None:
    write(db, Entry(Attempt(ask.Kick, {"room": "standup", "participant": "p7"}), BOSS, 1.0, "forbidden", "no"))
    write(db, Entry(Attempt(ways.AddBan, {"network": "192.0.2.7"}), BOSS, 2.0, "forbidden", "no"))
    ban, kick = entries(db, Sought())
    assert (kick["action"], kick["room"], kick["participant"], kick["details"]) == ("kick", "standup", "p7", {})
    assert (ban["action"], ban["details"], ban["outcome"]) == ("add ban", {"network": "192.0.2.7"}, "forbidden")


def test_entries_are_sought_by_room_name_time_and_page(db: Database) -> None:
    for number in range(6):
        by = BOSS if number % 2 else Actor("script", Role.MODERATOR)
        write(db, Entry(ask.Lock("standup" if number < 3 else "board"), by, float(number)))
    assert [row["at"] for row in entries(db, Sought(room="standup"))] == [2.0, 1.0, 0.0]
    assert [row["at"] for row in entries(db, Sought(who="boss", since=2.0))] == [5.0, 3.0]
    assert [row["at"] for row in entries(db, Sought(until=1.0))] == [1.0, 0.0]
    assert [row["id"] for row in entries(db, Sought(before=3, limit=1))] == [2]
    assert entries(db, Sought(room="' OR 1=1 --")) == []


def test_old_entries_go_and_an_unreadable_one_is_told_all_the_same(db: Database) -> None:
    for number in range(4):
        write(db, Entry(ask.Lock("standup"), BOSS, float(number)))
    assert keeping.prune(db, 2.0, keeping.AUDIT) == 2
    assert keeping.prune(db, 99.0, keeping.AUDIT) == 1, "the last one stays"
    db.execute("UPDATE audit SET details = 'no JSON'")
    assert entries(db, Sought())[0]["details"] == {}
