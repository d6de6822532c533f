"""What is handed over of a recorded room: the tracks are what was said, sample for sample; the mix is their sum."""

from __future__ import annotations

import time

import numpy as np
import pytest

from confserver.contract import CloseRoom, Record, RecordEnded, RecordFailed, RecordStarted, SetRoom
from confserver.contract.plan import RoomSound
from tests.engine.desk import Desk, same, shift_of
from tests.engine.hall import CODECS, Crowd, Hall, Phone, level_db, silence, tone


class Studio(Hall):
    """A hall whose room is recorded."""

    def __init__(self, **more: object) -> None:
        super().__init__(**more)
        self.desk = Desk()

    def tick(self, elapsed: int = 1) -> None:
        super().tick(elapsed)
        self.desk.take(self.engine)

    def record(self, record: int = 5, **how: object) -> None:
        self.engine.recorder.start(Record(record=record, room=1, socket="", **how))

    def stop(self, record: int = 5) -> None:
        self.engine.recorder.stop(record)
        self.events += self.engine.take_events()
        self.desk.take(self.engine)


def as_sent(phone: Phone) -> np.ndarray:
    """What a phone says, as its codec lets it through."""
    coded = np.empty((1, len(phone.says)), np.uint8)
    out = np.empty((1, len(phone.says)), np.float32)
    codec = CODECS[phone.codec][1]
    codec.encode(phone.says[None], coded)
    codec.decode(coded, out)
    return np.rint(out[0] * 32768).clip(-32768, 32767) / 32768


def words(*parts: np.ndarray) -> np.ndarray:
    return np.concatenate(parts)


@pytest.fixture
def studio() -> Studio:
    return Studio()


def test_each_track_is_what_was_said_sample_for_sample_on_the_clock_of_the_room(studio: Studio) -> None:
    anna = studio.add(words(tone(440, 1), silence(1), tone(550, 1)))
    bob = studio.add(words(silence(1), tone(700, 1), silence(1)), codec="PCMA")
    studio.record()
    studio.run(3.2)
    studio.stop()
    desk = studio.desk
    assert desk.opened == [5] and desk.closed == 1 and desk.ticks == 160
    shifts = set()
    for phone in (anna, bob):
        track, said = desk.track(phone.leg), as_sent(phone)
        shift = shift_of(track, said)
        shifts.add(shift)
        assert shift % 160 == 0
        count = min(len(said), len(track) - shift)
        assert same(track[shift + 160 : shift + count], said[160:count]), "the first frame is faded in"
        assert not track[:shift].any()
    assert len(shifts) == 1 and shifts.pop() <= 320, "both were played from the same tick on"


def test_the_mix_is_the_sum_of_the_tracks_while_somebody_talks(studio: Studio) -> None:
    studio.add(words(tone(440, 3)))
    studio.add(words(silence(1), tone(700, 1), silence(1)))
    studio.record()
    studio.run(3)
    desk = studio.desk
    mix, total = desk.track(None), desk.track(1) + desk.track(2)
    for start, end in ((0.1, 0.95), (1.1, 1.95), (2.9, 3.0)):
        part = slice(int(start * 8000), int(end * 8000))
        assert np.abs(mix[part] - total[part]).max() <= 1.5 / 32768
    assert np.abs(mix).max() > 0.35


def test_what_nobody_says_costs_nothing_and_recorded_silence_has_no_noise(studio: Studio) -> None:
    studio.add(words(tone(440, 0.5), silence(10)), pauses=False)
    studio.add(silence(10))
    studio.record()
    studio.run(3)
    before = studio.desk.bytes
    studio.run(1)
    assert studio.desk.bytes - before < 50 * 64
    assert not studio.desk.track(None)[-8000:].any()


def test_who_is_muted_is_silent_in_his_track_too(studio: Studio) -> None:
    studio.add(tone(440, 4))
    studio.add(silence(4))
    studio.record()
    studio.run(1)
    studio.hear_all(muted=[1])
    studio.run(1)
    studio.hear_all()
    studio.run(1)
    track, mix = studio.desk.track(1), studio.desk.track(None)
    for sound in (track, mix):
        assert level_db(sound[1600:8000], 440) > -15 and level_db(sound[17600:24000], 440) > -15
        assert not sound[8320:16000].any()


@pytest.mark.parametrize("codec", ["PCMU", "L16-16"])
def test_who_waits_has_a_track_where_that_is_asked_for_and_nobody_hears_him(studio: Studio, codec: str) -> None:
    """Also one whose sound has another rate than the room."""
    waits = studio.add(np.repeat(tone(440, 3), 2) if codec == "L16-16" else tone(440, 3), codec=codec)
    inside = studio.add(silence(3))
    studio.record()
    studio.hear_all(muted=[waits.leg], deaf=[waits.leg])
    studio.run(1)
    assert studio.desk.legs() == set(), "never unless it is asked for"
    studio.hear_all(muted=[waits.leg], deaf=[waits.leg], waiting=[waits.leg, 99])
    studio.run(1)
    rates = {heard.rate_hz for heard in studio.desk.heard}
    track = np.concatenate([studio.desk.track(waits.leg, rate)[rate : 2 * rate] for rate in sorted(rates)])
    assert studio.desk.legs() == {waits.leg} and np.abs(track[1600:]).max() > 0.1
    assert not studio.desk.track(None).any() and level_db(inside.sound(0.5), 440) < -60
    studio.hear_all(muted=[waits.leg], deaf=[waits.leg])
    before = len(studio.desk.heard)
    studio.run(0.5)
    assert not any(heard.tracks for heard in studio.desk.heard[before:])


