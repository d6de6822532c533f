"""Who is let in: tokens, wrong ones counted, and nobody locked out by somebody else's."""

from __future__ import annotations

import pytest

from confserver.admin.gate import BURST, KNOWN_S, Gate, Terms, place_of
from confserver.admin.pace import MOST_KEYS, Pace, retry_after
from confserver.admin.problems import Problem
from confserver.admin.tokens import ADMINISTRATOR, Tokens
from rooms.participant import Role

NOW = 1_700_000_000.0
CONTROL = "c" * 43


def house(requests: int = 0, failures: int = 0) -> Gate:
    tokens = Tokens()
    tokens.add("reception", Role.MODERATOR, (), None, "right", NOW, "administrator")
    return Gate(CONTROL, tokens, Terms(requests, failures))


def refused(gate: Gate, authorization: str | None, source: str = "192.0.2.1", now: float = NOW) -> Problem:
    with pytest.raises(Problem) as caught:
        gate.admit(authorization, source, now)
    return caught.value


def test_tokens_say_who_asks() -> None:
    gate = house()
    assert gate.admit(f"Bearer {CONTROL}", "", NOW) == ADMINISTRATOR
    assert gate.admit("bearer   right ", "192.0.2.1", NOW).name == "reception"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic right", "right"])
def test_without_a_token(authorization: str | None) -> None:
    problem = refused(house(failures=1), authorization)
    assert (problem.status, problem.headers) == (401, {"WWW-Authenticate": 'Bearer realm="confserver"'})


def test_guessing_is_slowed_down() -> None:
    gate = house(failures=10)
    for _ in range(10):
        assert refused(gate, "Bearer wrong").status == 401
    problem = refused(gate, "Bearer wrong")
    assert (problem.status, problem.headers) == (429, {"Retry-After": "6"})
    assert refused(gate, "Bearer right").status == 429, "also to a right one that is new from there"
    assert refused(gate, f"Bearer {CONTROL}").status == 429
    assert gate.admit("Bearer right", "192.0.2.2", NOW), "another source is not touched"
    assert gate.admit("Bearer right", "192.0.2.1", NOW + 6), "it goes on after a while"
    assert refused(gate, "Bearer wrong", now=NOW + 6).status == 401
    assert refused(gate, "Bearer wrong", now=NOW + 6).status == 429


def test_nobody_is_locked_out_by_somebody_elses_wrong_tokens() -> None:
    gate = house(failures=1)
    gate.admit("Bearer right", "127.0.0.1", NOW)
    for _ in range(3):
        refused(gate, "Bearer wrong", "127.0.0.1")
    assert gate.admit("Bearer right", "127.0.0.1", NOW), "it was shown from there before"
    assert gate.admit(f"Bearer {CONTROL}", "127.0.0.1", NOW), "this machine's own is never locked out"
    gate.tokens.add("new", Role.OBSERVER, (), None, "new", NOW, "administrator")
    assert refused(gate, "Bearer new", "127.0.0.1").status == 429
    gate.tokens.revoke("reception")
    assert refused(gate, "Bearer right", "127.0.0.1").status == 429, "having been known is no right"


def test_having_been_known_is_forgotten() -> None:
    gate = house(failures=1)
    gate.admit("Bearer right", "192.0.2.1", NOW)
    later = NOW + KNOWN_S + 1
    refused(gate, "Bearer wrong", now=later)
    assert refused(gate, "Bearer right", now=later).status == 429


def test_who_asks_too_often_is_told_when_to_go_on() -> None:
    gate = house(requests=2)
    for _ in range(2 * BURST):
        gate.admit("Bearer right", "127.0.0.1", NOW)
    problem = refused(gate, "Bearer right", "127.0.0.1")
    assert (problem.status, problem.headers) == (429, {"Retry-After": "1"})
    assert gate.admit(f"Bearer {CONTROL}", "127.0.0.1", NOW), "by token, on this machine"
    assert gate.admit("Bearer right", "127.0.0.1", NOW + 0.5)


def test_a_source_outside_has_its_pace_too() -> None:
    gate = house(requests=1)
    for _ in range(BURST):
        gate.check_source("2001:db8::1", NOW)
    for source in ("2001:db8::1", "2001:db8::ffff"):
        with pytest.raises(Problem):
            gate.check_source(source, NOW)
    gate.check_source("2001:db8:0:1::1", NOW)
    for _ in range(10 * BURST):
        gate.check_source("127.0.0.1", NOW)
        gate.check_source("::1", NOW)
        gate.check_source("", NOW)


def test_what_counts_as_one_source() -> None:
    assert place_of("192.0.2.1") == "192.0.2.1"
    assert place_of("2001:db8::1") == place_of("2001:db8::2") == "2001:db8::/64"
    assert place_of("fe80::1%eth0") == "fe80::/64"
    assert place_of("") == ""


def test_paces_are_bounded_in_memory() -> None:
    pace = Pace(1.0, 2.0)
    for number in range(3 * MOST_KEYS):
        assert pace.take(str(number), NOW) == 0.0
    assert len(pace) == MOST_KEYS
    assert Pace(0.0, 0.0).take("x", NOW) == 0.0


def test_a_clock_that_stands_gives_nothing_away() -> None:
    pace = Pace(10.0, 1.0)
    assert pace.take("x", NOW) == 0.0
    assert pace.take("x", NOW) == pytest.approx(0.1)
    assert pace.take("x", NOW - 5) > 0.0
    assert (retry_after(0.01), retry_after(1.2)) == ("1", "2")
