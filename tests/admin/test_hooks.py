"""Webhooks without connections: order, patience, dead letters, and what is too much."""

from __future__ import annotations

import json
from typing import Any

import pytest

from confserver.admin import hooks
from confserver.admin.feed import Feed
from confserver.admin.hooks import GIVE_UP_S, Hook, Letter, Line, Outcome, Stored, check, signature
from confserver.client.signature import is_signed
from tests.kit.news import news_of

SECRET = "correct horse battery staple"
GOOD, BAD = Outcome(True, "200"), Outcome(False, "500")


def hook(**more: Any) -> Hook:
    return Hook("crm", "http://127.0.0.1:8000/calls", SECRET, **more)


class Play:
    """A feed, a line, and a clock."""

    def __init__(self, most_bytes: int = 1 << 20, chance: float = 1.0, **more: Any) -> None:
        self.feed = Feed("abc", most_bytes)
        self.line = Line(hook(**more), self.feed, lambda: chance)
        self.now = 1000.0

    def happen(self, *kinds: str, room: str = "standup") -> None:
        for kind in kinds or ("message",):
            self.feed.append([news_of({"type": kind, "room": room, "number": 1, "at": self.now})])()

    def deliver(self, outcome: Outcome = GOOD) -> str:
        """The id of what was to be delivered, "" where there is nothing."""
        letter = self.line.next(self.now)
        if letter is None:
            return ""
        assert self.line.next(self.now) is None, "one at a time"
        self.line.ended(outcome, self.now)
        return letter.id

    def deliver_all(self) -> list[str]:
        found = []
        while each := self.deliver():
            found.append(each)
        return found


# ------------------------------------------------------------------ in order
def test_events_go_one_at_a_time_and_in_order() -> None:
    play = Play()
    play.happen("message", "participant-left", "room-locked")
    first = play.line.next(play.now)
    assert first is not None and json.loads(first.body)["id"] == first.id == "abc-1" and play.line.due is None
    play.line.ended(GOOD, play.now)
    assert play.deliver_all() == ["abc-2", "abc-3"] and play.line.due is None
    assert (play.line.delivered, play.line.describe()["waiting"]) == (3, 0)
    play.happen()
    assert play.line.due is not None and play.deliver() == "abc-4"


def test_what_was_before_it_is_not_told() -> None:
    play = Play()
    play.happen()
    play.line = Line(hook(), play.feed, lambda: 1.0)
    assert play.deliver() == ""


def test_only_what_is_wanted_and_nothing_that_comes_often_unless_it_is() -> None:
    play = Play()
    play.happen("talking-changed", "message", "hearing-changed", "dominant-speaker", "room-locked")
    assert play.deliver_all() == ["abc-2", "abc-5"]
    play = Play(events=("talking-*", "message"), rooms=("stand*", "daily"))
    play.happen("talking-changed", "message", "room-locked")
    play.happen("message", room="other"), play.happen("message", room="daily")
    assert play.deliver_all() == ["abc-1", "abc-2", "abc-5"]


# ------------------------------------------------------------------ again
def test_what_fails_is_tried_again_later_and_later_and_holds_up_the_rest() -> None:
    play = Play()
    play.happen("message", "room-locked")
    waits = []
    for _ in range(12):
        assert play.deliver(BAD) == "abc-1"
        assert play.deliver() == "", "not at once"
        due = play.line.due
        assert due is not None
        waits.append(due - play.now)
        play.now = due
    assert waits[:5] == [1.0, 2.0, 4.0, 8.0, 16.0] and waits[-1] == hooks.LONGEST_PAUSE_S
    assert play.line.describe()["failing"] == 12 and play.line.describe()["last"] == "500"
    assert play.deliver_all() == ["abc-1", "abc-2"]
    assert play.line.describe()["failing"] == 0


def test_many_do_not_come_again_at_once() -> None:
    early, late = Play(chance=0.0), Play(chance=1.0)
    for play in (early, late):
        play.happen(), play.deliver(BAD)
    assert (early.line.due, late.line.due) == (1000.5, 1001.0)


