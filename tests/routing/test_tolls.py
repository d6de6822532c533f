"""The toll fence: which country, how many calls, how many minutes, and who must say yes."""

from __future__ import annotations

import pytest
from sqlite_utils import Database

from confserver.routing import store, toll_store
from confserver.routing.countries import country_of, is_in
from confserver.routing.fence import Unreachable
from confserver.routing.refusals import Conflict, NotFound
from confserver.routing.tolls import DAY_S, HOUR_S, Approval, TollLimits, Tolls

NOW = 1_000_000.0
BERLIN = "+4930123456"


def tolls(**limits: int) -> Tolls:
    return Tolls(TollLimits(**limits), ["+49", "0"])


# ---------------------------------------------------------------- countries
@pytest.mark.parametrize(
    ("number", "country"),
    [
        (BERLIN, "+49"), ("004930123", "+49"), ("+12125550123", "+1"), ("+18765550123", "+1876"),
        ("+79161234567", "+7"),
        ("+35312345", "+353"), ("+88213", "+882"), ("0301234", ""), ("030", ""), ("+", "+"), ("112", ""),
    ],
)  # fmt: skip
def test_the_country_of_a_number(number: str, country: str) -> None:
    assert country_of(number) == country


def test_what_abroad_begins_with_is_a_setting() -> None:
    assert country_of("01149301", ("+", "011")) == "+49" and country_of("0049301", ("+", "011")) == ""


@pytest.mark.parametrize(
    ("prefix", "country", "is_so"),
    [("+49", "+49", True), ("+4930", "+49", True), ("+", "+49", False), ("+4", "+49", False), ("00", "+49", False),
     ("+35", "+353", False), ("+353", "+353", True), ("+1", "+1876", False), ("+1876", "+1876", True),
     ("+1", "+1", True), ("*", "+49", False)],
)  # fmt: skip
def test_a_prefix_names_a_country_or_does_not(prefix: str, country: str, is_so: bool) -> None:
    assert is_in(prefix, country) is is_so


# ---------------------------------------------------------------- calls
def test_calls_at_once_are_counted_by_room() -> None:
    it = tolls(room_calls=2)
    it.begin("p1", "a", BERLIN, "x", NOW)
    it.begin("p2", "a", BERLIN, "x", NOW)
    with pytest.raises(Unreachable, match=r"2 calls to numbers at once.*room_calls"):
        it.check("a", BERLIN, "x", NOW)
    it.check("b", BERLIN, "x", NOW)
    it.ended("p1", NOW + 1)
    it.check("a", BERLIN, "x", NOW + 1)


@pytest.mark.parametrize(
    ("limit", "span", "other_room_too"),
    [("room_hour", HOUR_S, False), ("room_day", DAY_S, False), ("hour", HOUR_S, True), ("day", DAY_S, True)],
)
def test_calls_in_an_hour_and_a_day(limit: str, span: float, other_room_too: bool) -> None:
    it = tolls(**{limit: 2})
    for index in range(2):
        it.begin(f"p{index}", "a", BERLIN, "x", NOW + index)
        it.ended(f"p{index}", NOW + index)
    with pytest.raises(Unreachable, match="has made 2 calls"):
        it.check("a", BERLIN, "x", NOW + 2)
    if other_room_too:
        with pytest.raises(Unreachable, match="this server"):
            it.check("b", BERLIN, "x", NOW + 2)
    else:
        it.check("b", BERLIN, "x", NOW + 2)
    it.check("a", BERLIN, "x", NOW + span + 0.5)


# ---------------------------------------------------------------- minutes
def test_minutes_are_used_up_while_people_talk() -> None:
    it = tolls(room_minutes_hour=10)
    it.begin("p1", "a", BERLIN, "x", NOW)
    assert it.next_deadline(NOW) is None, "it rings"
    it.answered("p1", NOW + 20)
    assert it.next_deadline(NOW + 20) == NOW + 620
    it.begin("p2", "a", BERLIN, "x", NOW + 320)
    it.answered("p2", NOW + 320)
    assert it.next_deadline(NOW + 320) == NOW + 320 + 150, "two spend twice as fast"
    assert it.used_up(NOW + 469) == [] and it.used_up(NOW + 470) == ["p1", "p2"]
    it.ended("p1", NOW + 470)
    it.ended("p2", NOW + 470)
    with pytest.raises(Unreachable, match=r"the 10 minutes of calls of a in an hour are used up"):
        it.check("a", BERLIN, "x", NOW + 471)
    it.check("b", BERLIN, "x", NOW + 471)
    it.check("a", BERLIN, "x", NOW + 320 + HOUR_S)


