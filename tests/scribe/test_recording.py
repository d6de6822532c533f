"""One recording as files: everything at its place by the clock of the room; the timeline that says who spoke when."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from confserver.contract.recording import Heard
from confserver.scribe import recording as recordings
from confserver.scribe.names import safe
from confserver.scribe.recording import Recording
from confserver.scribe.timeline import Note
from tests.scribe.sounds import level_db

AT = 1_764_000_000.0
ANNA, BOB = 11, 12


def sine(hz: float, ticks: range, rate: int = 8000, amplitude: float = 0.3) -> bytes:
    """One frame or more of a tone that goes on without a seam from tick 0."""
    at = np.arange(ticks.start * rate // 50, ticks.stop * rate // 50) / rate
    return np.rint(32767 * amplitude * np.sin(2 * np.pi * hz * at)).astype(np.int16).tobytes()


class Tape:
    """A recording, and a worker that hands over."""

    def __init__(self, directory: Path, **how) -> None:
        self.directory = directory
        self.recording = Recording(1, "standup", AT, directory, **how)
        self.recording.open_stream()
        self.recording.name_track(ANNA, "p1", "Anna")
        self.recording.name_track(BOB, "p2", "Bob")

    def hear(self, tick: int, tones: dict[int | None, float], rate: int = 8000, late: float = 0.0) -> None:
        """tones: what each leg (None: the mix) says."""
        sounds = {leg: sine(hz, range(tick, tick + 1), rate) for leg, hz in tones.items()}
        mix = sounds.pop(None, b"")
        self.recording.hear(Heard(AT + tick * 0.02 + late, tick, rate, mix, sounds))

    def close(self) -> dict:
        self.recording.close(AT + 100, "ended by script")
        return self.timeline()

    def timeline(self) -> dict:
        return json.loads((self.directory / f"{self.recording.name}.json").read_text())

    def sound(self, who: str = "") -> np.ndarray:
        [path] = self.directory.glob(f"standup-????????-??????{who}.wav")
        return soundfile.read(path)[0]


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return Tape(tmp_path / "recordings")


def test_all_files_begin_and_end_together_and_each_sound_is_at_its_place(tape: Tape) -> None:
    for tick in range(150):
        tones: dict[int | None, float] = {None: 440} if tick < 50 else {}
        tones |= {ANNA: 440} if tick < 50 else {}
        tones |= {BOB: 700} if 75 <= tick < 100 else {}
        tape.hear(tick, tones)
    told = tape.close()
    mix, anna, bob = tape.sound(), tape.sound("-p1-Anna"), tape.sound("-p2-Bob")
    assert len(mix) == len(anna) == len(bob) == 150 * 160
    assert np.array_equal(anna, mix) and not anna[8000:].any()
    said = np.frombuffer(sine(700, range(75, 100)), np.int16) / 32768
    assert np.array_equal(bob[12000:16000], said)
    assert not bob[:12000].any() and not bob[16000:].any()
    assert told["seconds"] == 3.0 and told["rate_hz"] == 8000 and told["state"] == "closed"
    assert told["mix"] == f"{told['name']}.wav"
    assert [(each["id"], each["track"]) for each in told["participants"]] == [
        ("p1", f"{told['name']}-p1-Anna.wav"), ("p2", f"{told['name']}-p2-Bob.wav"),
    ]  # fmt: skip


def test_who_never_speaks_has_no_file(tape: Tape) -> None:
    tape.hear(0, {ANNA: 440})
    assert [person["track"] is None for person in tape.close()["participants"]] == [False, True]


def test_missed_ticks_are_silent(tape: Tape) -> None:
    for tick in (*range(25), *range(40, 50)):
        tape.hear(tick, {ANNA: 440})
    tape.close()
    anna = tape.sound("-p1-Anna")
    assert len(anna) == 50 * 160 and not anna[25 * 160 : 40 * 160].any() and anna[40 * 160 : 41 * 160].any()


@pytest.mark.parametrize(("file_hz", "room_hz"), [(8000, 16000), (16000, 8000), (48000, 8000), (8000, 48000)])
def test_another_rate_of_the_room_keeps_pitch_level_and_place(tmp_path: Path, file_hz: int, room_hz: int) -> None:
    """A tone goes through a change of rate without a seam: what differs from the tone itself is below -40 dB."""
    tape = Tape(tmp_path, rate_hz=file_hz)
    for tick in range(150):
        tape.hear(tick, {ANNA: 440}, file_hz if tick < 50 else room_hz if tick < 100 else file_hz)
    for tick in range(200, 250):
        tape.hear(tick, {ANNA: 440}, room_hz)
    tape.close()
    anna = tape.sound("-p1-Anna")
    frame = file_hz // 50
    assert len(anna) == 250 * frame and not anna[150 * frame : 200 * frame].any()
    wanted = np.frombuffer(sine(440, range(250), file_hz), np.int16) / 32768
    for start, stop in ((2, 48), (52, 98), (102, 148), (202, 248)):
        part = slice(start * frame, stop * frame)
        off = anna[part] - wanted[part]
        assert 10 * np.log10(np.mean(off**2 + 1e-12) / np.mean(wanted[part] ** 2)) < -40, (start, stop)
    edges = np.abs(anna - np.concatenate((wanted[: 150 * frame], np.zeros(50 * frame), wanted[200 * frame :])))
    assert edges.max() < 0.3, "at the edges nothing is louder than it was"


def test_short_silences_at_another_rate_are_kept_in_step(tmp_path: Path) -> None:
    tape = Tape(tmp_path, rate_hz=16000)
    for tick in range(0, 200, 10):
        for each in range(tick, tick + 4):
            tape.hear(each, {ANNA: 500}, 8000)
    tape.close()
    anna = tape.sound("-p1-Anna")
    wanted = np.frombuffer(sine(500, range(200), 16000), np.int16) / 32768
    for tick in range(0, 190, 10):
        part = slice(tick * 320 + 160, (tick + 4) * 320 - 160)
        assert np.abs(anna[part] - wanted[part]).max() < 0.03
        assert np.abs(anna[(tick + 5) * 320 : (tick + 9) * 320]).max() < 0.01


# ---------------------------------------------------------------------- pauses, heirs
def test_a_pause_is_left_out_and_the_timeline_tells_where(tape: Tape) -> None:
    for tick in range(50):
        tape.hear(tick, {ANNA: 440})
    tape.recording.note(Note(AT + 1.0, "paused", by="script"))
    tape.recording.note(Note(AT + 21.0, "resumed", by="script"))
    for tick in range(50, 100):
        tape.hear(tick, {ANNA: 440}, late=20.0)
    tape.recording.note(Note(AT + 22.0, "left", "p1"))
    told = tape.close()
    assert told["seconds"] == 2.0 and len(tape.sound()) == 16000
    assert [(each["what"], each["place_s"]) for each in told["events"]] == [
        ("paused", 1.0), ("resumed", 1.0), ("left", 2.0),
    ]  # fmt: skip
    assert [(each["place_s"], each["seconds"]) for each in told["stretches"]] == [(0.0, 1.0), (1.0, 1.0)]
    assert abs(told["stretches"][1]["at"] - told["stretches"][0]["at"] - 21.0) < 1e-3


def test_the_heir_of_a_lost_worker_goes_on_after_the_silence_that_there_was(tape: Tape) -> None:
    for tick in range(50):
        tape.hear(tick, {ANNA: 440})
    tape.recording.open_stream()
    for tick in range(25):
        tape.hear(tick, {ANNA: 440}, late=1.5)
    tape.close()
    anna = tape.sound("-p1-Anna")
    assert len(anna) == 100 * 160
    assert not anna[50 * 160 : 75 * 160].any() and anna[75 * 160 : 76 * 160].any()


def test_a_worker_lost_in_a_pause_costs_no_silence(tape: Tape) -> None:
    for tick in range(50):
        tape.hear(tick, {ANNA: 440})
    tape.recording.note(Note(AT + 1.0, "paused"))
    tape.recording.open_stream()
    tape.recording.note(Note(AT + 9.0, "resumed"))
    tape.hear(0, {ANNA: 440}, late=9.0)
    assert tape.close()["seconds"] == 1.02


def test_a_tick_that_comes_twice_is_no_sound(tape: Tape) -> None:
    tape.hear(5, {ANNA: 440})
    with pytest.raises(ValueError, match="tick"):
        tape.hear(5, {ANNA: 440})


# ---------------------------------------------------------------------- the timeline
def test_who_spoke_when(tape: Tape) -> None:
    say = tape.recording.note
    for at, what, who in (
        (-1.0, "talking", "p2"), (0.5, "quiet", "p2"), (1.0, "talking", "p1"), (1.5, "talking", "p2"),
        (2.0, "left", "p1"), (1.9, "arrived", "p3"),
    ):  # fmt: skip
        say(Note(AT + at, what, who))
    for tick in range(200):
        tape.hear(tick, {})
    told = tape.close()
    assert told["speech"] == [
        {"participant": "p2", "start_s": 0.0, "end_s": 0.5},
        {"participant": "p1", "start_s": 1.0, "end_s": 2.0},
        {"participant": "p2", "start_s": 1.5, "end_s": 4.0},
    ]
    assert [each["what"] for each in told["events"]] == ["left", "arrived"]
    assert told["started"] == "2025-11-24T16:00:00.000+00:00" and told["cause"] == "ended by script"


def test_while_it_lasts_files_and_timeline_are_there_to_be_read(tape: Tape) -> None:
    for tick in range(60):
        tape.hear(tick, {ANNA: 440, None: 440})
    tape.recording.flush(100.0)
    assert len(tape.sound()) == len(tape.sound("-p1-Anna")) == 60 * 160
    assert tape.timeline()["state"] == "recording" and tape.timeline()["seconds"] == 1.2
    tape.hear(60, {})
    tape.recording.flush(101.0)
    assert len(tape.sound("-p1-Anna")) == 61 * 160, "silence counts too"
    assert tape.timeline()["seconds"] == 1.2, "but the timeline need not be written each second"
    tape.recording.note(Note(AT, "left", "p1"))
    tape.recording.flush(100.0 + recordings.TIMELINE_S)
    assert tape.timeline()["seconds"] == 1.22


def test_a_name_that_comes_late_renames_the_track(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.hear(0, {77: 440})
    assert list(tmp_path.glob("*-leg77.wav"))
    tape.recording.name_track(77, "p9", "Zoë / ../Ünal")
    tape.hear(1, {77: 440})
    told = tape.close()
    [track] = [each["track"] for each in told["participants"] if each["id"] == "p9"]
    assert track.endswith("-p9-Zoe_.._Unal.wav") and len(soundfile.read(tmp_path / track)[0]) == 320
    assert told["participants"][-1]["name"] == "Zoë / ../Ünal"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Anna", "Anna"), ("../../etc/passwd", "etc_passwd"), ("-rf *", "rf"), ("a\0b\nc", "a_b_c"), ("", ""),
        ("Łukasz Müller", "ukasz_Muller"), ("会议", ""), ("x" * 100, "x" * 40), (".hidden.", "hidden"),
    ],
)  # fmt: skip
def test_names_of_files_are_plain(text: str, plain: str) -> None:
    assert safe(text) == plain


def test_two_of_one_room_in_one_second_have_names_of_their_own(tmp_path: Path) -> None:
    first, second = (Recording(number, "a~b", AT, tmp_path) for number in (1, 2))
    assert second.name == f"{first.name}-2" and first.name.startswith("a_b-2025112")


def test_a_rate_that_no_room_has_is_no_sound(tape: Tape) -> None:
    with pytest.raises(ValueError, match="rate"):
        tape.hear(0, {ANNA: 440}, 96000)


def test_the_level_is_that_of_the_room(tmp_path: Path) -> None:
    tape = Tape(tmp_path, rate_hz=16000)
    for tick in range(100):
        tape.hear(tick, {None: 1000}, 48000)
    tape.close()
    assert abs(level_db(tape.sound()[3200:28800], 1000, 16000) - 20 * np.log10(0.3)) < 0.1
