"""Whose packets are whose: latches, strangers, phones that move, ports that are free."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import FirstPacket, LegFailed, LegLatched, LegOpened, OpenLeg
from tests.engine.hall import START, Hall, Phone, level_db, plan_for, rtp, silence, tone

HZ = 425.0
LOUD = np.full(160, 0x00, np.uint8).tobytes()
"""PCMU at full scale."""


def _room(**more):
    """A phone, and one who listens."""
    hall = Hall()
    talker = hall.add(tone(HZ, 30), **more)
    listener = hall.add(silence(1), address=("127.0.0.9", 50000))
    return hall, talker, listener


def _is_heard(hall: Hall, listener: Phone, seconds: float = 0.5) -> bool:
    start = len(listener.heard) / 50
    hall.run(seconds)
    return bool(level_db(listener.sound(start + 0.1), HZ) > -20)


def _remotes(hall: Hall, phone: Phone) -> list:
    return [event.remote for event in hall.told(LegLatched) if event.leg == phone.leg]


def test_the_address_in_sdp_is_heard_at_once():
    hall, talker, _ = _room()
    hall.tick()
    assert hall.told(FirstPacket) and hall.told(FirstPacket)[0].leg == talker.leg
    assert _remotes(hall, talker) == [talker.address]
    assert hall.report(talker).received == 1


def test_another_port_of_the_same_host_is_heard_after_two_packets():
    hall, talker, listener = _room(changes={"remote": ("127.0.0.1", 39000)})
    hall.tick()
    assert _remotes(hall, talker) == [] and hall.report(talker).received == 0
    hall.tick()
    assert _remotes(hall, talker) == [talker.address]
    assert _is_heard(hall, listener)
    assert len(talker.heard) > 20, "and is sent to"


def test_the_host_that_signals_is_heard_too():
    hall, talker, listener = _room(changes={"remote": ("192.0.2.7", 39000), "signalling_host": "127.0.0.1"})
    assert _is_heard(hall, listener)
    assert _remotes(hall, talker) == [talker.address]


@pytest.mark.parametrize("host", ["127.0.0.1", "203.0.113.9"])
def test_a_symmetric_leg_is_heard_from_anywhere_but_a_service_port(host):
    hall, talker, listener = _room(address=(host, 900), changes={"remote": ("10.0.0.1", 4000), "symmetric": True})
    assert not _is_heard(hall, listener)
    talker.address = (host, 61000)
    assert _is_heard(hall, listener)
    assert _remotes(hall, talker) == [(host, 61000)]


def test_a_leg_that_is_not_symmetric_is_not_heard_from_elsewhere():
    hall, talker, listener = _room(address=("203.0.113.9", 4000), changes={"remote": ("127.0.0.1", 4000)})
    assert not _is_heard(hall, listener)
    assert hall.engine.describe()["strangers"] == 25
    assert _remotes(hall, talker) == []


@pytest.mark.parametrize("sender", [("127.0.0.1", 61000), ("203.0.113.9", 61000), ("127.0.0.9", 61000)])
def test_a_strangers_packets_never_move_a_latched_leg_nor_are_heard(sender):
    hall, talker, listener = _room(changes={"symmetric": True})
    hall.run(1)
    for number in range(100):
        hall.say(talker, rtp(0, number, number * 160, 0xBAD, LOUD), 0.004)
        hall.waiting[-1] = (*hall.waiting[-1][:2], sender, hall.waiting[-1][3])
        hall.tick()
    assert _remotes(hall, talker) == [talker.address]
    assert np.abs(listener.sound(0.2)).max() < 0.22
    assert hall.report(talker).discarded == 0
    assert hall.engine.describe()["strangers"] == 100


def test_a_stranger_with_a_wrong_payload_type_or_one_packet_only_never_latches():
    hall, talker, listener = _room(changes={"remote": None, "symmetric": True})
    talker.pauses = True
    for number in range(10):
        hall.send(0, ("203.0.113.9", 61000), rtp(34, number, number * 160, 0xBAD, LOUD))
        hall.tick()
    for number in range(10):
        hall.send(0, ("203.0.113.9", 61000 + number % 2), rtp(0, number, number * 160, 0xBAD + number, LOUD))
        hall.tick()
    assert _remotes(hall, talker) == []
    talker.pauses = False
    assert _is_heard(hall, listener)
    assert _remotes(hall, talker) == [talker.address]


def test_a_new_plan_with_a_new_address_re_arms_the_latch():
    hall, talker, listener = _room()
    hall.run(0.5)
    old, talker.address = talker.address, ("127.0.0.1", 43210)
    hall.set(talker)
    for number in range(3):
        hall.send(0, old, rtp(0, talker.sequence + number, talker.timestamp, talker.ssrc, LOUD))
    assert _is_heard(hall, listener)
    assert _remotes(hall, talker) == [old, talker.address]
    for number in range(20):
        hall.send(0, ("127.0.0.1", 43999), rtp(0, number, number * 160, 0xBAD, LOUD))
        hall.tick()
    assert _remotes(hall, talker) == [old, talker.address], "latched again: nobody else moves it"
    assert len(hall.told(FirstPacket)) == 2, "once for each leg"


def test_the_same_plan_again_leaves_the_latch_alone():
    hall, talker, listener = _room(changes={"remote": ("10.0.0.1", 4000), "symmetric": True})
    hall.run(0.5)
    for remote in (("10.0.0.1", 4000), None, ("10.0.0.1", 4000)):
        hall.set(talker, remote=remote, symmetric=True)
        assert _is_heard(hall, listener, 0.3)
    assert _remotes(hall, talker) == [talker.address]


def test_a_phone_behind_a_nat_is_heard_again_after_a_hold_of_the_old_kind():
    hall, talker, listener = _room(changes={"remote": ("10.0.0.1", 4000), "symmetric": True})
    hall.run(0.5)
    hall.set(talker, remote=None, symmetric=True, receives=False, sends=False)
    hall.run(0.5)
    hall.set(talker, remote=("10.0.0.1", 4000), symmetric=True)
    assert _is_heard(hall, listener)


def test_a_phone_that_moves_to_a_new_port_after_a_silence_is_followed():
    hall, talker, listener = _room()
    hall.run(0.5)
    talker.pauses = True
    hall.run(2.1)
    talker.pauses = False
    talker.address = ("127.0.0.1", 47000)
    assert _is_heard(hall, listener)
    assert _remotes(hall, talker)[-1] == talker.address


@pytest.mark.parametrize("what", ["too soon", "other ssrc", "other host", "other sequence"])
def test_nobody_else_is_followed(what):
    hall, talker, listener = _room()
    hall.run(0.5)
    talker.pauses = True
    hall.run(1.0 if what == "too soon" else 2.1)
    talker.pauses = False
    talker.address = ("127.0.0.2" if what == "other host" else "127.0.0.1", 47000)
    talker.ssrc += what == "other ssrc"
    talker.sequence += 2000 * (what == "other sequence")
    assert not _is_heard(hall, listener, 0.4)
    assert len(_remotes(hall, talker)) == 1


def test_a_closed_leg_leaves_a_tombstone_for_ten_seconds():
    hall, talker, _ = _room()
    hall.run(0.5)
    engine = hall.engine
    assert not engine.is_free(0, talker.address, hall.now)
    hall.phones[1].pauses = False
    hall.run(0.1)
    assert engine.is_free(0, ("127.0.0.1", 49000), hall.now)
    hall.remove(talker)
    assert not engine.is_free(0, talker.address, hall.now)
    waits = hall.add(silence(1), changes={"remote": ("10.0.0.1", 4000), "symmetric": True}, address=("10.0.0.1", 4000))
    waits.pauses = True
    for number in range(20):
        hall.send(0, talker.address, rtp(0, number, number * 160, talker.ssrc, LOUD))
        hall.tick()
    assert _remotes(hall, waits) == [], "the last packets of a closed leg are nobody's"
    hall.remove(waits)
    hall.run(10.1)
    assert engine.is_free(0, talker.address, hall.now)
    assert engine.describe()["tombstones"] == 0


def test_a_socket_takes_one_leg_at_a_time_whose_source_is_not_known():
    hall = Hall()
    assert hall.engine.is_free(0, None, START)
    hall.add(tone(HZ, 1), changes={"remote": None, "symmetric": True})
    assert not hall.engine.is_free(0, None, START)
    assert not hall.engine.is_free(0, ("127.0.0.1", 5), START)
    assert hall.engine.is_free(2, None, START)
    hall.run(0.1)
    assert hall.engine.is_free(0, None, hall.now)
    assert not hall.engine.is_free(0, hall.phones[0].address, hall.now)


def test_ipv6_legs_beside_ipv4():
    hall = Hall()
    old = hall.add(tone(410, 3))
    new = hall.add(tone(730, 3), address=("2001:db8::5", 40000), local=2)
    nat = hall.add(tone(1170, 3), address=("fe80::1%3", 40000), local=4, changes={"remote": None, "symmetric": True})
    same = hall.add(
        tone(1610, 3), address=("2001:db8::6", 40006), local=6, changes={"remote": ("2001:DB8:0::6", 40000)}
    )
    hall.run(2)
    for phone, own in ((old, 410), (new, 730), (nat, 1170), (same, 1610)):
        for hz in (410, 730, 1170, 1610):
            assert (level_db(phone.sound(1), hz) > -20) == (hz != own)
    stranger = ("2001:db8::bad", 40000)
    for number in range(20):
        hall.send(2, stranger, rtp(0, number, number * 160, 0xBAD, LOUD))
        hall.tick()
    assert _remotes(hall, new) == [new.address]


def test_legs_of_one_host_on_one_socket_are_told_apart():
    hall = Hall()
    phones = [hall.add(tone(hz, 2)) for hz in (410, 730, 1170)]
    hall.run(2)
    for phone, own in zip(phones, (410, 730, 1170)):
        assert level_db(phone.sound(1), own) < -45
    assert {event.leg for event in hall.told(LegLatched)} == {1, 2, 3}


def test_nothing_is_sent_before_the_first_valid_packet_where_that_is_asked():
    hall, talker, _ = _room(changes={"send_first": False})
    talker.pauses = True
    hall.run(6)
    assert talker.heard == []
    assert not [each for each in hall.control if each[1][0] == talker.address[0]]
    talker.pauses = False
    hall.run(0.5)
    assert len(talker.heard) >= 24


def test_a_leg_without_an_address_is_not_sent_to():
    hall, _talker, listener = _room()
    waits = hall.add(silence(1), plan=plan_for(listener, remote=None))
    hall.run(0.2)
    assert waits.heard == [] and len(listener.heard) == 10


@pytest.mark.parametrize(
    "changes",
    [
        {"remote": ("example.com", 4000)},
        {"remote": ("192.0.2.1", 70000)},
        {"remote_rtcp": ("192.0.2.1", -1)},
        {"signalling_host": "host.invalid"},
        {"outgoing_format": "iLBC"},
        {"outgoing_format": "telephone-event"},
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_and_changes_nothing(changes):
    hall, talker, listener = _room()
    hall.run(0.2)
    before = hall.engine.describe()
    hall.set(talker, **changes)
    hall.engine.open_leg(OpenLeg(leg=9, room=1, plan=plan_for(talker, **changes)), 2, 30002, hall.now)
    hall.engine.open_leg(OpenLeg(leg=9, room=7, plan=plan_for(talker)), 2, 30002, hall.now)
    hall.engine.open_leg(OpenLeg(leg=talker.leg, room=1, plan=plan_for(talker)), 2, 30002, hall.now)
    assert _is_heard(hall, listener)
    assert [event.leg for event in hall.told(LegFailed)] == [1, 9, 9, 1]
    assert all(event.reason for event in hall.told(LegFailed))
    assert len(hall.told(LegOpened)) == 2
    assert hall.engine.describe()["seats"] == before["seats"]
