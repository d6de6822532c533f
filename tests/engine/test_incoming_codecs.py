"""Every codec through playout: packets of all lengths, losses, changes in mid-call, pauses, bad networks."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from confserver.engine.frame import RATES_HZ
from tests.engine.hall import (
    CODECS,
    COMFORT,
    RATE,
    Hall,
    Phone,
    level_db,
    rtp,
    silence,
    steepest,
    tone,
)
from tests.kit.speech import speech

HZ = 425.0
LEVEL = 20 * np.log10(0.2)
STEEP = 0.2 * 2 * np.pi * HZ / RATE
"""The largest step of the tone at 8 kHz."""
LENGTHS = {
    "PCMU": (10, 20, 30, 40, 60),
    "PCMA": (10, 20, 30, 40, 60),
    "G722": (10, 20, 30, 40, 60),
    "L16-8": (10, 20, 30, 40, 60),
    "L16-16": (10, 20, 30, 40),
    "L16-48": (10,),
    "opus": (10, 20, 40, 60),
}
EACH = [(codec, ms) for codec, lengths in LENGTHS.items() for ms in lengths]


def rate_of(codec: str) -> int:
    return CODECS[codec][1].rate_hz or 16000


def seat(codec: str, says: np.ndarray | None = None, ms: int = 0, **more) -> tuple[Hall, Phone, list[np.ndarray]]:
    """A phone of this codec in a room of two, and what is made of its packets."""
    rate = rate_of(codec)
    hall = Hall()
    says = tone(HZ, 12, rate=rate) if says is None else says
    talker = hall.add(says, codec, samples=rate * (ms or min(20, max(LENGTHS[codec]))) // 1000, **more)
    hall.add(silence(1))
    return hall, talker, hall.tap(talker)


def joined(frames: list[np.ndarray]) -> float:
    """The largest step within frames and between them, as at 8 kHz."""
    within = max(steepest(frame) * len(frame) / 160 for frame in frames)
    pairs = itertools.pairwise(frames)
    between = max(abs(float(a[-1] - b[0])) * min(len(a), len(b)) / 160 for a, b in pairs)
    return max(within, between)


def loudness(frames: list[np.ndarray]) -> np.ndarray:
    return np.array([np.sqrt(np.mean(frame**2)) for frame in frames])


def as_wide(samples: np.ndarray) -> np.ndarray:
    return np.interp(np.arange(len(samples) * 2) / 2, np.arange(len(samples)), samples).astype(np.float32)


# ---------------------------------------------------------------------- clean
@pytest.mark.parametrize(("codec", "ms"), EACH)
def test_every_codec_plays_packets_of_every_length_whole(codec, ms):
    hall, talker, frames = seat(codec, ms=ms)
    hall.run(1.6)
    rate = RATES_HZ[hall.engine.seats.in_band[hall.row(talker)]]
    assert rate == rate_of(codec)
    assert level_db(np.concatenate(frames[25:]), HZ, rate) == pytest.approx(LEVEL, abs=0.3)
    assert joined(frames[5:]) < STEEP * 1.1
    report = hall.report(talker)
    assert (report.concealed, report.late, report.lost, report.discarded) == (0, 0, 0, 0)
    assert report.jitter_ms < 0.01 and report.playout_ms < 25


@pytest.mark.parametrize("in_hz", RATES_HZ)
def test_opus_is_decoded_at_the_rate_of_the_plan(in_hz):
    from confserver.contract import OpusTerms

    hall, talker, frames = seat("opus", changes={"opus": OpusTerms(in_hz=in_hz)})
    hall.run(1)
    assert {len(frame) for frame in frames[5:]} == {in_hz // 50}
    assert level_db(np.concatenate(frames[10:]), HZ, in_hz) == pytest.approx(LEVEL, abs=0.3)
    assert hall.report(talker).concealed == 0


@pytest.mark.parametrize(
    ("codec", "payload"),
    [("opus", b"\x03"), ("opus", bytes([0xFF, 0x3F]) + bytes(40)), ("L16-16", bytes(639)), ("L16-48", b"\1")],
)
def test_payloads_that_cannot_be_read_are_discarded_and_counted(codec, payload):
    hall, talker, frames = seat(codec)
    hall.run(0.5)
    for number in range(10):
        data = rtp(CODECS[codec][0], talker.sequence + number, talker.timestamp, talker.ssrc, payload)
        hall.say(talker, data)
    hall.tick()
    assert hall.report(talker).discarded == 10
    assert all(np.isfinite(frame).all() for frame in frames)


# ---------------------------------------------------------------------- loss
@pytest.mark.parametrize("codec", LENGTHS)
def test_single_losses_are_bridged_by_every_codec(codec):
    lost = {60, 75, 91, 120, 133}
    hall, talker, frames = seat(codec, path=lambda number: () if number in lost else (0.0,))
    hall.run(4)
    report = hall.report(talker)
    assert (report.lost, report.concealed, report.late, report.discarded) == (5, 5, 0, 0)
    assert joined(frames[5:]) < STEEP * 1.6, "no click, no burst"
    assert loudness(frames[5:]).max() < 0.2
    if codec != "opus":
        assert loudness(frames[5:]).min() > 0.08, "never silent for one lost packet"
    assert report.playout_ms < 25


@pytest.mark.parametrize("codec", ["G722", "opus", "L16-16"])
def test_a_long_gap_falls_silent_and_what_follows_is_no_burst(codec):
    hall, talker, frames = seat(codec, path=lambda number: () if 50 <= number < 62 else (0.0,))
    hall.run(3)
    loud = loudness(frames)
    gap = np.flatnonzero(loud[5:] < 0.005)
    assert 7 <= len(gap) <= 10, "three stand-ins, then silence"
    assert loud.max() < 0.17 and max(np.abs(frame).max() for frame in frames) < 0.3
    assert hall.report(talker).concealed == 3
    assert level_db(np.concatenate(frames[100:]), HZ, rate_of(codec)) == pytest.approx(LEVEL, abs=0.4)


@pytest.mark.slow
def test_the_frame_before_a_packet_of_opus_is_told_by_it():
    """In-band FEC, where the next packet is there already: nearer to what was said than what would be made up."""
    said = as_wide(speech())[: 16000 * 6]

    def played(lost: set[int], fec: bool) -> np.ndarray:
        def path(number: int) -> tuple[float, ...]:
            return () if number in lost else (0.0 if number > 3 else 0.06,)

        hall, _, frames = seat("opus", said, path=path, encoding={"fec": fec, "loss_percent": 20, "bitrate": 32000})
        hall.engine.playout._depth.review = lambda: ((np.zeros(0, np.intp),) * 3, np.zeros(0, np.intp))
        hall.run(6)
        return np.stack(frames[10:])

    loud = np.flatnonzero(loudness(list(said.reshape(-1, 320))) > 0.03)
    lost = set(loud[loud > 20][::9].tolist())
    results = {}
    for fec in (True, False):
        whole, broken = played(set(), fec), played(lost, fec)
        error = ((whole - broken) ** 2).sum(axis=1)
        changed = np.flatnonzero(error > 1e-4)
        power = (whole[changed] ** 2).sum(axis=1)
        results[fec] = 10 * np.log10(power.sum() / error[changed].sum())
    print(f"segments with losses: {results[True]:.1f} dB with FEC, {results[False]:.1f} dB made up")
    assert results[True] > results[False] + 3


@pytest.mark.slow
def test_packets_that_tell_of_lost_ones_are_waited_for():
    """Else the one after a lost packet would always come too late to be asked."""
    said = as_wide(np.tile(speech(), 2))
    chance = random.Random(2)
    lost = {number for number in range(50, 400) if chance.random() < 0.08}
    asked = {}
    for fec in (True, False):
        encoding = {"fec": fec, "loss_percent": 5, "bitrate": 40000}
        hall, talker, _ = seat("opus", said, path=lambda number: () if number in lost else (0.0,), encoding=encoding)
        decoding = hall.engine.playout._decoding
        recover, told = decoding.recover, []
        decoding.recover = lambda *args, recover=recover, told=told: (told.append(1), recover(*args))[1]
        delays = []
        for _ in range(950):
            hall.tick()
            delays.append(hall.report(talker).playout_ms)
        asked[fec] = len(told)
        assert (30 < np.median(delays[150:400]) < 60) if fec else (max(delays) < 60)
        assert delays[-1] < 25, "and no more when nothing has been lost for long"
    assert asked[True] > len(lost) / 2 and not asked[False]


# ---------------------------------------------------------------------- changes in mid-call
@pytest.mark.parametrize(
    ("before", "after"),
    [pair for pair in itertools.permutations(LENGTHS, 2) if not {"L16-8", "PCMA"} & set(pair)],
)
def test_a_codec_changes_in_mid_call_without_a_click(before, after):
    hall, talker, frames = seat(before)
    hall.run(0.8)
    talker.change(after, tone(HZ, 12, rate=rate_of(after)), ms=min(20, max(LENGTHS[after])))
    hall.run(0.8)
    assert joined(frames[5:]) < STEEP * 1.7
    assert loudness(frames[5:]).max() < 0.16 and loudness(frames[5:]).min() > 0.08
    assert len(frames[-1]) == rate_of(after) // 50
    report = hall.report(talker)
    assert (report.late, report.lost, report.discarded) == (0, 0, 0)
    assert report.jitter_ms < 0.5 and report.playout_ms < 40


def test_packets_of_the_old_clock_that_come_late_do_not_turn_back_the_change():
    hall, talker, frames = seat("PCMU")
    hall.run(0.6)
    old = [talker.packet() for _ in range(2)]
    talker.change("opus", tone(HZ, 12, rate=16000))
    hall.run(0.2)
    for data in old:
        hall.say(talker, data)
    hall.run(0.6)
    seats, row = hall.engine.seats, hall.row(talker)
    assert seats.units[row] == 960
    assert level_db(np.concatenate(frames[-20:]), HZ, 16000) == pytest.approx(LEVEL, abs=0.4)
    assert hall.report(talker).late == 2


# ---------------------------------------------------------------------- pauses
@pytest.mark.parametrize("codec", ["PCMU", "G722"])
@pytest.mark.parametrize("seconds", [0.1, 0.3, 2.0])
def test_comfort_noise_is_a_pause_and_no_loss(codec, seconds):
    hall, talker, frames = seat(codec)
    hall.run(1)
    noise = rtp(COMFORT, talker.sequence, talker.timestamp, talker.ssrc, b"\x40")
    talker.sequence += 1
    hall.say(talker, noise, 0.006)
    talker.pauses = True
    hall.run(seconds)
    talker.pauses = False
    start = len(frames)
    assert loudness(frames[start - 3 : start]).max() < 1e-4
    hall.run(1)
    report = hall.report(talker)
    assert (report.concealed, report.late, report.lost, report.discarded) == (0, 0, 0, 0)
    assert joined(frames[5:]) < STEEP * 1.8
    assert level_db(np.concatenate(frames[start + 4 :]), HZ, rate_of(codec)) == pytest.approx(LEVEL, abs=0.3)
    assert report.playout_ms < 40


def test_gaps_of_discontinuous_transmission_are_no_losses():
    says = as_wide(np.concatenate((speech()[: RATE * 3], silence(2), speech()[: RATE * 3])))
    hall, talker, _ = seat("opus", says, encoding={"dtx": True})
    hall.run(8)
    report = hall.report(talker)
    assert report.received < 350, "the sender did pause"
    assert (report.concealed, report.late, report.lost) == (0, 0, 0)
    assert report.playout_ms < 30


# ---------------------------------------------------------------------- asleep
@pytest.mark.parametrize("noise", [0.0, 3e-4], ids=["digital silence", "a quiet room"])
def test_silent_opus_is_not_decoded_and_wakes_without_a_loss(noise):
    pause = (np.random.default_rng(1).standard_normal(16000 * 3) * noise).astype(np.float32)
    voice = as_wide(speech())[16000 : 16000 * 3]
    says = np.concatenate((pause, voice, pause, voice))

    def played(may_doze: bool) -> tuple[np.ndarray, float]:
        hall, talker, frames = seat("opus", says)
        row, asleep = hall.row(talker), 0
        for _ in range(500):
            hall.tick()
            asleep += bool(hall.engine.seats.dozes[row])
            if not may_doze:
                hall.engine.seats.quiet_frames[row] = 0
        return np.stack(frames), asleep / 500

    (always, none), (dozing, share) = played(False), played(True)
    assert none == 0 and share > 0.35
    power = (always**2).mean(axis=1)
    error = ((always - dozing) ** 2).mean(axis=1)
    loud = np.flatnonzero(power > 1e-5)
    first = [at for at in loud if power[at - 10 : at].max() < 1e-5]
    for at in first:
        wake = slice(at, at + 4)
        assert 10 * np.log10(power[wake].sum() / max(error[wake].sum(), 1e-12)) > 40


# ---------------------------------------------------------------------- a bad network
@pytest.mark.slow
@pytest.mark.parametrize("codec", LENGTHS)
@pytest.mark.parametrize("seed", [1, 2])
def test_any_codec_on_a_bad_network(codec, seed):
    """Loss, jitter, disorder and duplicates: nothing louder than was said, made up only what was lost or late."""
    chance = random.Random(seed)

    def path(number: int) -> tuple[float, ...]:
        copies = () if chance.random() < 0.04 else (chance.uniform(0, 0.02) + 0.03 * (chance.random() < 0.03),)
        return copies * (1 + (chance.random() < 0.02))

    hall, talker, frames = seat(codec, path=path)
    delays = []
    for _ in range(400):
        hall.tick()
        delays.append(hall.report(talker).playout_ms)
    report = hall.report(talker)
    assert all(np.isfinite(frame).all() for frame in frames)
    assert loudness(frames).max() < 0.2 and max(np.abs(frame).max() for frame in frames) < 0.35
    assert level_db(np.concatenate(frames[100:]), HZ, rate_of(codec)) > LEVEL - 4
    assert max(delays) < 110
    assert report.lost > 4
    assert report.concealed <= report.lost + report.late + 20, "besides, what stood still until depth had grown"
