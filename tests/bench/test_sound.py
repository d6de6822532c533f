"""Tones that are there, too soft, one's own, of another room, or broken."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.bench.plan import Caller, Part, silent_frames, tone_frames
from confserver.bench.sound import judge, samples_of
from confserver.engine.codecs.g711 import PCMU
from confserver.engine.frame import FRAME

LEVEL = 0.2
EVERYBODY = [
    Caller(0, "a", Part.TALKER, 0, 310),
    Caller(1, "a", Part.TALKER, 0, 1340),
    Caller(2, "a", Part.TALKER, 0, 2370),
    Caller(3, "a", Part.LISTENER, 0),
    Caller(4, "b", Part.TALKER, 0, 320),
    Caller(5, "c", Part.CLAPPER, 0),
    Caller(6, "c", Part.TIMER, 0),
]
TALKER, LISTENER = EVERYBODY[0], EVERYBODY[3]


def mixed(frames: int = 100, **gains_db: float) -> np.ndarray:
    """Frames uint8 (n, FRAME) of tones f310=0.0, ... in dB of LEVEL."""
    when = np.arange(frames * FRAME) / 8000
    sound = sum(LEVEL * 10 ** (db / 20) * np.sin(2 * np.pi * int(hz[1:]) * when) for hz, db in gains_db.items())
    out = np.empty((1, frames * FRAME), np.uint8)
    PCMU.encode(np.asarray(sound, np.float32)[None], out)
    return out.reshape(-1, FRAME)


def laid_out(frames: np.ndarray, first: int = 65530) -> np.ndarray:
    return samples_of((first + np.arange(len(frames))).astype(np.uint16), frames)


def test_the_right_voices_are_right() -> None:
    heard = judge(TALKER, EVERYBODY, laid_out(mixed(f1340=0, f2370=0)), LEVEL)
    assert heard.is_right
    assert (heard.segments, heard.broken) == (10, 0)
    assert heard.deviation_db == pytest.approx(0, abs=0.2)
    assert heard.own_db is not None
    assert heard.own_db < -45
    assert judge(LISTENER, EVERYBODY, laid_out(mixed(f310=0, f1340=0, f2370=0)), LEVEL).is_right


@pytest.mark.parametrize(
    ("listener", "gains"),
    [
        (TALKER, {"f1340": 0, "f2370": -3.5}),
        (TALKER, {"f1340": 3.5, "f2370": 0}),
        (TALKER, {"f1340": 0}),
        (TALKER, {"f1340": 0, "f2370": 0, "f310": -38}),
        (TALKER, {"f1340": 0, "f2370": 0, "f320": -28}),
        (LISTENER, {"f310": 0, "f1340": 0}),
    ],
)
def test_a_wrong_mix_is_wrong(listener: Caller, gains: dict[str, float]) -> None:
    assert not judge(listener, EVERYBODY, laid_out(mixed(**gains)), LEVEL).is_right


@pytest.mark.parametrize("at", [40, 45, 49])
@pytest.mark.parametrize("spoil", ["left out", "doubled", "silenced"])
def test_one_spoilt_frame_is_seen(spoil: str, at: int) -> None:
    frames = mixed(101, f1340=0, f2370=0)
    match spoil:
        case "left out":
            frames = np.delete(frames, at, axis=0)
        case "doubled":
            frames = np.insert(frames, at, frames[at - 1], axis=0)[:100]
        case "silenced":
            frames[at] = silent_frames(1)[0]
    heard = judge(TALKER, EVERYBODY, laid_out(frames), LEVEL)
    assert heard.broken in (1, 2)


def test_a_missing_packet_is_a_hole_and_a_late_one_none() -> None:
    frames = mixed(f1340=0, f2370=0)
    sequence = (65530 + np.arange(100)).astype(np.uint16)
    order = np.arange(100)
    order[[30, 31]] = order[[31, 30]]
    assert judge(TALKER, EVERYBODY, samples_of(sequence[order], frames[order]), LEVEL).broken == 0
    kept = np.delete(order, 55)
    assert judge(TALKER, EVERYBODY, samples_of(sequence[kept], frames[kept]), LEVEL).broken == 2


def test_who_heard_nothing_heard_wrong() -> None:
    nothing = samples_of(np.zeros(0, np.uint16), np.zeros((0, FRAME), np.uint8))
    assert not judge(LISTENER, EVERYBODY, nothing, LEVEL).is_right
    assert not judge(LISTENER, EVERYBODY, laid_out(silent_frames(100)), LEVEL).is_right


def test_a_room_without_talkers_may_be_silent() -> None:
    alone = Caller(7, "d", Part.LISTENER, 0)
    assert judge(alone, [*EVERYBODY, alone], laid_out(silent_frames(100)), LEVEL).is_right
    assert not judge(
        alone, [*EVERYBODY, alone], laid_out(np.concatenate([tone_frames(320, LEVEL)] * 20)), LEVEL
    ).is_right
