"""A room of the engine recorded by a real scribe, over its socket: to the sample; and whatever may go wrong with it."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from confserver.contract import (
    NoteInRecording,
    OpenRecording,
    Record,
    RecordFailed,
    RecordingClosed,
    RecordingFailed,
    RecordingKept,
    SetRoom,
    StopScribe,
)
from confserver.contract.plan import RoomSound
from confserver.worker.handover import Handovers
from tests.engine.desk import same, shift_of
from tests.engine.hall import Hall, level_db, silence, tone
from tests.engine.test_recorder import as_sent, words
from tests.scribe.process import Scribe


class Studio(Hall):
    """A hall whose worker hands over to a scribe."""

    def __init__(self, scribe: Scribe, **more: object) -> None:
        super().__init__(**more)
        self.scribe = scribe
        self.handovers = Handovers()

    def record(self, record: int = 5) -> str:
        failure = self.handovers.open(record, self.scribe.socket)
        if not failure:
            self.engine.recorder.start(Record(record=record, room=1, socket=self.scribe.socket))
        return failure

    def hand_over(self) -> None:
        for record, reason in self.handovers.send(self.engine.recorder.take()).items():
            self.engine.recorder.fail(record, reason)
            self.events += self.engine.take_events()

    def tick(self, elapsed: int = 1) -> None:
        super().tick(elapsed)
        self.hand_over()

    def stop(self, record: int = 5) -> None:
        self.engine.recorder.stop(record)
        self.hand_over()
        self.scribe.close(record, self.now)


@pytest.fixture
def scribe(tmp_path: Path):
    with Scribe(tmp_path / "recordings", "--format", "flac") as found:
        yield found


def test_a_scripted_room_lines_up_to_the_sample_with_what_was_said(scribe: Scribe) -> None:
    studio = Studio(scribe)
    anna = studio.add(words(tone(440, 1), silence(1), tone(550, 2)))
    bob = studio.add(words(silence(2), tone(700, 1), silence(1)), codec="PCMA")
    studio.run(0.2)
    name = scribe.open(5, studio.now, p1="Anna", p2="Bob")
    assert not studio.record()
    for at, what in ((0.1, "talking"), (0.8, "quiet")):
        scribe.say(NoteInRecording(record=5, at=studio.now + at, what=what, participant="p1"))
    studio.run(4)
    studio.stop()
    kept = scribe.wait_for(RecordingKept)
    assert kept.files == [f"{name}.flac", f"{name}-p1-Anna.flac", f"{name}-p2-Bob.flac"] and not kept.trouble
    mix, *tracks = (soundfile.read(scribe.directory / file)[0] for file in kept.files)
    assert len(mix) == len(tracks[0]) == len(tracks[1]) == 4 * 8000, "as long as it took, to the frame"
    starts = set()
    for phone, track in zip((anna, bob), tracks, strict=True):
        said = as_sent(phone)
        start = shift_of(np.concatenate((np.zeros(8000), track)), said) - 8000
        starts.add(start)
        assert start % 160 == 0
        count = min(len(said) + start, len(track))
        assert same(track[:count], said[-start : count - start])
    assert len(starts) == 1
    for second in (0.2, 1.9 + 0.4, 3.2):
        part = slice(int(second * 8000), int((second + 0.3) * 8000))
        assert np.abs(mix[part] - sum(track[part] for track in tracks)).max() <= 9.5 / 32768, "A-law's step"
    told = scribe.timeline(name)
    assert told["speech"] == [{"participant": "p1", "start_s": 0.08, "end_s": 0.78}]
    assert told["state"] == "kept" and told["cause"] == "ended by script"


def test_a_room_that_changes_its_rate_keeps_every_track_in_step(scribe: Scribe) -> None:
    studio = Studio(scribe)
    studio.add(tone(500, 4))
    name = scribe.open(5, studio.now, p1="Anna")
    studio.record()
    studio.run(1)
    studio.engine.set_room(SetRoom(room=1, sound=RoomSound(rate_hz=16000)))
    studio.run(1)
    studio.engine.set_room(SetRoom(room=1, sound=RoomSound(rate_hz=8000)))
    studio.run(1)
    studio.stop()
    scribe.wait_for(RecordingKept)
    track, rate = soundfile.read(scribe.directory / f"{name}-p1-Anna.flac")
    assert rate == 8000 and len(track) == 3 * 8000
    phase = [
        np.angle(np.dot(track[start : start + 4000], np.exp(-2j * np.pi * 500 * np.arange(start, start + 4000) / 8000)))
        for start in (2000, 11000, 19000)
    ]
    late = (phase[1] - phase[0]) / (2 * np.pi * 500) * 8000
    print(f"through the change the voice comes {late:.2f} samples later: what the resampler of its leg takes")
    assert abs(phase[2] - phase[0]) < 0.01, "back at the first rate it is where it was, to the sample"
    for start in (2000, 11000, 19000):
        assert abs(level_db(track[start : start + 4000], 500) - level_db(track[2000:6000], 500)) < 0.2


@pytest.mark.slow
def test_recordings_of_many_rooms_at_once_do_not_mix(scribe: Scribe) -> None:
    studios = [Studio(scribe) for _ in range(4)]
    for number, studio in enumerate(studios):
        studio.add(tone(400 + 100 * number, 1))
        scribe.open(number + 1, studio.now, room=f"room{number}", p1="Anna")
        studio.record(number + 1)
    for _ in range(50):
        for studio in studios:
            studio.tick()
    for number, studio in enumerate(studios):
        studio.stop(number + 1)
    for number in range(4):
        kept = scribe.wait_for(RecordingKept, lambda event, number=number: event.record == number + 1)
        track = soundfile.read(scribe.directory / kept.files[1])[0]
        for other in range(4):
            level = level_db(track[800:], 400 + 100 * other)
            assert level > -16 if other == number else level < -50


# ---------------------------------------------------------------------- what may go wrong
@pytest.mark.slow
def test_a_full_disk_is_told_at_once_and_what_there_is_can_be_played(scribe: Scribe) -> None:
    studio = Studio(scribe)
    studio.add(tone(440, 60))
    name = scribe.open(5, studio.now, p1="Anna")
    studio.record()
    studio.run(2)
    time.sleep(1.3)
    scribe.fill_disk(40_000)
    studio.run(5)
    began = time.monotonic()
    failed = scribe.wait_for(RecordingFailed)
    assert time.monotonic() - began < 2.5 and failed.record == 5 and "large" in failed.reason
    end = time.monotonic() + 5
    while not studio.told(RecordFailed) and time.monotonic() < end:
        studio.tick()
        time.sleep(0.01)
    assert studio.told(RecordFailed), "the worker has noticed as well, and goes on"
    sound = soundfile.read(scribe.directory / f"{name}.wav")[0]
    assert len(sound) == 2 * 8000 and level_db(sound[800:], 440) > -15
    assert scribe.process.poll() is None


def test_a_directory_that_cannot_be_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Scribe(tmp_path / "file" / "below") as scribe:
        scribe.say(OpenRecording(record=5, room="standup", at=1.0))
        assert "directory" in scribe.wait_for(RecordingFailed).reason.lower()


def test_a_scribe_that_dies_leaves_readable_files_and_the_next_makes_them_whole(scribe: Scribe) -> None:
    studio = Studio(scribe)
    studio.add(tone(440, 60))
    name = scribe.open(5, studio.now, p1="Anna")
    studio.record()
    studio.run(3)
    time.sleep(1.5)
    scribe.kill()
    studio.run(0.2)
    assert studio.told(RecordFailed) and studio.engine.recorder.count == 0
    found = soundfile.read(scribe.directory / f"{name}.wav")[0]
    assert len(found) == 3 * 8000 and level_db(found[800:], 440) > -15
    with Scribe(scribe.directory, "--format", "flac") as heir:
        kept = heir.wait_for(RecordingKept)
        assert (kept.record, kept.name) == (0, name)
        lengths = {soundfile.info(str(scribe.directory / file)).frames for file in kept.files}
        assert lengths == {3 * 8000} and heir.timeline(name)["cause"] == "broken off"
        assert not list(scribe.directory.glob("*.wav"))


def test_a_server_that_dies_leaves_whole_files(scribe: Scribe) -> None:
    studio = Studio(scribe)
    studio.add(tone(440, 60))
    name = scribe.open(5, studio.now, p1="Anna")
    studio.record()
    studio.run(1)
    scribe.line.close()
    assert scribe.process.wait(5) == 0
    assert soundfile.info(str(scribe.directory / f"{name}-p1-Anna.wav")).frames == 8000
    assert scribe.timeline(name)["state"] == "closed"


def test_told_to_stop_it_closes_what_is_open(scribe: Scribe) -> None:
    studio = Studio(scribe)
    studio.add(tone(440, 60))
    name = scribe.open(5, studio.now, p1="Anna")
    studio.record()
    studio.run(1)
    studio.stop()
    scribe.say(StopScribe())
    assert scribe.process.wait(5) == 0
    [mix] = [path for path in scribe.directory.glob(f"{name}.*") if path.suffix in (".wav", ".flac")]
    assert soundfile.info(str(mix)).frames == 8000
    assert scribe.timeline(name)["state"] in ("closed", "kept")


def test_a_worker_that_dies_and_its_heir_make_one_recording(scribe: Scribe) -> None:
    first = Studio(scribe)
    first.add(tone(440, 60))
    scribe.open(5, first.now, p1="Anna")
    first.record()
    first.run(1)
    for line in first.handovers._lines.values():
        line.close()
    heir = Studio(scribe)
    heir.add(tone(700, 60))
    heir.now = first.now + 0.5
    heir.phones[0].next_at = heir.now + 0.005
    heir.record()
    heir.run(1)
    heir.stop()
    kept = scribe.wait_for(RecordingKept)
    track = soundfile.read(scribe.directory / kept.files[1])[0]
    assert len(track) == 20_000
    assert level_db(track[800:8000], 440) > -16 and not track[8000:12000].any()
    assert level_db(track[13000:], 700) > -16


def test_a_scribe_that_stands_still_costs_no_tick_and_nothing_once_it_goes_on(scribe: Scribe) -> None:
    studio = Studio(scribe)
    studio.add(tone(440, 60))
    scribe.open(5, studio.now, p1="Anna")
    studio.record()
    studio.run(0.5)
    os.kill(scribe.process.pid, signal.SIGSTOP)
    spent = []
    for _ in range(500):
        super(Studio, studio).tick()
        began = time.perf_counter()
        studio.hand_over()
        spent.append(time.perf_counter() - began)
    os.kill(scribe.process.pid, signal.SIGCONT)
    studio.stop()
    end = time.monotonic() + 5
    while studio.handovers._lines and time.monotonic() < end:
        studio.hand_over()
        time.sleep(0.02)
    assert sorted(spent)[250] < 0.001 and sorted(spent)[-5] < 0.015, "nobody waits for it"
    assert scribe.wait_for(RecordingClosed).seconds == 10.5


def test_a_scribe_that_never_goes_on_costs_the_recording(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("confserver.worker.handover.MOST_WAITING_BYTES", 100_000)
    studio = Studio(scribe)
    studio.add(tone(440, 60))
    scribe.open(5, studio.now, p1="Anna")
    studio.record()
    studio.run(0.5)
    os.kill(scribe.process.pid, signal.SIGSTOP)
    try:
        studio.run(40)
    finally:
        os.kill(scribe.process.pid, signal.SIGCONT)
    [failed] = studio.told(RecordFailed)
    assert "does not keep up" in failed.reason


def test_nobody_at_the_socket_is_told_at_once(scribe: Scribe) -> None:
    studio = Studio(scribe)
    scribe.kill()
    assert "cannot be reached" in studio.record()


@pytest.mark.parametrize("garbage", [b"\xff" * 64, b"\0" * 64, os.urandom(4000)])
def test_nonsense_on_the_socket_costs_that_line_alone(scribe: Scribe, garbage: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(scribe.socket)
        line.sendall(garbage)
        line.settimeout(5)
        assert line.recv(1) == b""
    studio = Studio(scribe)
    studio.add(tone(440, 1))
    scribe.open(5, studio.now, p1="Anna")
    studio.record()
    studio.run(0.5)
    studio.stop()
    assert scribe.wait_for(RecordingClosed).seconds == 0.5
