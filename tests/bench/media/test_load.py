"""Who sits where, what each sends, and that no two legs of one socket share a port of the worker."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.bench.arrivals import Packets
from confserver.bench.media.load import KINDS, SOCKETS, Load, key_of, plan_of, seat_of, sound_of
from confserver.bench.media.payloads import MOST_BYTES, encoded, faint_noise, reel, speech
from confserver.bench.media.terms import Terms
from confserver.bench.media.windows import renumbered
from confserver.bench.plan import Part


def test_rooms_fill_one_after_the_other_and_the_first_of_each_talk() -> None:
    seats = [seat_of(Load(), number) for number in range(25)]
    assert [seat.room for seat in seats] == [0] * 10 + [1] * 10 + [2] * 5
    assert [seat.part for seat in seats[:10]] == [Part.TALKER] * 3 + [Part.LISTENER] * 7
    assert len({seat.socket for seat in seats}) == 25 < SOCKETS


def test_probes_come_first_in_pairs() -> None:
    seats = [seat_of(Load(formats=("opus",), probes=2), number) for number in range(6)]
    assert [seat.part for seat in seats[:4]] == [Part.CLAPPER, Part.TIMER] * 2
    assert seats[0].room == seats[1].room != seats[2].room
    assert [seat.format for seat in seats] == ["PCMU"] * 4 + ["opus"] * 2


def test_formats_in_turn() -> None:
    load = Load(("PCMU", "G722", "opus"))
    assert [seat_of(load, number).format for number in range(4)] == ["PCMU", "G722", "opus", "PCMU"]
    assert plan_of(load, seat_of(load, 2), 5000).opus.out_hz == 16000
    assert sound_of(load).rate_hz == 0 and sound_of(Load(formats=("opus",), opus_hz=48000)).rate_hz == 48000


def test_keys_are_each_leg_s_own_and_each_way_s() -> None:
    load = Load(suite="AES_CM_128_HMAC_SHA1_80")
    keys = {key_of(load, number, outgoing) for number in range(3) for outgoing in (False, True)}
    assert len(keys) == 6 and None not in keys
    assert key_of(Load(), 1, True) is None


def test_sizes_keep_their_proportion() -> None:
    assert Terms().sized((500, 1000, 2500)) == [500, 1000, 2500]
    assert Terms(legs=100).sized((500, 1000, 2500)) == [20, 40, 100]
    assert Terms(legs=2).sized((500, 1000, 2500)) == [2, 3, 4], "each above the one before"


def test_speech_is_of_one_loudness_and_silence_is_not_quite_nothing() -> None:
    said = speech(8000, 200)
    assert said.shape == (200, 160) and np.abs(said).max() <= 0.99
    assert 10 * np.log10(np.mean(said**2)) == pytest.approx(-20, abs=0.5)
    assert 0 < np.abs(faint_noise(8000)).max() < 0.001


@pytest.mark.parametrize(("name", "rate"), [("PCMU", 8000), ("PCMA", 8000), ("G722", 16000), ("opus", 48000)])
def test_every_codec_is_encoded_frame_by_frame(name: str, rate: int) -> None:
    data, length = encoded(name, speech(rate, 20), rate)
    assert name in KINDS and data.shape == (20, MOST_BYTES)
    assert (length == 160).all() if name != "opus" else (length > 0).all()


def test_silent_phones_of_opus_send_little() -> None:
    made = reel(("opus",), frames=50)
    first, count = made.tracks["opus", Part.LISTENER]
    talk, talked = made.tracks["opus", Part.TALKER]
    assert np.median(made.length[first : first + count]) < np.median(made.length[talk : talk + talked])


def test_packets_of_some_phones_are_numbered_anew() -> None:
    column = np.array([7, 2, 2, 11])
    packets = Packets(column, np.arange(4.0), np.arange(4, dtype=np.uint16), np.arange(4, dtype=np.uint32))
    count, found = renumbered(packets, 10)
    assert count == 2 and found.caller.tolist() == [1, 0, 0] and found.arrived.tolist() == [0, 1, 2]
