"""What phones hear of a real server: prompts, music, beeps, files, tones, and what becomes of them."""

from __future__ import annotations

import os
import signal
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from confserver.prompts.catalogue import ENGLISH, MUSIC
from tests.kit.listen import Recording
from tests.kit.phone import RATE, Phone
from tests.kit.robot import Robot
from tests.kit.server import Server

pytestmark = pytest.mark.slow

WITH_MUSIC = {"music_when_alone": True}
TONE_DB = -14.0


def clip(path: Path, seconds: float | None = None) -> np.ndarray:
    samples, rate = soundfile.read(path, frames=-1 if seconds is None else round(seconds * 16000))
    return soxr.resample(samples, rate, RATE)


def likeness(heard: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """How like the best place in what was heard is to a sound (1: the same), and where that place begins, in s."""
    size = 1 << (len(heard) + len(wanted)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size)), size)
    places = max(len(heard) - len(wanted), 1)
    energy = np.convolve(heard**2, np.ones(len(wanted)))[len(wanted) - 1 :][:places]
    match = product[:places] / np.sqrt(np.maximum(energy, 1e-3) * (wanted**2).sum())
    return float(match.max()), float(match.argmax()) / RATE


def is_in(wanted: np.ndarray, heard: np.ndarray) -> bool:
    """Whether a sound was heard. By pieces: where a busy machine misses a tick, what follows comes a frame later."""
    pieces = np.array_split(wanted, max(round(len(wanted) / RATE / 0.25), 1))
    return float(np.median([likeness(heard, piece)[0] for piece in pieces])) > 0.9


def heard_by(phone: Phone, seconds: float) -> Recording:
    """What comes from now on."""
    since = time.monotonic()
    time.sleep(seconds)
    return phone.heard(since)


def level_db(recording: Recording) -> float:
    return float(20 * np.log10(max(np.sqrt(np.mean(recording.samples**2)), 1e-6)))


