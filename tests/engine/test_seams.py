"""A listener begins and ends to talk: his decoder never hears that another encoder speaks to him."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import OpusTerms
from confserver.engine.codecs import meaning_of, stateful
from confserver.engine.codecs.codec import Settings
from confserver.engine.voices import OWN
from tests.engine.ears import Listener, aligned, decoded, hears, segmental_snr
from tests.engine.hall import Hall
from tests.kit.whole import whole

FRAME, RATE = 320, 16000
CASES = [
    pytest.param("opus", {"fec": False}, id="opus"),
    pytest.param("opus", {"fec": True, "bitrate": 32000}, id="opus-fec"),
    pytest.param("G722", {}, id="g722"),
]


def _voice(seconds: float, seed: int, rate: int = 8000) -> np.ndarray:
    """Something like speech without a pause: a buzz whose pitch and formants wander."""
    chance = np.random.default_rng(seed)
    count = int(seconds * rate)
    steps = int(seconds * 8) + 2
    at = np.arange(count) / rate * 8
    pitch = np.interp(at, np.arange(steps), chance.uniform(100, 180, steps))
    phase = np.cumsum(pitch) / rate
    sound = np.zeros(count)
    formants = [np.interp(at, np.arange(steps), chance.uniform(*edges, steps)) for edges in ((300, 800), (900, 2200))]
    for harmonic in range(1, 20):
        hz = harmonic * pitch
        weight = sum(np.exp(-(((hz - formant) / 250) ** 2)) for formant in formants) + 0.02
        sound += weight * np.sin(2 * np.pi * harmonic * phase)
    return (0.15 * sound / np.sqrt((sound**2).mean())).astype(np.float32)


def _interjections(seconds: float, every_s: float = 1.5, lasts_s: float = 0.3) -> np.ndarray:
    says = _voice(seconds, 5)
    at = np.arange(len(says)) / 8000 % every_s
    return np.where(at < lasts_s, says, 0).astype(np.float32)


def _with_pauses(says: np.ndarray) -> np.ndarray:
    """A breath of 0.6 s every 5 s."""
    return np.where(np.arange(len(says)) / 8000 % 5 < 4.4, says, 0).astype(np.float32)


def _meeting(codec: str, terms: dict, seconds: float, listeners: int):
    """One talks nearly all the time; another interjects; the rest listens. All hear by this codec."""
    hall = Hall()
    changes = hears(codec, **terms)
    hall.add(_with_pauses(_voice(seconds + 1, 1)), changes=changes)
    guest = hall.add(_interjections(seconds), changes=changes)
    for _ in range(listeners):
        hall.add(np.zeros(10, np.float32), changes=changes)
    ear = Listener(hall, guest)
    for _ in range(round(seconds * 50)):
        hall.tick()
        ear.listen()
    return hall, guest, ear


def _never_changed(codec: str, terms: dict, frames: list[np.ndarray]) -> np.ndarray:
    """The same sound through an encoder that never changed hands."""
    encoders = stateful(meaning_of(codec)).encoders()
    opus = OpusTerms(**terms)
    slot = encoders.open(Settings(RATE, bitrate=opus.bitrate) if codec == "opus" else Settings(RATE))
    payloads, out, length = [], np.zeros((1, 1920), np.uint8), np.zeros(1, np.int32)
    for frame in frames:
        encoders.encode(np.array([slot]), frame[None], out, length)
        payloads.append(out[0, : length[0]].tobytes())
    return decoded(payloads, codec, RATE)


def _check_seams(codec: str, terms: dict, seconds: float, listeners: int) -> int:
    hall, guest, ear = _meeting(codec, terms, seconds, listeners)
    skip = len(ear.frames) - len(guest.heard)
    frames, voices = ear.frames[skip:], np.array(ear.voices[skip:])
    heard = decoded(guest.heard, codec, RATE)
    usual = _never_changed(codec, terms, frames)
    clean = np.concatenate(frames)
    late = aligned(clean[FRAME * 50 : FRAME * 100], usual[FRAME * 50 : FRAME * 100 + 400], 400)
    ratios = [segmental_snr(clean, np.roll(sound, -late), FRAME) for sound in (heard, usual)]
    changes = [place for place in np.flatnonzero(np.diff(voices)) + 1 if place > 50]
    own = [voice >= OWN for voice in voices]
    assert any(own) and not all(own)
    losses, jumps = [], []
    for place in changes:
        part = slice(place, place + 3)
        if not np.isnan(ratios[1][part]).all():
            losses.append(float(np.nanmean(ratios[1][part]) - np.nanmean(ratios[0][part])))
        around = slice(place * FRAME + late - 8, (place + 3) * FRAME + late)
        jumps.append(float(np.abs(np.diff(heard[around])).max()))
    most = float(np.abs(np.diff(usual[FRAME * 50 :])).max())
    print(f"{codec}: {len(changes)} seams, worst {max(losses):.1f} dB, mean {np.mean(losses):.2f} dB")
    assert max(losses) <= 3, f"{sorted(losses)[-5:]}"
    assert max(jumps) <= most
    assert hall.engine.describe()["encoders"] <= 3
    return len(changes)


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "terms"), CASES)
@pytest.mark.parametrize("listeners", [1, 3])
def test_a_listener_who_talks_now_and_then_hears_no_seam(codec, terms, listeners):
    assert _check_seams(codec, terms, 14, listeners) >= 12


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "terms"), CASES)
def test_a_hundred_interjections_leave_no_seam(codec, terms):
    """A third of them where not the whole is asked for."""
    assert _check_seams(codec, terms, whole(152, 52), 2) >= whole(198, 64)