def test_a_receiver_that_asks_for_a_pause_gets_one_but_not_for_ever() -> None:
    play = Play()
    play.happen(), play.deliver(Outcome(False, "429", later_s=60.0))
    assert play.line.due == play.now + 60.0
    play.now += 60.0
    play.deliver(Outcome(False, "503", later_s=1e6))
    assert play.line.due == play.now + hooks.LONGEST_PAUSE_S


def test_what_fails_for_too_long_is_dead_and_the_next_has_its_turn() -> None:
    play = Play()
    play.happen("message", "room-locked")
    play.deliver(BAD)
    play.now += GIVE_UP_S
    assert play.deliver(BAD) == "abc-1"
    [dead] = play.line.dead
    assert (dead.id, dead.reason, dead.tries) == ("abc-1", "500", 2)
    play.now = play.line.due or 0
    assert play.deliver(BAD) == "abc-2", "it is as old, and was tried once"
    assert [each.id for each in play.line.dead] == ["abc-1", "abc-2"]


def test_nobody_wants_it_any_more() -> None:
    play = Play()
    play.happen(), play.deliver(Outcome(False, "410", is_final=True))
    assert [each.id for each in play.line.dead] == ["abc-1"] and play.line.due is None


def test_dead_letters_are_delivered_once_more_before_anything_new() -> None:
    play = Play()
    play.happen("message", "message"), play.deliver(Outcome(False, "410", is_final=True))
    play.now = play.line.due or 0
    play.deliver(Outcome(False, "410", is_final=True))
    play.happen("room-locked")
    assert play.line.retry(play.now) == 2 and not play.line.dead
    assert play.deliver_all() == ["abc-1", "abc-2", "abc-3"]
    assert play.line.retry(play.now) == 0 and play.deliver() == ""


def test_one_that_is_retried_and_fails_is_dead_again_and_remembers() -> None:
    play = Play()
    play.happen(), play.deliver(Outcome(False, "410", is_final=True))
    play.line.retry(play.now)
    assert play.deliver(BAD) == "abc-1"
    [dead] = play.line.dead
    assert (dead.tries, dead.reason) == (2, "500")


# ------------------------------------------------------------------ bounds
def stored(number: int, room: str = "standup", kind: str = "message") -> Stored:
    return Stored(Letter(f"abc-{number}", kind, 1000.0, b"{}", number), room)


def test_what_the_feed_has_forgotten_is_fetched_and_goes_before_the_rest() -> None:
    play = Play(most_bytes=3000)
    play.happen(), play.deliver(BAD)
    for _ in range(500):
        play.happen()
    play.now += 10
    assert play.deliver() == "abc-1", "what was in hand is not lost"
    oldest = play.feed.oldest
    assert play.deliver() == "" and play.line.backlog == (1, oldest - 1) and play.line.due is None
    assert play.line.place == 1
    play.line.refill([stored(number) for number in range(2, 102)], 101)
    assert play.deliver_all() == [f"abc-{number}" for number in range(2, 102)]
    assert play.line.backlog == (101, oldest - 1)
    play.line.refill([stored(number) for number in range(102, oldest)], oldest - 1)
    assert play.deliver_all()[-1] == "abc-501" and play.line.backlog is None and play.line.place == 501
    assert play.line.delivered == 501 and play.line.lost == 0


def test_of_what_is_fetched_only_what_is_wanted() -> None:
    play = Play(rooms=("stand*",), events=("message",))
    play.feed.begin_after(9)
    play.line = Line(play.line.hook, play.feed, lambda: 1.0, place=4)
    assert play.deliver() == "" and play.line.backlog == (4, 9)
    play.line.refill([stored(5), stored(6, "other"), stored(7, kind="room-locked"), stored(9)], 9)
    play.happen()
    assert play.deliver_all() == ["abc-5", "abc-9", "abc-10"]


def test_the_place_is_where_the_next_run_goes_on() -> None:
    play = Play(events=("message",))
    play.happen("room-locked", "message", "room-locked", "message", "room-locked")
    assert play.line.place == 0
    assert play.line.next(play.now) is not None and play.line.place == 1, "it is under way"
    play.line.ended(BAD, play.now)
    assert play.line.place == 1
    play.now += 10
    play.deliver()
    assert play.line.place == 3, "the next is in hand, as nothing between them is wanted"
    play.deliver_all()
    assert play.line.place == 5
    play.happen("room-locked"), play.deliver()
    assert play.line.place == 6