def test_the_minutes_of_all_rooms() -> None:
    it = tolls(minutes_day=1)
    for key, room in (("p1", "a"), ("p2", "b")):
        it.begin(key, room, BERLIN, "x", NOW)
        it.answered(key, NOW)
    assert it.next_deadline(NOW) == NOW + 30
    assert it.used_up(NOW + 30) == ["p1", "p2"]
    assert it.describe(NOW + 30)["all"] == {
        "calls_now": 2, "calls_hour": 2, "calls_day": 2, "minutes_hour": 1.0, "minutes_day": 1.0
    }  # fmt: skip


def test_a_call_is_answered_and_ends_once() -> None:
    it = tolls()
    it.begin("p1", "a", BERLIN, "x", NOW)
    assert it.answered("p1", NOW + 5).answered_at == NOW + 5
    assert it.answered("p1", NOW + 9).answered_at == NOW + 5
    assert it.ended("p1", NOW + 10).ended_at == NOW + 10
    assert it.ended("p1", NOW + 11) is None and it.open("p1") is None
    assert it.answered("p9", NOW) is None


# ---------------------------------------------------------------- countries that must be approved
def test_a_country_that_no_prefix_names_wants_another_administrators_word() -> None:
    it = Tolls(prefixes=["+", "+49"], asks=True)
    it.check("a", BERLIN, "ann", NOW)
    it.check("a", "0301234", "ann", NOW)
    with pytest.raises(Unreachable, match=r"calls to \+33 want to be approved by somebody else than ann"):
        it.check("a", "+331234", "ann", NOW)
    with pytest.raises(NotFound, match=r"those that wait: \+33"):
        it.approve("+34", "bob", NOW)
    with pytest.raises(Conflict, match="ann has asked"):
        it.approve("+33", "ann", NOW)
    with pytest.raises(Unreachable, match="somebody else than ann"):
        it.check("a", "+331234", "bob", NOW)
    assert it.approve("+33", "bob", NOW + 1).describe()["state"] == "approved"
    it.check("a", "0033999", "ann", NOW + 2)
    it.revoke("+33")
    with pytest.raises(Unreachable):
        it.check("a", "+331234", "ann", NOW + 3)
    with pytest.raises(NotFound):
        it.revoke("+34")


def test_strangers_cannot_fill_the_list_of_countries() -> None:
    it = Tolls(prefixes=["+"], asks=True)
    for number in range(200, 999):
        with pytest.raises(Unreachable):
            it.check("a", f"+{number}", "ann", NOW)
    assert len(it.describe(NOW)["countries"]) == 100


def test_who_asks_first_is_told_once() -> None:
    it, told = Tolls(prefixes=["+"], asks=True), []
    it.note = told.append
    for _ in range(3):
        with pytest.raises(Unreachable):
            it.check("a", "+331234", "ann", NOW)
    assert [(each.country, each.asked_by, each.by) for each in told] == [("+33", "ann", "")]


# ---------------------------------------------------------------- the store
def test_a_country_that_waits_still_waits_after_a_restart_and_for_somebody_else() -> None:
    db = Database(memory=True)
    store.migrate(db)
    it = Tolls(prefixes=["+"], asks=True)
    it.note = lambda approval: toll_store.keep_approval(db, approval)
    with pytest.raises(Unreachable):
        it.check("a", "+331234", "ann", NOW)
    toll_store.settle(db, NOW, NOW - DAY_S)
    again = Tolls(prefixes=["+"], asks=True)
    again.restore(toll_store.load_tolls(db), toll_store.load_approvals(db), NOW)
    assert again.describe(NOW)["countries"][0] == it.describe(NOW)["countries"][0]
    with pytest.raises(Conflict, match="ann has asked"):
        again.approve("+33", "ann", NOW + 1)
    assert again.approve("+33", "bob", NOW + 1).by == "bob"


def test_calls_and_approvals_come_back() -> None:
    db = Database(memory=True)
    store.migrate(db)
    it = tolls()
    for key, began in (("p1", NOW - 2 * DAY_S), ("p2", NOW - 50), ("p3", NOW - 40)):
        toll_store.keep_toll(db, it.begin(key, "a", BERLIN, "x", began))
        toll_store.keep_toll(db, it.answered(key, began))
    toll_store.keep_toll(db, it.ended("p1", NOW - 2 * DAY_S + 60))
    toll_store.keep_toll(db, it.ended("p2", NOW - 20))
    toll_store.keep_approval(db, Approval("+33", "ann", 5.0, "+331", "a", "bob", 6.0))
    toll_store.settle(db, NOW - 10, NOW - DAY_S)
    again = tolls(room_day=3)
    again.restore(toll_store.load_tolls(db), toll_store.load_approvals(db), NOW)
    told = again.describe(NOW)
    assert told["all"]["calls_day"] == 2 and told["all"]["minutes_day"] == 1.0, "p3 ended when the server went down"
    assert [each["state"] for each in told["countries"]] == ["approved"]
    toll_store.drop_approval(db, "+33")
    assert toll_store.load_approvals(db) == []
