"""WAV files of every width are heard as they are; others are refused in one line."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from confserver.phone.speech import TONE_DB, Tone, Unreadable, read_clip, silence
from tests.kit.listen import Recording
from tests.kit.tones import Samples, tone


def as_bytes(samples: Samples, width: int) -> bytes:
    if width == 1:
        return (np.round(samples * 127) + 128).astype(np.uint8).tobytes()
    whole = np.round(samples * (2 ** (8 * width - 1) - 1)).astype("<i8")
    return whole.view(np.uint8).reshape(-1, 8)[:, :width].tobytes()


def wav(path: Path, samples: Samples, width: int, rate: int, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(as_bytes(samples, width))
    return path


def heard(path: Path, seconds: float) -> Recording:
    return Recording(read_clip(path).take(round(seconds * 8000)).astype(np.float64), 8000)


@pytest.mark.parametrize(("width", "noise"), [(1, 0.009), (2, 1e-4), (3, 1e-6), (4, 1e-6)])
def test_each_width_is_read(tmp_path: Path, width: int, noise: float) -> None:
    spoken = tone(440, 0.5, 8000)
    wrong = heard(wav(tmp_path / "a.wav", spoken, width, 8000), 0.5).samples - spoken
    assert np.abs(wrong).max() < noise


def test_the_ends_of_full_scale(tmp_path: Path) -> None:
    for width, low in ((1, b"\x00"), (2, b"\x00\x80"), (3, b"\x00\x00\x80"), (4, b"\x00\x00\x00\x80")):
        with wave.open(str(tmp_path / "a.wav"), "wb") as file:
            file.setparams((1, width, 8000, 0, "NONE", ""))
            file.writeframes(low)
        assert read_clip(tmp_path / "a.wav").take(1)[0] == -1.0


@pytest.mark.parametrize("rate", [16000, 44100])
def test_channels_are_mixed_and_the_rate_is_ours(tmp_path: Path, rate: int) -> None:
    left, right = tone(500, 0.5, rate), tone(1200, 0.5, rate)
    both = np.stack((left, right), axis=1).reshape(-1)
    sound = heard(wav(tmp_path / "a.wav", both, 3, rate, channels=2), 0.5)
    for hz in (500, 1200):
        assert abs(sound.level_db(hz, 0.1, 0.4) + 20.02) < 0.1


def test_a_clip_is_played_once_and_then_is_still(tmp_path: Path) -> None:
    clip = read_clip(wav(tmp_path / "a.wav", np.full(200, 0.5), 2, 8000))
    first, second, third = clip.take(160), clip.take(160), clip.take(160)
    assert np.all(first > 0.49) and np.all(second[:40] > 0.49)
    assert not second[40:].any() and not third.any()


def test_a_tone_has_no_seams() -> None:
    speaker = Tone(437.5)
    said = np.concatenate([speaker.take(160) for _ in range(50)])
    assert np.abs(said - tone(437.5, 1.0, 8000, TONE_DB)).max() < 1e-6


def test_silence_is_digital() -> None:
    assert not silence().take(160).any()


def test_what_is_no_wav_file_is_refused(tmp_path: Path) -> None:
    whole = wav(tmp_path / "a.wav", tone(440, 0.1, 8000), 2, 8000).read_bytes()
    bad = tmp_path / "bad.wav"
    floats = whole[:20] + b"\x03\x00" + whole[22:]
    slow = whole[:24] + (100).to_bytes(4, "little") + whole[28:]
    wide = whole[:32] + (8).to_bytes(2, "little") + (64).to_bytes(2, "little") + whole[36:]
    for data in (b"", b"RIFF", whole[:30], b"no sound in here at all", floats, slow, wide):
        bad.write_bytes(data)
        with pytest.raises(Unreadable, match=r"bad\.wav cannot be played: ..."):
            read_clip(bad)
    with pytest.raises(Unreadable, match="No such file"):
        read_clip(tmp_path / "none.wav")
    with pytest.raises(Unreadable, match="directory"):
        read_clip(tmp_path)


def test_a_file_that_ends_within_a_frame_is_played_so_far(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", np.full(20, 0.5), 2, 8000, channels=2)
    path.write_bytes(path.read_bytes()[:-3])
    assert np.count_nonzero(read_clip(path).take(160)) == 9
