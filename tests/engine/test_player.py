"""The player by itself: what it writes into its seats, sample by sample."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import DigitPressed, Play, PlayEnded, SetPlay, StopPlay
from confserver.engine.frame import FRAMES, FULL, NARROW, RATES_HZ, WIDE
from confserver.engine.player import PATIENCE, Player
from confserver.engine.reel import SoundReel, ToneReel, Track
from confserver.engine.seats import Seats
from confserver.engine.tones import parse
from tests.engine.hall import level_db, steepest, tone


def track(samples: np.ndarray) -> Track:
    return np.round(samples * 32767).astype(np.int16).reshape(-1, 1)


def reel(*parts: np.ndarray, band: int = NARROW, loop: bool = False) -> SoundReel:
    return SoundReel([{band: track(part)} for part in parts], loop)


class Booth:
    """A player in room 1, with a floor that only takes notes."""

    def __init__(self, band: int = NARROW) -> None:
        self.seats = Seats(64)
        self.band = band
        self.events: list[object] = []
        self.player = Player(self.seats, self, self.events.append)
        self.sources: dict[int, tuple[int, int | None]] = {}
        self.ducked: list[tuple[int, int | None, float]] = []
        self.is_full = False
        self.heard: dict[int, list[np.ndarray]] = {}

    def add_source(self, row: int, number: int, leg: int | None) -> bool:
        if number != 1:
            raise KeyError(number)
        if self.is_full:
            return False
        self.seats.band[row] = self.band
        self.sources[row] = number, leg
        return True

    def remove_source(self, row: int) -> None:
        assert not self.seats.signals[self.band][row].any(), "a source was cut off while it sounded"
        del self.sources[row]

    def duck(self, number: int, leg: int | None, gain: float) -> None:
        self.ducked.append((number, leg, round(gain, 4)))

    def play(self, reel, play: int = 1, leg: int | None = None, **more: object) -> None:
        self.player.play(Play(play=play, room=1, leg=leg, **more), reel, leg)

    def run(self, ticks: int) -> None:
        for _ in range(ticks):
            self.player.tick()
            for row in self.sources:
                self.heard.setdefault(row, []).append(self.seats.signals[self.band][row].copy())

    def sound(self, row: int = 1) -> np.ndarray:
        return np.concatenate(self.heard.get(row, [np.zeros(0, np.float32)]))

    def ends(self) -> list[PlayEnded]:
        return [event for event in self.events if isinstance(event, PlayEnded)]


def test_a_sound_is_heard_as_it_is_once():
    booth, said = Booth(), tone(440, 1.0)
    booth.play(reel(said))
    booth.run(60)
    assert np.allclose(booth.sound()[40:-40][: len(said) - 80], said[40:-40], atol=1e-4)
    assert [(end.cause, end.position_s) for end in booth.ends()] == [("finished", 1.0)]
    assert len(booth.player) == 0
    assert booth.seats.count == 0
    assert not booth.sources


def test_beginning_and_end_are_ramps_of_5_ms():
    booth = Booth()
    booth.play(reel(np.full(1000, 0.5)))  # which ends within a frame
    booth.run(20)
    sound = booth.sound()
    assert steepest(sound) <= 0.5 / 40 + 1e-3
    assert np.allclose(sound[40:960], 0.5, atol=1e-3)
    assert not sound[1000:].any()


@pytest.mark.parametrize("band", [NARROW, WIDE, FULL])
def test_each_band_hears_the_right_pitch_and_level(band):
    rate = RATES_HZ[band]
    booth = Booth(band)
    booth.play(reel(tone(1000, 1.0, rate=rate), band=band), play=1)
    booth.play(ToneReel(parse("1000/-10dB:1000")), play=2)
    booth.run(50)
    assert level_db(booth.sound(1)[rate // 10 : -rate // 10], 1000, rate) == pytest.approx(-13.98, abs=0.05)
    assert level_db(booth.sound(2)[rate // 10 : -rate // 10], 1000, rate) == pytest.approx(-10, abs=0.05)


@pytest.mark.parametrize(("lies", "room"), [(WIDE, NARROW), (FULL, NARROW), (FULL, WIDE), (NARROW, WIDE), (WIDE, FULL)])
def test_a_sound_of_another_rate_is_resampled(lies, room):
    booth, rate = Booth(room), RATES_HZ[room]
    booth.play(reel(tone(1000, 1.0, rate=RATES_HZ[lies]), band=lies))
    booth.run(52)
    sound = booth.sound()
    assert level_db(sound[rate // 10 : rate * 9 // 10], 1000, rate) == pytest.approx(-13.98, abs=0.1)
    assert steepest(sound) < 0.2 * 2 * np.pi * 1000 / rate * 1.1
    assert [end.cause for end in booth.ends()] == ["finished"]


def test_a_room_that_changes_its_band_goes_on_where_it_was():
    booth = Booth()
    sounds = [{band: track(tone(500, 2.0, rate=rate)) for band, rate in enumerate(RATES_HZ)}]
    booth.play(SoundReel(sounds))
    booth.run(25)
    booth.band = booth.seats.band[1] = WIDE
    booth.run(25)
    after = np.concatenate(booth.heard[1][25:])
    assert np.allclose(after, tone(500, 1.0, rate=16000)[8000:16000], atol=1e-3)


def test_sounds_follow_each_other_without_a_gap():
    whole = tone(440, 1.0)
    booth = Booth()
    booth.play(reel(whole[:1234], whole[1234:1300], whole[1300:5001], whole[5001:]))
    booth.run(50)
    assert np.allclose(booth.sound()[40:7900], whole[40:7900], atol=1e-4)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_loop_has_no_click(parts):
    """A second of 440 Hz ends where it began: over and over it is one tone."""
    whole = tone(440, 1.0)
    booth = Booth()
    booth.play(reel(*np.array_split(whole, parts), loop=True))
    booth.run(250)
    sound = booth.sound()
    assert steepest(sound) <= 0.2 * 2 * np.pi * 440 / 8000 * 1.02
    assert np.allclose(sound[40:], tone(440, 5.0)[40:], atol=1e-3)
    assert not booth.ends()


def test_a_loop_that_ends_within_a_frame():
    whole = tone(440, 1.0)[: 8000 - 8000 // 440 * 3]
    booth = Booth()
    booth.play(reel(whole, loop=True))
    booth.run(100)
    assert np.allclose(booth.sound()[40:], np.resize(whole, 16000)[40:], atol=1e-3)


def test_the_start_position_counts_over_the_whole_list():
    whole = np.concatenate((tone(440, 1.0), tone(600, 1.0)))
    booth = Booth()
    booth.play(reel(whole[:8000], whole[8000:]), start_s=1.5)
    booth.run(30)
    assert np.allclose(booth.sound()[40:3900], whole[12040:15900], atol=1e-4)
    assert booth.ends()[0].position_s == 2.0


def test_volume():
    booth = Booth()
    booth.play(reel(tone(440, 3.0), loop=True), volume_db=-12)
    booth.run(50)
    booth.player.set(SetPlay(play=1, volume_db=6))
    booth.run(50)
    sound = booth.sound()
    assert level_db(sound[800:8000], 440) == pytest.approx(-25.98, abs=0.05)
    assert level_db(sound[8800:], 440) == pytest.approx(-7.98, abs=0.05)
    assert steepest(sound) <= 0.4 * (2 * np.pi * 440 / 8000 + 1 / 160)


def test_pause_and_going_on_lose_nothing_but_the_fade():
    said = np.linspace(0.1, 0.5, 16000)
    booth = Booth()
    booth.play(reel(said), duck_db=10)
    booth.run(20)
    booth.player.set(SetPlay(play=1, paused=True))
    booth.run(30)
    silent = booth.sound()[21 * 160 :]
    assert not silent.any()
    assert booth.ducked == [(1, None, 0.3162), (1, None, 1.0)]
    booth.player.set(SetPlay(play=1, paused=False))
    booth.run(20)
    after = np.concatenate(booth.heard[1][50:])
    assert np.allclose(after[40:], said[21 * 160 + 40 : 41 * 160], atol=1e-3)
    assert steepest(booth.sound()) < 0.5 / 40 + 1e-3
    assert booth.ducked[2:] == [(1, None, 0.3162)]


def test_seeking_fades_out_and_goes_on_there():
    said = np.linspace(0.1, 0.5, 16000)
    booth = Booth()
    booth.play(reel(said))
    booth.run(10)
    booth.player.set(SetPlay(play=1, position_s=1.5))
    booth.run(10)
    sound = booth.sound()
    assert np.allclose(sound[11 * 160 + 40 :], said[12000 + 40 :][: 9 * 160 - 40], atol=1e-3)
    assert steepest(sound) < 0.5 / 40 + 1e-3
    booth.player.set(SetPlay(play=1, position_s=99))
    booth.run(3)
    assert booth.ends()[0].cause == "finished"


def test_seeking_while_paused_stays_silent():
    booth = Booth()
    booth.play(reel(np.linspace(0.1, 0.5, 16000)))
    booth.run(5)
    booth.player.set(SetPlay(play=1, paused=True))
    booth.run(5)
    booth.player.set(SetPlay(play=1, position_s=1.0))
    booth.run(5)
    assert not booth.sound()[6 * 160 :].any()
    booth.player.stop(StopPlay(play=1))
    booth.run(2)
    assert [(end.cause, end.position_s) for end in booth.ends()] == [("stopped", 1.0)]


def test_stopping_fades_within_a_frame():
    booth = Booth()
    booth.play(reel(np.full(16000, 0.5)))
    booth.run(10)
    booth.player.stop(StopPlay(play=1))
    booth.player.stop(StopPlay(play=1))
    booth.player.stop(StopPlay(play=77))
    booth.run(2)
    sound = booth.sound()
    assert steepest(sound) <= 0.5 / 40 + 1e-3
    assert not sound[11 * 160 - 1 :].any()
    assert [(end.cause, end.position_s) for end in booth.ends()] == [("stopped", 0.22)]


def test_a_key_of_the_leg_ends_what_it_may():
    booth = Booth()
    booth.play(reel(np.full(16000, 0.3)), play=1, leg=7, interruptible=True)
    booth.play(reel(np.full(16000, 0.3)), play=2, leg=8, interruptible=True)
    booth.play(reel(np.full(16000, 0.3)), play=3, leg=7)
    booth.play(reel(np.full(16000, 0.3)), play=4, interruptible=True)
    booth.run(5)
    booth.player.hear([DigitPressed(leg=7, digit="#", duration_ms=100)], lambda leg: 1)
    booth.run(2)
    assert [(end.play, end.cause, end.digit) for end in booth.ends()] == [
        (1, "interrupted", "#"),
        (4, "interrupted", "#"),
    ]
    booth.player.hear([DigitPressed(leg=8, digit="1", duration_ms=100)], lambda leg: 2)
    booth.run(2)
    assert len(booth.ends()) == 2  # that leg is in another room


def test_what_a_leg_or_a_room_takes_with_it():
    booth = Booth()
    for play, leg in ((1, 7), (2, 8), (3, None)):
        booth.play(reel(tone(440, 9.0), loop=True), play=play, leg=leg)
    booth.run(5)
    booth.seats.signals[NARROW][:] = 0  # nobody hears it any more
    booth.player.forget_leg(7)
    assert [(end.play, end.cause) for end in booth.ends()] == [(1, "stopped")]
    booth.player.forget_room(1)
    assert [end.play for end in booth.ends()] == [1, 2, 3]
    assert booth.seats.count == 0


def test_a_place_is_waited_for_but_not_for_ever():
    booth = Booth()
    booth.is_full = True
    booth.play(reel(tone(440, 0.1)), play=1, duck_db=20)
    booth.run(10)
    assert not booth.ducked
    booth.is_full = False
    booth.run(10)
    assert booth.ends()[0].cause == "finished"
    booth.is_full = True
    booth.play(reel(tone(440, 0.1)), play=2)
    booth.run(PATIENCE)
    assert booth.ends()[1].cause == "failed"
    assert "too much plays" in booth.ends()[1].reason
    assert booth.seats.count == 0


def test_no_room_and_a_number_twice():
    booth = Booth()
    booth.player.play(Play(play=1, room=2), reel(tone(440, 1.0)), None)
    assert [(end.cause, end.reason) for end in booth.ends()] == [("failed", "no room 2")]
    booth.play(reel(tone(440, 1.0)), play=2)
    with pytest.raises(ValueError, match="there is a play 2"):
        booth.play(reel(tone(440, 1.0)), play=2)
    assert booth.seats.count == 1


def test_the_most_demanding_ducks():
    booth = Booth()
    booth.play(reel(tone(440, 0.5)), play=1, duck_db=6)
    booth.play(reel(tone(440, 0.2)), play=2, duck_db=20)
    booth.play(reel(tone(440, 0.2)), play=3, leg=7, duck_db=20)
    booth.run(40)
    room = [gain for _, leg, gain in booth.ducked if leg is None]
    assert room == [0.5012, 0.1, 0.5012, 1.0]
    assert [gain for _, leg, gain in booth.ducked if leg == 7] == [0.1, 1.0]


def test_many_that_play_the_same_sound_alike_as_each_alone():
    """Together in a chorus, each where he began; some change and leave it."""
    music, booth = reel(tone(440, 1.0), loop=True), Booth()
    for play in range(1, 21):
        booth.play(music, play=play, volume_db=-play)
        booth.run(1)
    assert booth.player.count_together == 20
    booth.player.set(SetPlay(play=3, volume_db=0))
    booth.player.stop(StopPlay(play=5))
    booth.run(100)
    assert booth.player.count_together >= 17
    for play in (1, 2, 20):
        sound = booth.sound(play)[400:]
        assert steepest(sound) <= 0.2 * 2 * np.pi * 440 / 8000 * 1.02
        assert level_db(sound, 440) == pytest.approx(-13.98 - play, abs=0.05)
        assert np.allclose(sound[:8000], np.roll(tone(440, 1.0), -400) * 10 ** (-play / 20), atol=1e-3)
    assert level_db(booth.sound(3)[-8000:], 440) == pytest.approx(-13.98, abs=0.05)
    assert [end.play for end in booth.ends()] == [5]


def test_a_chorus_costs_next_to_nothing_a_head():
    import time

    booth = Booth()
    booth.seats = Seats(1024)
    booth.player = Player(booth.seats, booth, booth.events.append)
    music = reel(tone(440, 60.0), loop=True)
    for play in range(500):
        booth.play(music, play=play)
    for _ in range(3):
        booth.player.tick()
    spent = []
    for _ in range(20):
        began = time.perf_counter()
        booth.player.tick()
        spent.append(time.perf_counter() - began)
    assert sorted(spent)[10] < 0.004


@pytest.mark.parametrize("frame", FRAMES)
def test_tones_last_as_they_say(frame):
    booth = Booth(FRAMES.index(frame))
    booth.play(ToneReel(parse("beep/entry")))
    booth.run(20)
    sound = booth.sound()
    assert len(sound) == 11 * frame
    assert booth.ends()[0].position_s == pytest.approx(0.22)
