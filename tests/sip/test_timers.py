"""The heap of deadlines, and how long the RFC's timers run."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.sip.timers import T1, T2, T4, TIMINGS, Deadlines, Timer, next_interval


def drained(deadlines: Deadlines[str], now: float) -> list[tuple[str, Timer]]:
    due = []
    while (one := deadlines.pop_due(now)) is not None:
        due.append(one)
    return due


def test_timers_fire_in_their_order_and_once() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.start("b", Timer.B, 3.0)
    deadlines.start("a", Timer.A, 1.0)
    deadlines.start("c", Timer.A, 1.0)
    assert deadlines.next_deadline() == 1.0
    assert deadlines.pop_due(0.9) is None
    assert drained(deadlines, 2.0) == [("a", Timer.A), ("c", Timer.A)]
    assert deadlines.next_deadline() == 3.0
    assert drained(deadlines, 3.0) == [("b", Timer.B)]
    assert deadlines.next_deadline() is None and len(deadlines) == 0


def test_a_stopped_timer_never_fires_and_a_started_one_starts_anew() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.start("a", Timer.A, 1.0)
    deadlines.start("a", Timer.B, 2.0)
    deadlines.stop("a", Timer.A)
    deadlines.stop("a", Timer.A)
    deadlines.start("a", Timer.B, 5.0)
    assert deadlines.is_running("a", Timer.B) and not deadlines.is_running("a", Timer.A)
    assert deadlines.next_deadline() == 5.0
    assert drained(deadlines, 4.0) == []
    assert drained(deadlines, 5.0) == [("a", Timer.B)]


def test_stopped_timers_do_not_pile_up() -> None:
    deadlines: Deadlines[int] = Deadlines()
    deadlines.start(-1, Timer.B, 0.5)
    for owner in range(10_000):
        deadlines.start(owner, Timer.H, 32.0 + owner)
        deadlines.stop(owner, Timer.H)
    assert len(deadlines._heap) < 200
    assert deadlines.next_deadline() == 0.5


@settings(max_examples=100)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.sampled_from([Timer.A, Timer.B]), st.integers(0, 50))))
def test_the_heap_agrees_with_a_plain_dict(steps: list[tuple[bool, int, Timer, int]]) -> None:
    deadlines: Deadlines[int] = Deadlines()
    plain: dict[tuple[int, Timer], int] = {}
    for starts, owner, timer, at in steps:
        if starts:
            deadlines.start(owner, timer, at)
            plain[owner, timer] = at
        else:
            deadlines.stop(owner, timer)
            plain.pop((owner, timer), None)
        assert deadlines.next_deadline() == (min(plain.values()) if plain else None)
        assert len(deadlines) == len(plain)


def test_retransmissions_slow_down_as_the_rfc_says() -> None:
    def series(timer: Timer, count: int) -> list[float | None]:
        interval, found = None, []
        for _ in range(count):
            interval = next_interval(timer, False, interval)
            found.append(interval)
        return found

    assert series(Timer.A, 6) == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]  # 17.1.1.2: no limit but Timer B
    assert series(Timer.E, 6) == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]  # 17.1.2.2
    assert series(Timer.G, 5) == [0.5, 1.0, 2.0, 4.0, 4.0]  # 17.2.1


def test_reliable_transports_need_no_retransmission_and_no_waiting_for_copies() -> None:
    assert all(next_interval(timer, True) is None for timer in (Timer.A, Timer.E, Timer.G))
    assert all(next_interval(timer, True) == 0.0 for timer in (Timer.D, Timer.I, Timer.J, Timer.K))
    assert all(next_interval(timer, True) == 64 * T1 for timer in (Timer.B, Timer.F, Timer.H, Timer.L, Timer.M))
    assert next_interval(Timer.D, False) > 32.0  # type: ignore[operator]
    assert next_interval(Timer.I, False) == next_interval(Timer.K, False) == T4
    assert next_interval(Timer.J, False) == 64 * T1
    assert next_interval(Timer.REPEAT, True, T2) == T2


def test_every_timer_has_its_time_but_those_that_are_drawn_or_agreed() -> None:
    agreed = {Timer.RETRY, Timer.REFRESH, Timer.EXPIRY, Timer.KEEP, Timer.SERIAL, Timer.PACE}
    assert set(Timer) - TIMINGS.keys() == agreed
