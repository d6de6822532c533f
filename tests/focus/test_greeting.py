"""Names and counts of those who come and go, as they are played."""

from __future__ import annotations

import pytest

from confserver.contract import Play
from rooms import commands as ask
from tests.focus.test_announcer import Hall


def words(plays: list[Play]) -> list[list[str]]:
    """What is said, without directories."""
    return [[sound[0].path.rpartition("/")[2].partition(".")[0] for sound in play.sounds] for play in plays]


def heard(hall: Hall) -> list[list[str]]:
    said = []
    while plays := hall.taken():
        said += words(plays)
        for play in plays:
            hall.end(play)
    return said


def test_names_are_somebodys_where_the_server_cannot_speak() -> None:
    hall = Hall(announce="name")
    first = hall.enter()
    assert heard(hall) == [], "who comes first comes to nobody"
    hall.enter()
    assert heard(hall) == [["somebody", "has-joined"]]
    hall.bye(first)
    assert heard(hall) == [["somebody", "has-left"]]


def test_how_many_are_there_is_said_each_time_or_at_thresholds() -> None:
    hall = Hall(announce="count")
    for _ in range(2):
        hall.enter()
    assert heard(hall) == [["there-are", "2", "in-the-room"]]
    hall = Hall(announce="none", announce_count=[3])
    for _ in range(4):
        hall.enter()
    assert heard(hall) == [["there-are", "3", "in-the-room"]]


@pytest.mark.parametrize("announce", ["name", "count", "beep"])
def test_large_rooms_are_quiet(announce: str) -> None:
    hall = Hall(announce=announce, quiet_above=1)
    for _ in range(3):
        hall.enter()
    assert hall.taken() == []


def test_a_roll_call_without_a_voice_says_how_many() -> None:
    hall = Hall()
    for _ in range(2):
        hall.enter()
    hall.order(ask.RollCall("standup"))
    assert heard(hall) == [["there-are", "2", "in-the-room"]]