def wait_for_log(server: Server, *words: str, seconds: float = 10.0) -> str:
    """The first line of the log that has all these words."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for line in server.said().splitlines():
            if all(word in line for word in words):
                return line
        time.sleep(0.05)
    raise AssertionError(f"no line with {words} in:\n{server.said()[-4000:]}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    sounds = tmp_path / "sounds"
    (sounds / "deep").mkdir(parents=True)
    at = np.arange(44100 * 2) / 44100
    soundfile.write(sounds / "deep" / "tone.wav", 0.2 * np.sin(2 * np.pi * 700 * at)[:, None] * [1, 1], 44100)
    (sounds / "broken.wav").write_text("no sound")
    with Server(tmp_path, sounds={"directory": str(sounds)}) as started:
        yield started


def test_who_is_alone_is_told_so_and_hears_music_until_somebody_comes(tmp_path: Path) -> None:
    with Server(tmp_path, rooms=WITH_MUSIC) as server:
        with Robot(server, tmp_path, "robot", 400.0, "standup", for_seconds=7) as robot:
            server.wait_until_in("standup", "robot")
            time.sleep(4.5)
            with Phone(server.address, "anna", tone_hz=650) as anna:
                assert anna.dial("standup").status == 200
                time.sleep(0.3)
                heard = heard_by(anna, 1.0)
                assert heard.level_db(400) == pytest.approx(TONE_DB, abs=3)
                music = clip(MUSIC, 8.0)
                assert likeness(heard.samples - heard.samples.mean(), music[: RATE // 2])[0] < 0.3, "two hear no music"
                anna.hang_up()
            robot.finish()
        told = robot.heard().samples
        prompt = clip(ENGLISH / "only-one.flac")
        _, begins = likeness(told, prompt)
        assert begins < 2.0
        assert is_in(prompt, told[: 4 * RATE]), "he is told that he is alone"
        after = told[round((begins + len(prompt) / RATE) * RATE) :]
        assert is_in(music[: RATE * 3 // 2], after[: 3 * RATE]), "and then there is music"
        server.wait_for_counts({}, 5, "plays", "seats", "mixes", "rooms")
        assert "Traceback" not in server.said()


def test_a_room_may_have_its_own_rule(server: Server) -> None:
    server.cli("room", "create", "lounge", "--music-when-alone")
    with Phone(server.address, "anna") as anna, Phone(server.address, "bob") as bob:
        assert anna.dial("lounge").status == bob.dial("elsewhere").status == 200
        time.sleep(2.5)
        assert level_db(heard_by(anna, 1.0)) > -45
        assert level_db(heard_by(bob, 1.0)) < -60
        server.cli("room", "create", "lounge", "--no-music-when-alone")
        time.sleep(0.3)
        assert level_db(heard_by(anna, 0.5)) < -60


def test_a_file_a_prompt_and_tones_by_script(server: Server) -> None:
    with Phone(server.address, "anna") as anna, Phone(server.address, "bob", tone_hz=400) as bob:
        assert anna.dial("standup").status == bob.dial("standup").status == 200
        time.sleep(0.5)
        since = time.monotonic()
        room = server.http("POST", "/rooms/standup/play", {"sounds": ["deep/tone.wav"], "duck_db": 14})
        [play] = room["plays"]
        assert play["sounds"] == ["deep/tone.wav"]
        time.sleep(1.4)
        during = anna.heard(since + 0.6, since + 1.4)
        assert during.level_db(700) == pytest.approx(TONE_DB, abs=1)
        assert during.level_db(400) == pytest.approx(TONE_DB - 14, abs=2)
        assert bob.heard(since + 0.6, since + 1.4).level_db(700) == pytest.approx(TONE_DB, abs=1)
        assert "finished" in wait_for_log(server, "play ended", f"play={play['play']}")
        assert heard_by(anna, 0.5).level_db(400) == pytest.approx(TONE_DB, abs=1)

        bob.sending.clear()
        since = time.monotonic()
        server.cli("room", "play", "standup", "--sounds", "prompt:there-are", "--sounds", "number:12",
                   "--participant", "anna")  # fmt: skip
        number = server.http("GET", "/rooms/standup")["plays"][0]["play"]
        wait_for_log(server, "play ended", f"play={number}", "finished")
        whole = np.concatenate((clip(ENGLISH / "there-are.flac"), clip(ENGLISH / "12.flac")))
        assert is_in(whole, anna.heard(since).samples), "one after another"
        assert likeness(bob.heard(since).samples, whole)[0] < 0.3, "but not to him"

        server.http("POST", "/rooms/standup/play", {"sounds": ["tones:900/-14dB"], "volume_db": -6})
        time.sleep(0.3)
        assert heard_by(bob, 0.5).level_db(900) == pytest.approx(TONE_DB - 6, abs=1)
        server.http("POST", "/rooms/standup/play/pause")
        time.sleep(0.2)
        assert heard_by(bob, 0.3).level_db(900) < -60
        server.http("POST", "/rooms/standup/play/resume")
        server.http("POST", "/rooms/standup/play/volume", {"volume_db": 0})
        time.sleep(0.2)
        assert heard_by(bob, 0.3).level_db(900) == pytest.approx(TONE_DB, abs=1)
        assert server.http("POST", "/rooms/standup/play/stop")["plays"] == []
        time.sleep(0.2)
        assert heard_by(bob, 0.3).level_db(900) < -60


def test_what_cannot_be_played_is_said(server: Server) -> None:
    def refused(status: int, *sounds: str, room: str = "standup", **more: object) -> str:
        with pytest.raises(urllib.error.HTTPError) as error:
            server.http("POST", f"/rooms/{room}/play", {"sounds": list(sounds), **more})
        assert error.value.code == status
        return error.value.read().decode()

    with Phone(server.address, "anna") as anna:
        assert anna.dial("standup").status == 200
        for path in ("../secret.wav", "/etc/passwd", "a/../../b", ".."):
            assert "below the directory" in refused(422, path)
        assert "no prompt" in refused(404, "prompt:nothing")
        refused(422)
        refused(422, "number:x")
        refused(422, "tones:us/busy", "prompt:welcome")
        refused(404, "prompt:welcome", room="nowhere")
        refused(404, "prompt:welcome", participant="bob")
        refused(422, "prompt:welcome", volume_db=99)
        for sound, why in (
            ("missing.wav", "no such file"), ("broken.wav", "no sound file"), ("deep", "it is no file"),
            ("tones:xx/busy", "no tone is called"),
        ):  # fmt: skip
            server.http("POST", "/rooms/standup/play", {"sounds": [sound]})
            wait_for_log(server, "play ended", "failed", why)
        assert server.http("GET", "/rooms/standup")["plays"] == []
    assert "Traceback" not in server.said()


def test_a_key_ends_what_it_may(server: Server) -> None:
    with Phone(server.address, "anna", formats="0 101") as anna:
        assert anna.dial("standup").status == 200
        server.http("POST", "/rooms/standup/play", {"sounds": ["deep/tone.wav"], "loop": True, "interruptible": True})
        time.sleep(0.6)
        assert heard_by(anna, 0.4).level_db(700) == pytest.approx(TONE_DB, abs=1)
        press(anna, 11)
        assert "digit=#" in wait_for_log(server, "play ended", "interrupted").replace("'", "")
        time.sleep(0.1)
        assert heard_by(anna, 0.4).level_db(700) < -60


def press(phone: Phone, event: int) -> None:
    """Press a key: ten packets of telephone-event (RFC 4733 section 2.3), the last three with the end bit."""
    assert phone.media
    was_sending = phone.sending.is_set()
    phone.sending.clear()
    time.sleep(0.05)
    stamp = phone.timestamp
    for number in range(10):
        ends = number >= 7
        payload = bytes((event, 10 | 0x80 * ends)) + (160 * min(number + 1, 8)).to_bytes(2, "big")
        header = bytes((0x80, 101)) + phone.sequence.to_bytes(2, "big") + stamp.to_bytes(4, "big")
        phone.rtp.sendto(header + phone.ssrc.to_bytes(4, "big") + payload, phone.media)
        phone.sequence += 1
        time.sleep(0.02)
    phone.timestamp += 2000
    if was_sending:
        phone.sending.set()


def test_beeps_tell_who_comes_and_goes(tmp_path: Path) -> None:
    with (
        Server(tmp_path, rooms={"announce": "beep"}) as server,
        Phone(server.address, "anna") as anna, Phone(server.address, "bob") as bob,
    ):  # fmt: skip
        assert anna.dial("standup").status == 200
        assert level_db(heard_by(anna, 0.5)) < -60, "nobody is there to hear it"
        since = time.monotonic()
        assert bob.dial("standup").status == 200
        time.sleep(0.6)
        assert -34 < anna.heard(since).highest_db(660) < -24  # it may lie on two of the segments that are measured
        assert -34 < anna.heard(since).highest_db(880) < -24
        since = time.monotonic()
        bob.hang_up()
        time.sleep(0.6)
        assert -34 < anna.heard(since).highest_db(660) < -24


def test_a_lost_worker_ends_plays_and_music_begins_anew(tmp_path: Path) -> None:
    with Server(tmp_path, rooms=WITH_MUSIC, media={"spare": True}) as server:
        with Phone(server.address, "anna") as anna:
            assert anna.dial("standup").status == 200
            server.http("POST", "/rooms/standup/play", {"sounds": ["tones:900/-14dB"]})
            time.sleep(1.0)
            os.kill(server.http("GET", "/status")["workers"][0]["pid"], signal.SIGKILL)
            wait_for_log(server, "play ended", "failed", "the media worker is lost")
            time.sleep(2.5)
            heard = heard_by(anna, 1.5)
            assert heard.level_db(900) < -45
            assert level_db(heard) > -45, "music again"
            os.kill(server.http("GET", "/status")["scribe"]["pid"], signal.SIGKILL)
            server.http("POST", "/rooms/standup/play", {"sounds": ["prompt:welcome"]})
            since = time.monotonic()
            wait_for_log(server, "play ended", "finished", seconds=20)
            heard = anna.heard(since).samples  # with the music
            assert likeness(heard, clip(ENGLISH / "welcome.flac"))[0] > 0.4
