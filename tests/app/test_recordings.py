"""Rooms of a real server recorded while robot phones talk in them, and what becomes of the files."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.kit.phone import Phone
from tests.kit.robot import Robot
from tests.kit.server import Server
from tests.kit.tones import pcmu_decoded, pcmu_encoded, write_wav

pytestmark = pytest.mark.slow

RATE = 8000
STEP = 8 / 32768
"""What digital silence may be, and what the rounding of a sum adds."""


def sweeps(low_hz: float, high_hz: float, seconds: float) -> np.ndarray:
    """Sweeps of 0.7 s, each a little higher: no two moments are alike."""
    at = np.arange(int(seconds * RATE)) / RATE
    hz = low_hz + (high_hz - low_hz) * ((at / 0.7) % 1.0) + 17.0 * np.floor(at / 0.7)
    return 0.2 * np.sin(2 * np.pi * np.cumsum(hz) / RATE)


def offset_of(part: np.ndarray, said: np.ndarray) -> tuple[int, float]:
    """Where in what was said a part of a track begins, and how like the two are (1: the same)."""
    size = 1 << (len(part) + len(said)).bit_length()
    product = np.fft.irfft(np.fft.rfft(said, size) * np.conj(np.fft.rfft(part, size)), size)[: len(said) - len(part)]
    start = int(np.argmax(product))
    match = said[start : start + len(part)]
    return start, float(product[start] / np.sqrt((match**2).sum() * (part**2).sum() + 1e-9))


def is_same(part: np.ndarray, said: np.ndarray) -> bool:
    """Every sample, to a step of the codec: phone and test do not round alike."""
    return bool((np.abs(part - said) <= 0.07 * np.abs(said) + STEP).all())


def anchor(part: np.ndarray, said: np.ndarray) -> int:
    """Where in what was said this part of a track would begin, by its clearest quarter of a second."""
    places = [(at, *offset_of(part[at : at + 2000], said)) for at in range(0, len(part) - 2000, 1000)]
    at, start, likeness = max(places, key=lambda place: place[2])
    assert likeness > 0.95
    return start - at


class Studio:
    """A server that records, and robots in its rooms."""

    def __init__(self, folder: Path, stack: ExitStack, **settings: dict[str, Any]) -> None:
        self.folder = folder
        self._stack = stack
        self.server = stack.enter_context(Server(folder, **settings))
        self.directory = self.server.state_directory / "recordings"
        self.said: dict[str, np.ndarray] = {}

    def robot(self, name: str, low_hz: float, high_hz: float, room: str = "standup") -> Robot:
        sound = sweeps(low_hz, high_hz, 45)
        self.said[name] = pcmu_decoded(pcmu_encoded(sound))
        play = write_wav(self.folder / f"{name}.wav", sound, RATE)
        return self._stack.enter_context(Robot(self.server, self.folder, name, 0, room, for_seconds=40, play=play))

    def recording(self) -> dict[str, Any]:
        return self.server.http("GET", "/recordings")[0]

    def wait(self, so: Callable[[], Any], seconds: float = 15.0) -> Any:
        end = time.monotonic() + seconds
        while not (found := so()):
            assert time.monotonic() < end, f"it did not happen\n{self.server.said()[-4000:]}"
            time.sleep(0.05)
        return found

    def start(self) -> str:
        """Until sound comes. Gives the recording's name."""
        self.server.cli("room", "change", "standup", "--record-notice", "none")
        assert self.server.cli("room", "record", "standup")["recording"]["paused"] is False
        name = self.wait(lambda: self.server.http("GET", "/rooms/standup")["recording"]["name"])
        self.wait(lambda: (self.directory / f"{name}.wav").exists())
        return str(name)

    def kept(self) -> dict[str, Any]:
        self.wait(lambda: self.recording()["state"] == "kept")
        return self.recording()

    def timeline(self, name: str) -> dict[str, Any]:
        return json.loads((self.directory / f"{name}.json").read_text())

    def sounds(self, files: list[str]) -> list[np.ndarray]:
        return [soundfile.read(self.directory / file)[0] for file in files]


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with ExitStack() as stack:
        yield Studio(tmp_path, stack, recordings={"format": "flac"})


