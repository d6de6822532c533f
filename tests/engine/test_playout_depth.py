"""How deep the playout is: it follows the network at once, and gives back what it no longer needs, even in talk."""

from __future__ import annotations

import random

import numpy as np
import pytest

from confserver.engine.concealment import Concealment
from confserver.engine.seats import Seats
from confserver.engine.stretch import longer, shorter
from tests.engine.hall import RATE, Hall, level_db, silence, steepest, tone
from tests.engine.test_playout import HZ, LEVEL, _turns
from tests.engine.test_playout_speech import delays, through_a_room, way
from tests.kit.network import BadNetwork, Conditions
from tests.kit.speech import speech
from tests.kit.whole import whole as in_whole


def _stalled(at: int, packets: int):
    """A network that stands still while so many packets are sent, then brings them all."""
    return lambda number: (0.02 * (at + packets - number) if at <= number < at + packets else 0.0,)


def _talk(seconds: float) -> np.ndarray:
    """Speech without a pause: what is loud of the sample, one after another."""
    frames = speech()[: len(speech()) // 160 * 160].reshape(-1, 160)
    loud = frames[np.abs(frames).max(axis=1) > 0.02].reshape(-1)
    return np.tile(loud, int(seconds * RATE / len(loud)) + 1)[: int(seconds * RATE)]


# ---------------------------------------------------------------------- after a stall
@pytest.mark.parametrize("said", [speech(), _talk(11)], ids=["speech", "talk without a pause"])
def test_after_a_stall_of_200_ms_all_is_heard_and_the_delay_is_back_within_2_s(said):
    hall, talker, heard = through_a_room(said, _stalled(200, 10))
    report = hall.report(talker)
    assert (report.lost, report.late, report.discarded) == (0, 0, 0)
    assert report.concealed == 3, "60 ms of concealment, then silence, then all that was said"
    found = delays(said, heard)
    at, late = found[:, 0], found[:, 1]
    assert late[(at > 3.9) & (at < 4.1)].max() > 0.15
    assert late[at > 6.2].max() < 0.040
    assert report.playout_ms < 40


def test_a_tone_stays_whole_while_delay_is_given_back():
    hall = Hall()
    hall.add(tone(HZ, 8), path=_stalled(100, 10))
    listener = hall.add(silence(1))
    hall.run(6)
    sound = listener.sound(2.4)
    assert _turns(sound).max() < 0.05, "left out are whole periods"
    assert steepest(sound) < 0.2 * 2 * np.pi * HZ / RATE * 1.5
    assert level_db(sound, HZ) == pytest.approx(LEVEL, abs=0.7)
    assert _turns(listener.sound(4.5)).max() < 0.01


def test_stalls_that_come_again_are_waited_for():
    """Once the delay holds for them, nothing is concealed any more."""
    hall = Hall()
    talker = hall.add(tone(HZ, 30), path=lambda number: (0.06 if number % 40 == 0 else 0.0,))
    hall.run(6)
    before = hall.report(talker)
    hall.run(12)
    after = hall.report(talker)
    assert after.late + after.concealed - before.late - before.concealed <= 1
    assert after.playout_ms < 100


# ---------------------------------------------------------------------- jitter and order
def test_packets_that_come_too_late_make_the_depth_grow_until_none_does():
    hall = Hall()
    talker = hall.add(tone(HZ, 30), path=way(BadNetwork(Conditions(reorder=0.05, reorder_ms=50), 3)))
    hall.run(4)
    late = hall.report(talker).late
    assert 1 <= late <= 4
    hall.run(16)
    assert hall.report(talker).late <= late + 1


def test_duplicates_that_come_late_do_not_make_it_grow():
    hall = Hall()
    talker = hall.add(tone(HZ, 8), path=lambda number: (0.0, 0.05))
    hall.run(6)
    assert hall.report(talker).playout_ms < 25


@pytest.mark.slow
def test_the_bound_holds_on_a_network_that_is_worse():
    chance = random.Random(4)
    hall = Hall()
    talker = hall.add(_talk(40), path=lambda number: (chance.choice((0.0, 0.25)),))
    hall.run(20)
    stored = []
    for _ in range(500):
        hall.tick()
        seats, row = hall.engine.seats, 1
        rows = np.array([row])
        stored.append(float(seats.ring.ahead(rows, seats.next_timestamp[rows])[0]) / RATE)
    assert np.mean(stored) < 0.120
    assert hall.report(talker).received > 1400


# ---------------------------------------------------------------------- clocks that differ
def _skewed(seconds: float, *all_ppm: float) -> list[tuple[list[float], int, int]]:
    """Of phones whose clocks are fast by so much: delays in ms each second, frames concealed, and packets late."""
    hall = Hall()
    hall.keep = False
    talkers = [hall.add(tone(HZ, 1)) for _ in all_ppm]
    for talker in talkers:
        talker.says = np.tile(tone(HZ, 0.4), int(seconds * 2.6) + 1)
    found: list[list[float]] = [[] for _ in all_ppm]
    for number in range(int(seconds * 50)):
        hall.tick()
        for ppm, talker, delays_ms in zip(all_ppm, talkers, found, strict=True):
            talker.next_at -= 0.02 * ppm * 1e-6
            if number % 50 == 49:
                delays_ms.append(hall.report(talker).playout_ms)
    reports = [hall.report(talker) for talker in talkers]
    return [(each, report.concealed, report.late) for each, report in zip(found, reports, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("ppm", [2000, -2000])
def test_a_clock_that_is_wrong_does_not_let_the_delay_grow(ppm):
    [(found, concealed, late)] = _skewed(60, ppm)
    assert max(found) < 40
    assert late == 0
    assert concealed <= (8 if ppm < 0 else 0), "120 ms are missing in all"


@pytest.mark.slow
def test_clocks_that_are_wrong_by_200_ppm_for_long():
    """An hour where the whole is asked for, else a quarter of it."""
    fast, slow = _skewed(in_whole(3600, 900), 200, -200)
    for found, concealed, late in (fast, slow):
        print(f"delay {np.median(found):.1f} ms, at most {max(found):.1f}; {concealed} concealed, {late} late")
        assert max(found) < 40
        assert late == 0
    most = in_whole(42, 12)
    assert fast[1] == 0 and slow[1] <= most, "720 ms are missing in an hour: not one in a minute"


# ---------------------------------------------------------------------- the parts
@pytest.mark.parametrize("hz", [90.0, 170.0, 425.0])
def test_sound_is_made_shorter_and_longer_by_whole_periods(hz):
    whole = tone(hz, 0.06)
    rest, gone = shorter(whole, 40, 160)
    assert 40 <= gone <= 160 and len(rest) == len(whole) - gone
    assert np.abs(rest - whole[: len(rest)]).max() < 0.02
    before, after = whole[:160], whole[160:]
    result, more = longer(before, after)
    assert 40 <= more <= 120 and len(result) == len(after) + more
    assert np.abs(result[: len(after)] - after).max() < 0.02


def test_too_little_sound_is_left_alone():
    whole = tone(HZ, 0.04)
    rest, gone = shorter(whole, 40, 20)
    assert gone == 0 and rest is whole


def test_concealment_goes_on_with_the_period_and_falls_silent_after_60_ms():
    seats = Seats(8)
    row = seats.take()
    concealment, rows = Concealment(seats), np.array([row])
    sound = tone(100, 0.14).reshape(-1, 160)
    for frame in sound[:3]:
        seats.signal[row] = frame
        concealment.turn()
        concealment.remember(rows)
    concealment.begin(rows, concealment.past(rows))
    made = np.concatenate([concealment.go_on(rows, 160)[0] for _ in range(4)])
    assert np.abs(made[:80] - sound[3, :80]).max() < 0.005, "10 ms at full loudness"
    fall = np.abs(made[:480]).reshape(-1, 80).max(axis=1) / 0.2
    assert np.all(np.diff(fall) < 0.02) and fall[-1] < 0.25
    assert np.abs(made[480:]).max() == 0


def test_two_legs_that_lose_the_same_packet_are_both_bridged():
    hall = Hall()
    phones = [
        hall.add(tone(hz, 4), path=lambda number: () if number in (50, 90) else (0.0,)) for hz in (410.0, 700.0, 910.0)
    ]
    listener = hall.add(silence(1))
    hall.run(3)
    assert [hall.report(phone).concealed for phone in phones] == [2, 2, 2]
    for hz in (410.0, 700.0, 910.0):
        assert level_db(listener.sound(0.9, 1.2), hz) == pytest.approx(LEVEL, abs=1.5)