def test_dead_letters_that_are_tried_again_hold_no_place() -> None:
    play = Play()
    play.happen(), play.deliver(Outcome(False, "410", is_final=True))
    play.line.retry(play.now)
    assert play.line.next(play.now) is not None and play.line.place == 1


def test_too_many_that_wait_are_dead_but_for_what_is_under_way() -> None:
    play = Play()
    play.happen(*["message"] * 5)
    assert play.line.next(play.now) is not None
    dead = play.line.overrun([stored(1), stored(2), stored(3, kind="talking-changed")])
    assert [(each.id, each.reason) for each in dead] == [("abc-2", hooks.TOO_MANY)]
    play.line.ended(GOOD, play.now)
    assert play.deliver_all() == ["abc-4", "abc-5"] and play.line.place == 5
    assert play.line.overrun([stored(4), stored(5)]) == [], "it has had them"


def test_a_server_that_was_down_for_long_gives_its_hooks_the_usual_time() -> None:
    play = Play()
    play.happen()
    play.line = Line(play.line.hook, play.feed, lambda: 1.0, place=0, since=play.now + 2 * GIVE_UP_S)
    play.now += 2 * GIVE_UP_S + 1
    play.deliver(BAD)
    assert not play.line.dead
    play.now += GIVE_UP_S
    play.deliver(BAD)
    assert [each.id for each in play.line.dead] == ["abc-1"]


def test_only_so_many_dead_letters_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play()
    for number in range(hooks.MOST_DEAD + 5):
        play.happen()
        play.now += hooks.LONGEST_PAUSE_S
        play.deliver(Outcome(False, f"410 {number}", is_final=True))
    assert len(play.line.dead) == hooks.MOST_DEAD and play.line.dead[-1].reason == f"410 {hooks.MOST_DEAD + 4}"


def test_a_word_that_comes_too_late_means_nothing() -> None:
    play = Play()
    assert play.line.ended(BAD, play.now) is None and play.line.describe()["failing"] == 0


# ------------------------------------------------------------------ what is a hook
@pytest.mark.parametrize(
    "url",
    ["", "ftp://x/", "http://", "https:///x", "http://a b/", "http://user:pw@x/", "http://x:0/", "http://x:99999/",
     "http://[x/", "http://x/\r\nHost: y", "http://\u00fc.example/", "http://x/" + "y" * 2000, "javascript:alert(1)"],
)  # fmt: skip
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        check(Hook("crm", url, SECRET))


def test_a_secret_or_type_that_is_none() -> None:
    check(hook(events=("participant-*", "message")))
    for secret in ("", "short", "x" * 257, "x" * 20 + "\n"):
        with pytest.raises(ValueError, match="secret"):
            check(Hook("crm", "https://example.com/calls?x=1", secret))
    for kind in ("birthday", "birth*", ""):
        with pytest.raises(ValueError, match="no event"):
            check(hook(events=(kind,)))
    assert SECRET not in repr(hook())


# ------------------------------------------------------------------ signatures
def test_the_signature_is_what_a_receiver_reckons() -> None:
    body = b'{"id":"abc-1"}'
    made = signature(SECRET, body, 1_700_000_000.9)
    assert made == (
        "t=1700000000,v1=" + __import__("hmac").new(SECRET.encode(), b"1700000000." + body, "sha256").hexdigest()
    )
    assert is_signed(SECRET, made, body, 1_700_000_200.0)
    assert not is_signed(SECRET, made, body, 1_700_000_400.0), "heard before, and sent again"
    assert not is_signed(SECRET, made, body, 1_699_999_600.0)
    assert not is_signed(SECRET, made, body + b" ", 1_700_000_000.0)
    assert not is_signed(SECRET + "x", made, body, 1_700_000_000.0)
    assert is_signed(SECRET, made + ",v2=more", body, 1_700_000_000.0), "a later server may say more"
    for bad in ("", "t=1700000000", "v1=" + "0" * 64, "t=x,v1=y", "t=\u0661,v1=\u00fc", "t=" + "9" * 400, "===,,,"):
        assert not is_signed(SECRET, bad, body, 1_700_000_000.0), bad


def test_a_letter_does_not_tell_its_body() -> None:
    assert "body" not in Letter("a", "message", 1.0, b"secret text").describe()
