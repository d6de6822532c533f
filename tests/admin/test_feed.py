"""The sequence of events: without gaps, resumed where one was, shown when stored, bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.admin.feed import MOST_UNWRITTEN, OVERHEAD_BYTES, Cursor, Feed, Lost, News, Wanted
from tests.kit.news import news_of


def event(number: int = 1, room: str = "standup", name: str = "message", **more: Any) -> dict[str, Any]:
    return {"type": name, "room": room, "number": number, "at": 1.0, **more}


def news(*args: Any, **more: Any) -> News:
    return news_of(event(*args, **more))


def feed_of(count: int, most_bytes: int = 1 << 20) -> Feed:
    feed = Feed("abc", most_bytes)
    for number in range(count):
        feed.append([news(number + 1)])()
    return feed


def numbers(cursor: Cursor) -> list[int]:
    read = []
    while cursor.is_behind:
        read += [entry.number for entry in cursor.take()]
    return read


def test_entries_are_numbered_on_over_all_rooms_and_written_once() -> None:
    feed = Feed("abc", 1 << 20)
    assert feed.append([news(1, "a"), news(2, "a")])() and feed.append([news(1, "b", text="x\ny")])()
    entries = Cursor(feed, Wanted(), 0).take()
    assert [(entry.number, entry.room) for entry in entries] == [(1, "a"), (2, "a"), (3, "b")]
    assert entries[2].text.startswith(b"id: abc-3\nevent: message\ndata: {") and entries[2].text.endswith(b"}\n\n")
    assert entries[2].text.count(b"\n") == 4, "what is said in JSON ends no line"
    assert json.loads(entries[2].json) == {"id": "abc-3", **event(1, "b", text="x\ny")}
    assert Cursor(feed, Wanted(), 1).take()[0] is entries[1]


def test_nothing_is_shown_before_the_store_has_it_and_the_order_stays() -> None:
    feed = Feed("abc", 1 << 20)
    cursor = Cursor(feed, Wanted(), 0)
    first, second, third = feed.append([news(1)]), feed.append([news(2), news(3)]), feed.append([])
    assert not cursor.is_behind and cursor.take() == []
    assert not second(), "the first is not stored yet"
    assert not third()
    assert numbers(cursor) == []
    assert first()
    assert numbers(cursor) == [1, 2, 3]
    assert feed.describe()["unstored"] == 0


def test_a_reader_goes_on_where_he_was() -> None:
    feed = feed_of(10)
    assert feed.place("abc-4") == 4 and numbers(Cursor(feed, Wanted(), 4)) == [5, 6, 7, 8, 9, 10]
    assert feed.place("abc-10") == 10 and numbers(Cursor(feed, Wanted(), 10)) == []
    assert feed.place("abc-0") == 0


@pytest.mark.parametrize(
    "text", ["", "abc-11", "abd-4", "abc", "4", "abc-", "-4", "abc--4", "abc-4x", "abc-" + "9" * 30, "ABC-4", "abc-٤"]
)
def test_a_place_that_makes_no_sense_is_none(text: str) -> None:
    assert feed_of(10).place(text) is None


def test_memory_is_bounded_and_who_is_too_slow_has_lost_his_place() -> None:
    size = len(Cursor(feed_of(1), Wanted(), 0).take()[0].text) + OVERHEAD_BYTES
    feed = feed_of(100, most_bytes=size * 10 + 30)
    assert 8 <= int(str(feed.describe()["kept"])) <= 10 and feed.oldest > 89
    with pytest.raises(Lost, match=r"event 6 is not kept"):
        Cursor(feed, Wanted(), 5).take()
    assert feed.place("abc-5") is None
    assert feed.place(f"abc-{feed.oldest - 1}") == feed.oldest - 1
    assert numbers(Cursor(feed, Wanted(), feed.oldest - 1)) == list(range(feed.oldest, 101))
    assert numbers(Cursor(feed, Wanted(), 100)) == []


def test_one_event_that_is_larger_than_all_is_still_told() -> None:
    feed = Feed("abc", 1000)
    feed.append([news(1)])()
    feed.append([news(2, text="x" * 5000)])()
    assert numbers(Cursor(feed, Wanted(), 1)) == [2]


def test_who_wants_some_gets_those_and_is_up_to_date_all_the_same() -> None:
    feed = Feed("abc", 1 << 20)
    names = ["participant-arrived", "talking-changed", "participant-left", "message"]
    for number in range(1000):
        feed.append([news(number, "ab"[number % 2], names[number % 4])])()
    only = Cursor(feed, Wanted.of(lambda room: True, "a", ["participant-*", "message"]), 0)
    assert numbers(only) == [each for each in range(1, 1001) if each % 4 in (1, 3) and each % 2 == 1]
    assert not only.is_behind and only.number == 1000
    nothing = Cursor(feed, Wanted.of(lambda room: room == "c"), 0)
    assert numbers(nothing) == [] and nothing.number == 1000
    assert numbers(Cursor(feed, Wanted.of(lambda room: True, "", ["message"]), 990)) == [992, 996, 1000]
    assert len(numbers(Cursor(feed, Wanted.of(lambda room: True, "", ["*"]), 0))) == 1000


class Telling:
    """Counts how often it is asked."""

    def __init__(self, size: int = 100, **more: Any) -> None:
        self.times = 0
        self.news = News("message", "standup", 1.0, size, more, self._tell)

    def _tell(self, more: dict[str, Any]) -> dict[str, Any]:
        self.times += 1
        return event(**more)


def test_what_nobody_reads_is_never_written_and_what_many_read_once() -> None:
    feed, read, unread = Feed("abc", 1 << 20), Telling(), Telling()
    feed.append([read.news, unread.news])()
    assert (read.times, unread.times) == (0, 0)
    first, second = (Cursor(feed, Wanted(), 0).take(1) for _ in range(2))
    assert first[0].text and first[0] is second[0]
    assert (read.times, unread.times) == (1, 0)
    Cursor(feed, Wanted.of(lambda room: True, "", ["participant-*"]), 0).take()
    assert unread.times == 0, "it is not written for who does not want it"


def test_what_holds_much_is_written_at_once_and_counts_as_its_text() -> None:
    feed, large = Feed("abc", 1 << 20), Telling(MOST_UNWRITTEN + 1)
    feed.append([large.news])
    assert large.times == 1
    assert feed.describe()["kept_bytes"] < OVERHEAD_BYTES + 200


def test_a_text_that_is_longer_than_was_reckoned_pushes_out_the_oldest() -> None:
    feed = Feed("abc", 10_000)
    feed.append([Telling(text="x" * 3000).news for _ in range(10)])()
    assert feed.oldest == 1
    assert numbers(Cursor(feed, Wanted(), 0)) == list(range(1, 11)), "who has begun to read them gets them all"
    assert feed.oldest > 6 and feed.describe()["kept_bytes"] <= 10_000


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 400)), max_size=40), st.randoms())
def test_whatever_is_stored_in_whatever_order_nobody_misses_one(commands: list[tuple[int, int]], chance: Any) -> None:
    feed, waiting, seen = Feed("abc", 4000), [], []
    cursor = Cursor(feed, Wanted(), 0)
    lost = False
    for count, size in commands:
        waiting.append(feed.append([news(1, text="x" * size)] * count))
        while waiting and chance.random() < 0.6:
            waiting.pop(chance.randrange(len(waiting)))()
        try:
            seen += numbers(cursor)
        except Lost:
            lost = True
            break
    for stored in waiting:
        stored()
    if not lost:
        assert seen == list(range(1, len(seen) + 1)) and feed.shown == feed.number
    assert sum(each.size for each in feed._entries) == feed.describe()["kept_bytes"]
    assert feed.describe()["kept_bytes"] <= 4000
