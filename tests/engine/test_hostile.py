"""Whatever comes from the network, the tick goes on, and the others' sound is the same."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.rtp import rtcp
from confserver.rtp.telephone_event import press
from tests.engine.hall import EVENTS, Hall, rtp, tone

ANYWHERE = st.sampled_from(
    [("127.0.0.1", 40002), ("127.0.0.1", 40004), ("127.0.0.1", 40999), ("203.0.113.9", 1), ("2001:db8::1", 65535)]
)
LOCALS = st.integers(0, 5)
GOOD = st.builds(
    rtp,
    st.sampled_from([0, 8, EVENTS, 34, 72, 96]),
    st.integers(0, 65535),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1111, 2222, 5]),
    st.binary(max_size=600),
    st.sampled_from([0x80, 0x80, 0x90, 0xA0, 0xBF, 0x82, 0x00]),
)
REPORTS = st.builds(
    lambda ssrc, about, lsr, dlsr, bye: rtcp.compound(
        rtcp.ReceiverReport(ssrc=ssrc, blocks=(rtcp.ReportBlock(ssrc=about, lsr=lsr, dlsr=dlsr),)), "x", bye
    ),
    st.sampled_from([1111, 2222]),
    st.sampled_from([7919, 31676]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.sampled_from([None, "", "gone"]),
)


@st.composite
def mutated(draw):
    data = bytearray(draw(GOOD | REPORTS))
    for _ in range(draw(st.integers(0, 4))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))]) if draw(st.booleans()) else bytes(data)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ANYWHERE, LOCALS, mutated() | st.binary(max_size=1500)), max_size=60), st.booleans())
def test_no_datagram_raises_out_of_a_tick(datagrams, symmetric):
    hall = Hall()
    hall.add(tone(410, 2), samples=80)
    hall.add(tone(730, 2), changes={"symmetric": symmetric, "rtcp_mux": True})
    hall.run(0.1)
    for number, (sender, local, data) in enumerate(datagrams):
        hall.send(local, sender, data, number % 7 * 0.01)
    hall.run(0.3)
    assert len(hall.phones[0].heard) == 20
    assert all(np.isfinite(phone.sound()).all() for phone in hall.phones)


def _garbage(chance: random.Random) -> bytes:
    kind = chance.randrange(5)
    if kind == 0:
        return chance.randbytes(chance.randrange(0, 1500))
    data = bytearray(rtp(chance.choice([0, 8, EVENTS, 77]), chance.randrange(65536), chance.randrange(2**32),
                         chance.randrange(2**32), chance.randbytes(160)))  # fmt: skip
    if kind == 1:
        data = data[: chance.randrange(len(data))]
    if kind == 2:
        data[0] = chance.randrange(256)
    if kind == 3:
        data[1] = chance.randrange(128, 256)
    if kind == 4:
        data = bytearray(rtcp.compound(rtcp.ReceiverReport(ssrc=chance.randrange(2**32)), "x", "bye"))
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def _call(attack) -> list[bytes]:
    """What the third phone hears of the second, while somebody does something to the first."""
    hall = Hall()
    victim = hall.add(np.zeros(8000, np.float32))
    hall.add(tone(730, 5))
    listener = hall.add(np.zeros(8000, np.float32))
    hall.hear_all(muted=[victim.leg])
    hall.run(0.5)
    for number in range(100):
        attack(hall, number)
        hall.tick()
    return listener.heard


def test_two_thousand_packets_of_strangers_change_nobodys_sound():
    chance = random.Random(1)

    def strangers(hall: Hall, number: int) -> None:
        for _ in range(20):
            sender = (f"203.0.113.{chance.randrange(5)}", chance.randrange(1, 65536))
            if chance.random() < 0.3:
                sender = ("127.0.0.1", chance.randrange(50000, 60000))
            hall.send(chance.randrange(4), sender, _garbage(chance), chance.random() * 0.02)

    assert _call(strangers) == _call(lambda hall, number: None)


def test_two_thousand_packets_from_a_known_address_change_only_its_own_sound():
    chance = random.Random(2)

    def participant(hall: Hall, number: int) -> None:
        for _ in range(20):
            data = _garbage(chance)
            if chance.random() < 0.3 and len(data) >= 12:
                data = data[:8] + (1111).to_bytes(4, "big") + data[12:]
            hall.say(hall.phones[0], data, chance.random() * 0.02)

    assert _call(participant) == _call(lambda hall, number: None)


def test_a_flood_from_a_known_address_costs_no_more_than_a_ring():
    hall = Hall()
    talker = hall.add(tone(410, 5))
    listener = hall.add(tone(730, 5))
    hall.run(0.5)
    for number in range(3000):
        hall.say(talker, rtp(0, talker.sequence + number, talker.timestamp + 160 * number, talker.ssrc, bytes(160)))
    hall.tick()
    assert hall.report(talker).discarded >= 2960
    hall.run(0.5)
    assert len(listener.heard) == 51


def test_a_flood_of_odd_packets_is_cut_off_and_counted_and_known_legs_come_first():
    hall = Hall()
    talker = hall.add(tone(410, 5))
    hall.add(tone(730, 5))
    hall.run(0.5)
    for number in range(1500):
        hall.send(0, ("203.0.113.9", 5000 + number), rtp(0, 1, 1, 1, bytes(160)))
    for packet in press("8", 40):
        hall.say(talker, rtp(EVENTS, talker.sequence, talker.timestamp + packet.offset, talker.ssrc, packet.payload))
        talker.sequence += 1
    hall.tick()
    assert hall.engine.describe()["unread"] > 900
    assert [event.digit for event in hall.events if type(event).__name__ == "DigitPressed"] == ["8"]
