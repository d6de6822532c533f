"""The route table: each condition, and what is said of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from confserver.config.route_checks import MOST_PATTERN, MOST_STARS
from confserver.routing import patterns
from confserver.routing.patterns import Pattern
from confserver.routing.table import Facts, Row, Table, minutes, network
from confserver.sip.uri import parse_uri


def facts(uri: str = "sip:bob@example.com", **more: Any) -> Facts:
    given: dict[str, Any] = {"method": "INVITE", "source": "192.0.2.9", **more}
    return Facts(uri=parse_uri(uri), **given)


def at(text: str) -> float:
    """By the clock of this machine, as the table reads it."""
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M"))


# ------------------------------------------------------------------ patterns
@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("bob", "bob", True),
        ("bob", "BOB", True),
        ("Bob", "bob", True),
        ("bob", "bobby", False),
        ("bob", "", False),
        ("*", "", True),
        ("*", "x" * 5000, True),
        ("a*", "x" * 5000, False),
        ("sales-*", "sales-7", True),
        ("sales-*", "sale-7", False),
        ("*-desk", "front-desk", True),
        ("*-desk", "front-desk-2", False),
        ("a*b*c", "aXXbYYc", True),
        ("a*b*c", "abc", True),
        ("a*b*c", "acb", False),
        ("a*a", "a", False),
        ("ab*ba", "aba", False),
        ("_0X*", "01", True),
        ("_0X*", "0123456", True),
        ("_0X*", "0", False),
        ("_0X*", "0a", False),
        ("_NXX", "199", False),
        ("_NXX", "299", True),
        ("_NXX", "2990", False),
        ("_ZXX", "099", False),
        ("_+49*", "+4930", True),
        ("x*", "x1", True),
        ("x*", "71", False),
    ],
)  # fmt: skip
def test_patterns(pattern: str, text: str, is_match: bool) -> None:
    assert Pattern(pattern).matches(text) is is_match


@pytest.mark.parametrize("text", ["", "a b", "a" * 65, "*****", "a\n", "\x00"])
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|stars"):
        Pattern(text)


def test_patterns_take_linear_time() -> None:
    bad = Pattern("_" + "*".join(["XXXXXXXXXXXX"] * 4) + "*N")
    began = time.process_time()
    for _ in range(100):
        assert not bad.matches("1" * patterns.MOST_TEXT)
    assert time.process_time() - began < 2.0


def test_settings_have_the_same_limits() -> None:
    assert (MOST_PATTERN, MOST_STARS) == (patterns.MOST_PATTERN, patterns.MOST_STARS)


# ------------------------------------------------------------------ conditions
TUESDAY_NOON = at("2026-12-01 12:00")


@pytest.mark.parametrize(
    ("row", "good", "bad"),
    [
        (Row(methods=("INVITE", "MESSAGE")), facts(), facts(method="SUBSCRIBE")),
        (Row(domains=(Pattern("*.example.com"),)), facts("sip:a@x.example.com"), facts("sip:a@example.org")),
        (Row(users=(Pattern("_0*"), Pattern("bob"))), facts("sip:030@x"), facts("sip:carol@x")),
        (Row(users=(Pattern("b*"),)), facts("sip:%62ob@x"), facts("sip:x")),
        (Row(users=(Pattern("_+49*"),)), facts("tel:+4930"), facts("tel:+1")),
        (Row(sources=(network("192.0.2.0/24"),)), facts(), facts(source="198.51.100.7")),
        (Row(sources=(network("2001:db8::/32"),)), facts(source="2001:db8::9"), facts()),
        (Row(sources=(network("192.0.2.0/24"),)), facts(source="::ffff:192.0.2.9"), facts(source="no address")),
        (Row(identities=(Pattern("a*"),)), facts(identity="alice"), facts(identity="bob")),
        (Row(identities=(Pattern("*"),)), facts(identity="alice"), facts()),
        (Row(groups=("staff",)), facts(identity="alice"), facts(identity="eve")),
        (Row(groups=("staff",)), facts(identity="alice"), facts()),
        (Row(days=("tue",)), facts(now=TUESDAY_NOON), facts(now=TUESDAY_NOON + 86400)),
        (Row(hours=(720, 780)), facts(now=TUESDAY_NOON), facts(now=TUESDAY_NOON + 3600)),
        (Row(hours=(1320, 360)), facts(now=at("2026-12-01 23:30")), facts(now=TUESDAY_NOON)),
        (Row(hours=(1320, 360)), facts(now=at("2026-12-01 05:59")), facts(now=at("2026-12-01 06:00"))),
    ],
)  # fmt: skip
def test_conditions(row: Row, good: Facts, bad: Facts) -> None:
    table = Table((row,), {"staff": (Pattern("alice"),)})
    assert table.find(good) is row and table.find(bad) is None
    [miss, none] = table.explain(bad)
    assert miss.startswith("row 1 does not: ") and none == "no row matches"
    assert table.explain(good)[0].startswith("row 1 matches")


def test_a_group_that_is_no_more_has_nobody() -> None:
    assert Table((Row(groups=("gone",)),)).find(facts(identity="alice")) is None


def test_the_first_row_wins() -> None:
    first, second = Row(users=(Pattern("b*"),), to="user"), Row(to="reject", status=403)
    table = Table((first, second))
    assert table.find(facts()) is first and table.find(facts("sip:carol@x")) is second
    assert len(table.explain(facts())) == 1 and len(table.explain(facts("sip:carol@x"))) == 2


def test_all_conditions_must_hold() -> None:
    row = Row(users=(Pattern("bob"),), methods=("MESSAGE",))
    assert Table((row,)).find(facts()) is None


def test_an_empty_table_says_so() -> None:
    assert Table().explain(facts()) == ["there are no rows"]


# ------------------------------------------------------------------ what is made of it
def test_numbers_are_rewritten() -> None:
    row = Row(strip=1, prepend="+49", to="address", targets=("sip:{user}@192.0.2.40",))
    assert row.rewritten("030") == "+4930" and row.rewritten("") == "+49"
    assert row.filled_uris("030") == ("sip:+4930@192.0.2.40",)


def test_what_is_called_stays_within_the_user_part() -> None:
    row = Row(to="redirect", targets=("sip:{user}@192.0.2.40",))
    [uri] = row.filled_uris('x>, <sip:eve@evil"')
    assert parse_uri(uri).host == "192.0.2.40"


def test_rows_as_people_read_them() -> None:
    row = Row(name="out", users=(Pattern("_0X*"),), hours=(480, 1080), to="trunk", targets=("carrier",), strip=1)
    assert row.describe() == {
        "name": "out", "when": "user _0X*, time 08:00-18:00", "then": "trunk carrier, strip 1",
    }  # fmt: skip
    assert Row(to="reject", status=480, reason="Closed").describe()["then"] == "reject 480 Closed"
    assert Row().describe()["when"] == "always"


@pytest.mark.parametrize("text", ["", "8-18", "08:00", "08:00-08:00", "24:01-1:00", "08:60-09:00", "aa:bb-cc:dd"])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="time of day"):
        minutes(text)


def test_times_of_day() -> None:
    assert minutes("8:00-18:30") == (480, 1110) and minutes("22:00-24:00") == (1320, 1440)
