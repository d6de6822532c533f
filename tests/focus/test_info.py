"""Keys by INFO, and beside RTP: each press counts once."""

from __future__ import annotations

import pytest

from confserver.contract import DigitPressed
from confserver.focus import outputs as out
from rooms import events as tell
from tests.focus.house import House, every, the

RELAY, BARE = "application/dtmf-relay", "application/dtmf"


def info(it: House, call: int | None, body: str = "", kind: str = "", *lines: str) -> list[out.Output]:
    return it.ask("INFO", *lines, call=call, body=body, kind=kind)


def digits(outputs: list[out.Output]) -> list[tuple[str, int]]:
    return [(event.digit, event.duration_ms) for event in every(tell.DigitReceived, outputs)]


def by_rtp(it: House, call: int, digit: str) -> list[out.Output]:
    return it.tell(DigitPressed(leg=it.leg(call).id, digit=digit, duration_ms=100))


@pytest.mark.parametrize(
    ("kind", "body", "ms"),
    [(RELAY, "Signal=5\r\nDuration=160\r\n", 160), (BARE, "5", 100), ("Application/DTMF-Relay", "Signal=5", 100)],
)
def test_a_key_reaches_the_room(kind: str, body: str, ms: int) -> None:
    it = House()
    told = info(it, it.enter(), body, kind)
    assert the(out.Respond, told).status == 200 and digits(told) == [("5", ms)]


@pytest.mark.parametrize(
    ("body", "kind", "lines", "status", "header"),
    [
        ("", "", (), 200, ""),
        ("x", "application/media_control+xml", (), 415, "Accept"),
        ("x", "", (), 415, "Accept"),
        ("Signal=x", RELAY, (), 400, "Warning"),
        ("Signal=1", RELAY, ("Info-Package: dtmf",), 469, "Recv-Info"),
        ("", "", ("Info-Package: nothing",), 469, "Recv-Info"),
    ],
)
def test_everything_else(body: str, kind: str, lines: tuple[str, ...], status: int, header: str) -> None:
    it = House()
    told = info(it, it.enter(), body, kind, *lines)
    answer = the(out.Respond, told)
    assert answer.status == status and digits(told) == []
    assert not header or header in dict(answer.headers)


def test_there_is_none_outside_of_a_call() -> None:
    assert the(out.Respond, info(House(), None, "5", BARE)).status == 481


def test_before_anybody_is_there_keys_are_answered_and_nothing_else() -> None:
    it = House()
    call, _ = it.invite()
    told = info(it, call, "5", BARE)
    assert the(out.Respond, told).status == 200 and digits(told) == []


@pytest.mark.parametrize("rtp_first", [True, False])
def test_a_key_that_comes_both_ways_counts_once(rtp_first: bool) -> None:
    it = House()
    call = it.enter()
    ways = [lambda: by_rtp(it, call, "5"), lambda: info(it, call, "5", BARE)]
    first, second = ways if rtp_first else ways[::-1]
    assert len(digits([*first(), *it.pass_time(0.3), *second()])) == 1


def test_the_same_key_twice_by_both_ways_counts_twice() -> None:
    it = House()
    call = it.enter()
    told = [*by_rtp(it, call, "5"), *by_rtp(it, call, "5"), *info(it, call, "5", BARE), *info(it, call, "5", BARE)]
    assert len(digits(told)) == 2


def test_other_keys_and_late_ones_are_others() -> None:
    it = House()
    call = it.enter()
    told = [*by_rtp(it, call, "5"), *info(it, call, "6", BARE)]
    it.pass_time(5)
    told += info(it, call, "5", BARE)
    assert [digit for digit, _ in digits(told)] == ["5", "6", "5"]


def test_keys_of_two_calls_are_two_keys() -> None:
    it = House()
    anna, bob = it.enter(), it.enter(name="<sip:bob@b>")
    assert len(digits([*by_rtp(it, anna, "5"), *info(it, bob, "5", BARE)])) == 2


def test_nothing_is_kept_of_many_keys() -> None:
    it = House()
    call = it.enter()
    for _ in range(100):
        by_rtp(it, call, "5")
    assert len(it.leg(call).keys) <= 17
