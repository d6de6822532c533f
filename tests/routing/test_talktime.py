"""How long it has been talked: always what a sum over all calls would give, and cheap however many they were."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.routing.talktime import KEPT_S, TalkTime
from confserver.routing.tolls import DAY_S, HOUR_S, Toll, TollLimits, Tolls

NOW = 1_700_000_000.0
ROOMS = ("a", "b")
LIMITS = TollLimits(room_minutes_hour=60, room_minutes_day=600, minutes_hour=100, minutes_day=900)


@dataclass(slots=True)
class Talk:
    """One call, as a sum would have it."""

    room: str
    start: float | None = None
    end: float | None = None

    def seconds_since(self, start: float, now: float) -> float:
        if self.start is None:
            return 0.0
        return max(0.0, (now if self.end is None else self.end) - max(self.start, start))


def summed(talks: list[Talk], room: str | None, span: float, now: float) -> float:
    return sum(talk.seconds_since(now - span, now) for talk in talks if room in (None, talk.room))


@dataclass(slots=True)
class Ledger:
    """The fence, and beside it all calls for the sums."""

    tolls: Tolls
    talks: dict[str, Talk]
    now: float = NOW

    def do(self, what: str, index: int, wait: float) -> None:
        self.now += wait
        if what == "begin":
            key, room = f"p{len(self.talks)}", ROOMS[index % 2]
            self.tolls.begin(key, room, "+49301", "x", self.now)
            self.talks[key] = Talk(room)
            return
        open_ = [key for key in self.talks if self.tolls.open(key)]
        if not open_:
            return
        key = open_[index % len(open_)]
        talk = self.talks[key]
        if what == "answer":
            self.tolls.answered(key, self.now)
            talk.start = self.now if talk.start is None else talk.start
        else:
            self.tolls.ended(key, self.now)
            talk.end = self.now

    def check(self) -> None:
        talks = list(self.talks.values())
        for room in (None, *ROOMS):
            for span in (HOUR_S, DAY_S):
                wanted = summed(talks, room, span, self.now)
                assert self.tolls._used(span, room, self.now) == pytest.approx(wanted, abs=1e-3)
        talking = [talk for talk in talks if talk.start is not None and talk.end is None]
        soonest = [
            (most * 60.0 - summed(talks, room, span, self.now)) / sum(room in (None, each.room) for each in talking)
            for _, most, span, own in self.tolls._minutes()
            for room in ({each.room for each in talking} if own else {None})
            if talking
        ]
        deadline = self.tolls.next_deadline(self.now)
        if soonest:
            assert deadline == pytest.approx(self.now + max(0.0, min(soonest)), abs=1e-3)
        else:
            assert deadline is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "begin", "answer", "answer", "end"]),
        st.integers(0, 9),
        st.sampled_from([0.0, 0.5, 30.0, 1800.0, HOUR_S, 20_000.0, DAY_S]),
    ),
    max_size=60,
)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_a_running_sum_is_the_sum(steps: list[tuple[str, int, float]]) -> None:
    ledger = Ledger(Tolls(LIMITS), {})
    for step in steps:
        ledger.do(*step)
        ledger.check()


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_it_is_the_sum_after_a_restart_too(steps: list[tuple[str, int, float]]) -> None:
    ledger = Ledger(Tolls(LIMITS), {})
    for step in steps:
        ledger.do(*step)
    kept = [
        Toll(key, talk.room, "+49301", "+49", "x", NOW if talk.start is None else talk.start, talk.start, talk.end)
        for key, talk in ledger.talks.items()
    ]
    ledger.tolls = Tolls(LIMITS)
    ledger.tolls.restore(kept, [], ledger.now)
    ledger.check()
    ledger.do("answer", 1, 10.0)
    ledger.do("end", 0, 10.0)
    ledger.check()


def test_a_call_that_ended_before_it_was_answered_counts_nothing() -> None:
    """Where a crash is dated to when the server was last seen alive."""
    talked = TalkTime()
    talked.add([(NOW, NOW - 5), (NOW, NOW), (NOW, NOW + 7)])
    assert talked.since(NOW - 100, NOW + 50) == 7 and talked.calls == 0


def test_time_that_stands_still_or_steps_back_takes_nothing_away() -> None:
    talked = TalkTime()
    talked.change(1, NOW)
    talked.change(1, NOW - 3)
    talked.change(-1, NOW + 1)
    assert talked.since(NOW - 9, NOW + 1) == 2 and talked.since(NOW + 5, NOW + 1) == 0


def test_what_is_older_than_a_day_is_forgotten() -> None:
    talked = TalkTime()
    for index in range(5000):
        talked.change(1, NOW + index * 100)
        talked.change(-1, NOW + index * 100 + 50)
    now = NOW + 5000 * 100
    assert len(talked._times) < 2 * KEPT_S / 100 + 200
    assert talked.since(now - KEPT_S, now) == pytest.approx(KEPT_S / 2, abs=51)
    assert not talked.is_over(now) and talked.is_over(now + KEPT_S)
    tolls = Tolls(LIMITS)
    tolls.answered(tolls.begin("p1", "a", "+49301", "x", NOW).key, NOW)
    tolls.ended("p1", NOW + 1)
    tolls.check("b", "+49301", "x", NOW + DAY_S + 2)
    assert not tolls._talked


def test_a_day_full_of_calls_costs_no_step_more_than_a_day_with_one() -> None:
    def steps(calls: int) -> float:
        tolls = Tolls(LIMITS)
        past = [Toll(f"p{n}", "a", "+49301", "+49", "x", NOW + n, NOW + n, NOW + n + 0.01) for n in range(calls)]
        tolls.restore(past, [], NOW + calls)
        tolls.answered(tolls.begin("last", "a", "+49301", "x", NOW + calls).key, NOW + calls)
        began = time.process_time()
        for _ in range(300):
            assert tolls.next_deadline(NOW + calls + 1) is not None and not tolls.used_up(NOW + calls + 1)
        return time.process_time() - began

    few = min(steps(1) for _ in range(3))
    assert min(steps(40_000) for _ in range(2)) < 8 * few + 0.02