def test_without_tracks_there_is_the_mix_alone(studio: Studio) -> None:
    studio.add(tone(440, 1))
    studio.record(tracks=False)
    studio.run(1)
    assert studio.desk.legs() == set()
    assert level_db(studio.desk.track(None)[800:], 440) > -15


def test_a_pause_is_left_out(studio: Studio) -> None:
    studio.add(words(tone(440, 1), tone(700, 1), tone(1000, 1)))
    studio.record()
    studio.run(1)
    studio.engine.recorder.pause(5, True)
    studio.run(1)
    studio.engine.recorder.pause(5, False)
    studio.run(1)
    studio.stop()
    assert studio.told(RecordEnded) == [RecordEnded(record=5, ticks=100)]
    assert [heard.number for heard in studio.desk.heard] == list(range(100))
    track = studio.desk.track(1)
    assert level_db(track, 700) < -40 and level_db(track[9600:], 1000) > -15
    gap = studio.desk.heard[50].at - studio.desk.heard[49].at
    assert abs(gap - 1.02) < 0.001


def test_missed_ticks_are_counted_and_silent(studio: Studio) -> None:
    studio.add(tone(440, 2))
    studio.record()
    studio.run(0.5)
    studio.tick(elapsed=6)
    studio.run(0.5)
    numbers = [heard.number for heard in studio.desk.heard]
    assert numbers == [*range(25), *range(30, 56)]
    times = [heard.at for heard in studio.desk.heard]
    assert abs((times[-1] - times[0]) - numbers[-1] * 0.02) < 1e-5


def test_it_begins_with_the_next_tick_and_says_so(studio: Studio) -> None:
    studio.run(0.1)
    studio.record()
    assert not studio.told(RecordStarted)
    studio.tick()
    [started] = studio.told(RecordStarted)
    assert started == RecordStarted(record=5, at=studio.now) and studio.desk.heard[0].at == studio.now


def test_a_room_that_changes_its_rate_goes_on_at_the_other(studio: Studio) -> None:
    studio.add(tone(440, 4))
    studio.record()
    studio.run(1)
    studio.engine.set_room(SetRoom(room=1, sound=RoomSound(rate_hz=16000)))
    studio.run(1)
    rates = [heard.rate_hz for heard in studio.desk.heard]
    assert rates[:50] == [8000] * 50 and rates[-40:] == [16000] * 40
    assert [heard.number for heard in studio.desk.heard] == list(range(100))
    for leg in (1, None):
        assert level_db(studio.desk.track(leg)[1600:8000], 440) > -15
        assert level_db(studio.desk.track(leg, 16000)[19200:], 440, 16000) > -15


def test_a_room_that_is_closed_ends_its_recording(studio: Studio) -> None:
    studio.add(tone(440, 1))
    studio.record()
    studio.run(0.5)
    studio.engine.close_room(CloseRoom(room=1), studio.now)
    studio.run(0.1)
    assert studio.told(RecordEnded) == [RecordEnded(record=5, ticks=25)]
    assert studio.desk.closed == 1 and studio.engine.recorder.count == 0


def test_a_room_that_is_not_there_is_refused_and_unknown_recordings_are_passed_over(studio: Studio) -> None:
    studio.engine.recorder.start(Record(record=5, room=99, socket=""))
    studio.engine.recorder.pause(7, True)
    studio.engine.recorder.stop(7)
    studio.engine.recorder.fail(7, "no")
    studio.tick()
    assert studio.told(RecordFailed) == [RecordFailed(record=5, reason="no room 99")]
    assert studio.desk.opened == []


def test_a_scribe_that_takes_no_more_costs_the_recording_alone(studio: Studio) -> None:
    phone = studio.add(silence(2))
    studio.add(tone(440, 2))
    studio.record()
    studio.run(0.5)
    studio.engine.recorder.fail(5, "the disk is full")
    mixes = studio.engine.describe()["mixes"]
    studio.run(0.5)
    assert studio.told(RecordFailed) == [RecordFailed(record=5, reason="the disk is full")]
    assert studio.engine.describe()["mixes"] == mixes and studio.engine.floor.rooms[1].tap is None
    assert level_db(phone.sound(0.2), 440) > -15


def test_two_recordings_of_a_room_share_a_tap(studio: Studio) -> None:
    studio.add(tone(440, 2))
    studio.record(5)
    studio.record(6)
    studio.run(0.2)
    studio.stop(5)
    assert studio.engine.floor.rooms[1].tap is not None
    studio.stop(6)
    assert studio.engine.floor.rooms[1].tap is None


def test_what_it_costs() -> None:
    """Printed, and bounded generously: 200 in a room, three talk, all tracks recorded."""
    crowd = Crowd(200, 200, 3)
    crowd.engine.recorder.start(Record(record=5, room=0, socket=""))
    spent = []
    for _ in range(120):
        crowd.tick()
        began = time.perf_counter()
        crowd.engine.recorder.tick(crowd.now, 1)
        spent.append(time.perf_counter() - began)
        crowd.engine.recorder.take()
    middle = sorted(spent)[60]
    print(f"a tick of a recording of 200, three of them talking: {middle * 1e6:.0f} us")
    assert middle < 0.002