def test_tracks_are_what_the_phones_have_said_and_the_mix_is_their_sum(studio: Studio) -> None:
    studio.robot("anna", 300, 1500), studio.robot("bob", 1600, 3000)
    studio.server.wait_until_in("standup", "anna", "bob", timeout=25)
    time.sleep(1.0)
    began = time.monotonic()
    name = studio.start()
    time.sleep(4)
    assert studio.server.cli("room", "stop-recording", "standup")["recording"] is None
    took = time.monotonic() - began
    told = studio.kept()
    assert name.startswith("standup-") and told["files"][0] == f"{name}.flac" and len(told["files"]) == 3
    mix, *tracks = studio.sounds(told["files"])
    assert len(mix) == len(tracks[0]) == len(tracks[1]) and abs(len(mix) / RATE - told["seconds"]) < 1e-6
    assert took - 2.0 < told["seconds"] < took
    timeline = studio.timeline(name)
    names = {each["track"]: each["name"] for each in timeline["participants"]}
    assert {names[file] for file in told["files"][1:]} == {"anna", "bob"}
    for file, track in zip(told["files"][1:], tracks, strict=True):
        said = studio.said[names[file]]
        parts = [(at, track[at : at + 4000]) for at in range(RATE // 2, len(track) - RATE, 4000)]
        starts = [offset_of(part, said)[0] for _, part in parts]
        exact = [is_same(part, said[start : start + 4000]) for start, (_, part) in zip(starts, parts, strict=True)]
        shifts = [start - at for start, (at, _) in zip(starts, parts, strict=True)]
        assert sum(exact) > len(exact) / 2, f"sample for sample, but where the playout had to follow the phone: {exact}"
        assert max(shifts) - min(shifts) < 0.2 * RATE, f"and nothing is out of its place: {shifts}"
    off = np.abs(mix - sum(tracks))[RATE // 2 : -RATE // 2]
    assert np.mean(off <= STEP) > 0.95, f"{off.max()}"
    assert {each["participant"] for each in timeline["speech"]} == {each["id"] for each in timeline["participants"]}
    assert all(each["end_s"] - each["start_s"] > told["seconds"] - 1.0 for each in timeline["speech"])


def test_pause_resume_and_the_end_of_the_room(studio: Studio) -> None:
    robot = studio.robot("anna", 300, 1500)
    studio.server.wait_until_in("standup", "anna", timeout=25)
    name = studio.start()
    time.sleep(1)
    with pytest.raises(urllib.error.HTTPError) as refused:
        studio.server.http("POST", "/rooms/standup/recording")
    assert refused.value.code == 409
    assert studio.server.cli("room", "pause-recording", "standup")["recording"]["paused"] is True
    assert "recording paused" in studio.server.run("room", "lock", "standup").stdout
    time.sleep(2)
    studio.server.cli("room", "resume-recording", "standup")
    time.sleep(1)
    robot.child.process.send_signal(signal.SIGINT)
    told = studio.kept()
    assert 1.8 < told["seconds"] < 4.0
    timeline = studio.timeline(name)
    assert [each["what"] for each in timeline["events"]] == ["present", "paused", "resumed", "left"]
    assert len(timeline["stretches"]) == 2 and timeline["cause"] == "ended by system"
    gap = timeline["stretches"][1]["at"] - timeline["stretches"][0]["at"] - timeline["stretches"][0]["seconds"]
    assert 1.8 < gap < 3.5
    assert "standup" in studio.server.run("recordings").stdout
    for words in ("recording started", "recording paused", "recording resumed", "recording ended"):
        assert words in studio.server.said()


def test_a_media_process_that_dies_leaves_a_gap_and_its_heir_goes_on(tmp_path: Path) -> None:
    with ExitStack() as stack:
        studio = Studio(tmp_path, stack, media={"workers": 1, "spare": True})
        studio.robot("anna", 300, 1500)
        studio.server.wait_until_in("standup", "anna", timeout=25)
        studio.wait(lambda: studio.server.status()["spare"]["ready"])
        name = studio.start()
        time.sleep(1.5)
        os.kill(studio.server.status()["workers"][0]["pid"], signal.SIGKILL)
        time.sleep(2.5)
        studio.server.cli("room", "stop-recording", "standup")
        told = studio.kept()
        timeline = studio.timeline(name)
        ended = timeline["stretches"][-1]["at"] + timeline["stretches"][-1]["seconds"]
        assert abs(ended - timeline["started_at"] - told["seconds"]) < 0.05, "as long as it took"
        _, track = studio.sounds(told["files"])
        said = studio.said["anna"]
        before, after = anchor(track[:12000], said), anchor(track[-12000:], said)
        slip = after - before - (len(track) - 12000)
        assert abs(slip) < 0.1 * RATE, "the clock of the room has gone on"
        assert "worker lost" in [each["what"] for each in timeline["events"]]
        assert "recording failed" not in studio.server.said()


def test_a_scribe_that_dies_is_an_event_at_once_and_the_next_keeps_what_there_is(studio: Studio) -> None:
    studio.robot("anna", 300, 1500)
    studio.server.wait_until_in("standup", "anna", timeout=25)
    name = studio.start()
    time.sleep(2.5)
    began = time.monotonic()
    os.kill(studio.server.status()["scribe"]["pid"], signal.SIGKILL)
    studio.wait(lambda: "recording failed" in studio.server.said(), 3)
    assert time.monotonic() - began < 2
    assert studio.server.http("GET", "/rooms/standup")["recording"] is None
    studio.wait(lambda: (studio.directory / f"{name}.flac").exists())
    studio.wait(lambda: studio.timeline(name)["state"] == "kept")
    assert studio.timeline(name)["seconds"] > 1.0
    again = studio.start()
    assert again != name
    missed = studio.server.status()["workers"][0]["faults"]
    assert missed == 0


def test_a_full_disk_is_an_event_at_once(studio: Studio) -> None:
    with Phone(studio.server.address, "carl", tone_hz=500.0) as carl:
        assert carl.dial("standup").status == 200
        studio.server.wait_until_in("standup", "carl")
        name = studio.start()
        time.sleep(1.5)
        pid = studio.server.status()["scribe"]["pid"]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        studio.wait(lambda: "recording failed" in studio.server.said(), 5)
        [line] = [line for line in studio.server.said().splitlines() if "recording failed" in line]
        assert "too large" in line
        assert studio.recording()["state"] == "failed"
        assert len(soundfile.read(studio.directory / f"{name}.wav")[0]) > RATE // 2


def test_a_server_that_stops_leaves_whole_files_and_its_next_start_converts_them(studio: Studio) -> None:
    with Phone(studio.server.address, "carl", tone_hz=500.0) as carl:
        assert carl.dial("standup").status == 200
        studio.server.wait_until_in("standup", "carl")
        name = studio.start()
        time.sleep(1.5)
        studio.server.stop()
        timeline = studio.timeline(name)
        assert timeline["state"] in ("closed", "kept") and timeline["seconds"] > 1.0
        frames = {soundfile.info(str(studio.directory / file)).frames
                  for file in (timeline["mix"], timeline["participants"][0]["track"])
                  if (studio.directory / file).exists()}  # fmt: skip
        assert len(frames) <= 1
        assert "Traceback" not in studio.server.said()
        studio.server.start()
        studio.wait(lambda: studio.timeline(name)["state"] == "kept")
        assert not list(studio.directory.glob("*.wav"))
