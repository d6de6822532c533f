"""When a worker counts as lost, in virtual time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from confserver.transports.pulse import LOST_S, PING_S, STARTING_S, STARVED_S, Pulse, Usage, usage_of


def lost_after(
    usages, *, ready: bool = True, new: bool = False, step: float = PING_S, most: float = 30.0
) -> float | None:
    """How long after its last answer it is given up; ``usages``: what the system says, by time."""
    pulse = Pulse(is_ready=ready, is_taking_over=new)
    pulse.beat(100.0)
    pulse.answered()
    beats = 1
    while (passed := beats * step) <= most:
        owed = pulse.beat(100.0 + passed)
        if pulse.is_lost(owed, usages(passed)):
            return passed - step
        beats += 1
    return None


def test_one_that_owes_an_answer_for_a_second_is_lost() -> None:
    for usage in (None, Usage(False, 1.0)):
        assert lost_after(lambda _, usage=usage: usage) == pytest.approx(LOST_S)


def test_one_that_answers_is_not() -> None:
    pulse = Pulse(is_ready=True)
    for beat in range(100):
        assert not pulse.is_lost(pulse.beat(beat * PING_S), None)
        if beat % 4 == 3:
            pulse.answered()


def test_who_burns_its_time_in_vain_is_lost_who_gets_none_is_waited_for() -> None:
    assert lost_after(lambda passed: Usage(True, passed)) == pytest.approx(LOST_S)
    assert lost_after(lambda passed: Usage(True, passed / 20)) == pytest.approx(STARVED_S, abs=PING_S)


def test_one_that_starts_is_given_longer() -> None:
    assert lost_after(lambda _: None, ready=False) == pytest.approx(STARTING_S, abs=PING_S)
    assert lost_after(lambda passed: Usage(True, passed), new=True) == pytest.approx(STARVED_S, abs=PING_S)


@pytest.mark.parametrize("late", [2 * PING_S, 1.0, 10.0])
def test_nobody_is_lost_while_we_ourselves_are_late(late: float) -> None:
    assert lost_after(lambda _: None, step=late, most=200) is None


def test_our_stall_in_between_begins_the_count_anew() -> None:
    pulse = Pulse(is_ready=True)
    times = [0, 0.25, 0.5, 0.75, 5.75, 6.0, 6.25, 6.5]
    assert [pulse.is_lost(pulse.beat(at), None) for at in times] == [False] * 8
    assert pulse.is_lost(pulse.beat(6.75), None)


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no /proc")
def test_what_the_system_says() -> None:
    assert usage_of(None) is None and usage_of(2**22 + 5) is None
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            end = time.monotonic() + 5
            while (found := usage_of(busy.pid)) and found.cpu_s < 0.2:
                assert time.monotonic() < end
                time.sleep(0.02)
            assert found and found.wants_to_run
            busy.send_signal(signal.SIGSTOP)
            time.sleep(0.05)
            stopped = usage_of(busy.pid)
            assert stopped and not stopped.wants_to_run
        finally:
            busy.kill()
