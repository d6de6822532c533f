"""In the engine: keys as tones and their residue, noise, the word, and keys pressed towards participants."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest

from confserver.contract import (
    DigitPressed,
    DigitsSent,
    DominantChanged,
    Incoming,
    NoiseDetected,
    NoiseEnded,
    PlayEnded,
    RoomSound,
    SendDigits,
    SetRoom,
)
from confserver.rtp.telephone_event import DigitReceiver, press
from tests.engine.hall import EVENTS, EVENTS_48, Hall, Phone, level_db, rtp, silence, tone
from tests.engine.keytones import digits_of, key, listen
from tests.engine.nuisances import music
from tests.engine.test_protection import add_protected

BARE = {"incoming": [Incoming(payload_type=0, format="PCMU"), Incoming(payload_type=8, format="PCMA")]}
"""A plan without events."""


def _keyed(digit: str = "5", at: float = 1.0, ms: float = 200, seconds: float = 4.0) -> np.ndarray:
    sound = silence(seconds)
    begin = int(at * 8000)
    tones = key(digit, ms)
    sound[begin : begin + len(tones)] = tones
    return sound


# ---------------------------------------------------------------------- keys as tones
def test_a_key_as_a_tone_is_told_once_and_hardly_heard():
    hall = Hall()
    talker, listener = hall.add(_keyed(), changes=BARE), hall.add(silence(4))
    hall.run(3)
    (pressed,) = hall.told(DigitPressed)
    assert (pressed.leg, pressed.digit) == (talker.leg, "5") and abs(pressed.duration_ms - 200) <= 10
    assert (np.abs(listener.sound()) > 0.02).sum() <= 0.040 * 8000


def test_a_leg_that_sends_events_is_not_listened_to_for_tones():
    hall = Hall()
    hall.add(_keyed())
    listener = hall.add(silence(4))
    hall.run(3)
    assert hall.told(DigitPressed) == []
    assert (np.abs(listener.sound()) > 0.02).sum() > 0.150 * 8000, "a tone, and why not"


def test_a_new_offer_begins_and_ends_listening():
    hall = Hall()
    talker = hall.add(np.tile(_keyed(seconds=2.0), 3))
    hall.add(silence(4))
    hall.run(0.5)
    hall.set(talker, **BARE)
    hall.run(1.5)
    assert len(hall.told(DigitPressed)) == 1
    hall.set(talker)
    hall.run(2)
    assert len(hall.told(DigitPressed)) == 1


@pytest.mark.parametrize("delay", [0.004, 0.06], ids=["clean", "late"])
def test_the_tone_that_a_phone_sends_beside_its_events_is_not_heard(delay):
    hall = Hall()
    talker = hall.add(_keyed(ms=160), path=lambda number: ((delay if number % 3 else 0.002),))
    listener = hall.add(silence(4))
    hall.run(1.0)
    for packet in press("5", 160):
        hall.tick()
        hall.say(talker, rtp(EVENTS, talker.sequence, 13000 + packet.offset, talker.ssrc, packet.payload), 0.002)
        talker.sequence += 1
    hall.run(1.5)
    assert [event.digit for event in hall.told(DigitPressed)] == ["5"]
    assert (np.abs(listener.sound()) > 0.02).sum() <= 0.060 * 8000
    assert not hall.engine.listening._residue


def test_who_speaks_after_a_key_is_heard_again():
    hall = Hall()
    sound = tone(500, 4)
    talker, listener = hall.add(sound), hall.add(silence(4))
    hall.run(1.0)
    for packet in press("5", 100):
        hall.say(talker, rtp(EVENTS, talker.sequence, talker.timestamp + packet.offset, talker.ssrc, packet.payload))
        talker.sequence += 1
        hall.tick()
    hall.run(1.0)
    assert abs(level_db(listener.sound(1.5, 2.0), 500) - 20 * np.log10(0.2)) < 0.5


def test_a_leg_that_goes_in_the_middle_of_a_key_leaves_none_to_the_next():
    hall = Hall()
    talker = hall.add(_keyed(ms=2000), changes=BARE)
    hall.add(silence(4))
    hall.run(1.5)
    row = hall.row(talker)
    hall.remove(talker)
    hall.run(0.5)
    heir = hall.add(silence(4), changes=BARE)
    assert hall.row(heir) == row
    hall.run(1)
    assert hall.told(DigitPressed) == []


# ---------------------------------------------------------------------- noise
def test_music_poured_into_the_room_is_told_and_its_end():
    hall = Hall()
    noisy = hall.add(np.concatenate((silence(1), music("pop", 8), silence(6))))
    hall.add(silence(1))
    hall.run(6)
    (told,) = hall.told(NoiseDetected)
    assert (told.leg, told.kind) == (noisy.leg, "music")
    hall.run(9)
    assert [event.leg for event in hall.told(NoiseEnded)] == [noisy.leg]


def test_a_room_without_a_guard_is_told_nothing_and_what_was_told_ends():
    hall = Hall()
    noisy = hall.add(music("band", 20))
    hall.engine.set_room(SetRoom(room=1, sound=RoomSound(guard=False, comfort_noise=False)))
    hall.run(6)
    assert hall.told(NoiseDetected) == []
    hall.engine.set_room(SetRoom(room=1, sound=RoomSound(comfort_noise=False)))
    hall.run(5.2)
    assert len(hall.told(NoiseDetected)) == 1
    hall.engine.set_room(SetRoom(room=1, sound=RoomSound(guard=False, comfort_noise=False)))
    hall.tick()
    assert [event.leg for event in hall.told(NoiseEnded)] == [noisy.leg]


# ---------------------------------------------------------------------- the word
def _speaking(begin: float, end: float, seconds: float = 12.0) -> np.ndarray:
    at = np.arange(int(seconds * 8000)) / 8000
    inside = (at >= begin) & (at < end) & (at * 4 % 1 < 0.75)
    return (0.2 * np.sin(2 * np.pi * 300 * at) * inside).astype(np.float32)


def test_the_word_is_told_and_so_is_that_nobody_has_it():
    hall = Hall()
    first, second = hall.add(_speaking(0.5, 3)), hall.add(_speaking(3, 6))
    hall.run(11)
    assert [(event.room, event.leg) for event in hall.told(DominantChanged)] == [
        (1, first.leg),
        (1, second.leg),
        (1, None),
    ]


def test_the_muted_have_no_word_and_who_leaves_loses_it():
    hall = Hall()
    first, _ = hall.add(_speaking(0.5, 12)), hall.add(_speaking(20, 20))
    hall.hear_all(muted=[first.leg])
    hall.run(2)
    assert hall.told(DominantChanged) == []
    hall.hear_all()
    hall.run(2)
    hall.remove(first)
    hall.run(0.2)
    assert [event.leg for event in hall.told(DominantChanged)] == [first.leg, None]


# ---------------------------------------------------------------------- keys towards participants
def _headers(phone: Phone) -> list[tuple[int, bool, int, int, int]]:
    """Payload type, marker, sequence, timestamp, SSRC of all packets that came."""
    read = (struct.unpack("!BBHII", header) for header in phone.headers)
    return [(second & 0x7F, bool(second & 0x80), sequence, time, ssrc) for _, second, sequence, time, ssrc in read]


def _send(hall: Hall, phone: Phone, digits: str, **how: int) -> None:
    hall.engine.send_digits(SendDigits(leg=phone.leg, digits=digits, **how))


def _read(phone: Phone, event: int = EVENTS, clock_hz: int = 8000) -> list[tuple[str, int]]:
    receiver, told = DigitReceiver(clock_hz), []
    for (payload_type, _, _, timestamp, _), payload in zip(_headers(phone), phone.heard, strict=True):
        if payload_type == event:
            told += receiver.feed(timestamp, payload)
    return [(each.digit, each.duration_ms) for each in told]


@pytest.mark.parametrize("is_protected", [False, True], ids=["plain", "srtp"])
def test_events_stand_in_the_legs_own_stream_in_place_of_sound(is_protected):
    hall = Hall()
    changes = {"outgoing_event": EVENTS}
    phone = add_protected(hall, silence(4), changes=changes) if is_protected else hall.add(silence(4), changes=changes)
    other = hall.add(tone(500, 4))
    hall.run(1)
    _send(hall, phone, "19*", duration_ms=100, gap_ms=60)
    hall.run(1)
    assert _read(phone) == [("1", 100), ("9", 100), ("*", 100)]
    assert hall.told(DigitsSent) == [DigitsSent(leg=phone.leg)]
    headers = _headers(phone)
    assert len({ssrc for *_, ssrc in headers}) == 1
    assert set(np.diff([sequence for _, _, sequence, _, _ in headers]) & 0xFFFF) == {1}, "one packet a tick"
    sound = [(timestamp, place) for place, (kind, _, _, timestamp, _) in enumerate(headers) if kind == 0]
    assert all((b[0] - a[0]) & 0xFFFFFFFF == 160 * (b[1] - a[1]) for a, b in itertools.pairwise(sound))
    assert sum(marker for kind, marker, *_ in headers if kind == EVENTS) == 3
    assert all(kind == 0 for kind, *_ in _headers(other))
    assert hall.report(phone).sent == len(headers)


def test_sound_goes_on_after_the_keys_as_before_them():
    hall = Hall()
    phone = hall.add(silence(4), changes={"outgoing_event": EVENTS})
    hall.add(tone(500, 4))
    hall.run(1)
    _send(hall, phone, "1")
    hall.run(1)
    sound = [payload for (kind, *_), payload in zip(_headers(phone), phone.heard, strict=True) if kind == 0]
    phone.heard = sound[-25:]
    assert abs(level_db(phone.sound(), 500) - 20 * np.log10(0.2)) < 0.5
    assert hall.engine.outgoing.plain.outbox.rows.tolist() == sorted(hall.row(each) for each in hall.phones)


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "payload_type", "event", "clock_hz"), [
    ("opus", 111, EVENTS_48, 48000), ("G722", 9, EVENTS, 8000), ("L16-8", 96, EVENTS, 8000),
])  # fmt: skip
@pytest.mark.parametrize("ptime_ms", [10, 20, 40])
def test_events_go_by_the_clock_of_the_format(codec, payload_type, event, clock_hz, ptime_ms):
    hall = Hall()
    how = {"outgoing_format": codec, "outgoing_payload_type": payload_type, "ptime_ms": ptime_ms}
    phone = hall.add(silence(4), changes={**how, "outgoing_event": event})
    hall.add(tone(500, 4))
    hall.run(1)
    _send(hall, phone, "2#", duration_ms=200)
    hall.run(1.5)
    assert _read(phone, event, clock_hz) == [("2", 200), ("#", 200)]
    headers = _headers(phone)
    kinds = [kind for kind, *_ in headers]
    first, last = kinds.index(event), len(kinds) - kinds[::-1].index(event)
    assert set(kinds[:first]) == set(kinds[last:]) == {payload_type}
    before, begin = headers[first - 1][3], headers[first][3]
    assert 0 < (begin - before) & 0xFFFFFFFF <= clock_hz * (ptime_ms + 20) // 1000


def test_a_leg_that_takes_no_events_gets_tones_and_nobody_else_hears_them():
    hall = Hall()
    phone, other = hall.add(silence(6)), hall.add(tone(500, 6))
    hall.run(1)
    _send(hall, phone, "147#", duration_ms=80, gap_ms=80)
    hall.run(2)
    heard, _ = listen([phone.sound(), other.sound()])
    assert digits_of(heard, 0) == "147#" and digits_of(heard, 1) == ""
    assert hall.told(DigitsSent) == [DigitsSent(leg=phone.leg)]
    assert hall.told(PlayEnded) == [], "that is nobody's business"
    assert abs(level_db(phone.sound(2.5), 500) - 20 * np.log10(0.2)) < 0.5, "the others are as loud as before"


def test_a_leg_that_goes_while_keys_are_pressed_is_forgotten():
    hall = Hall()
    events, tones = hall.add(silence(4), changes={"outgoing_event": EVENTS}), hall.add(silence(4))
    hall.run(0.5)
    for phone in (events, tones):
        _send(hall, phone, "123456")
    hall.run(0.3)
    hall.remove(events)
    hall.remove(tones)
    hall.run(0.5)
    assert len(hall.engine.outgoing.dialing) == 0
    assert hall.told(PlayEnded) == []


def test_digits_for_nobody_are_passed_over_and_what_are_no_keys_is_our_fault():
    hall = Hall()
    phone = hall.add(silence(1))
    hall.engine.send_digits(SendDigits(leg=99, digits="1"))
    with pytest.raises(ValueError, match="no keys"):
        _send(hall, phone, "x")
    hall.run(0.2)
    assert hall.told(DigitsSent) == []
