"""RFC 6465: each packet says who is in it and how loud; who talks is not told of himself."""

from __future__ import annotations

from confserver.rtp.audio_level import mix_levels
from confserver.rtp.header import parse_packet
from tests.engine.hall import Hall, Phone, plan_for, silence, tone

ID = 5


def packets_of(hall: Hall, phone: Phone) -> list[bytes]:
    """What a phone was sent in one more tick."""
    known = len(phone.heard)
    hall.tick()
    return [head + rest for head, rest in zip(phone.headers[known:], phone.heard[known:], strict=True)]


def wanting(hall: Hall, says, number: int = ID, **changes: object) -> Phone:
    return hall.add(says, changes={"mix_levels_id": number, **changes})


def test_listeners_hear_who_talks_and_how_loud_and_a_talker_of_the_others() -> None:
    hall = Hall()
    loud, soft = wanting(hall, tone(500, 9, 0.5)), hall.add(tone(800, 9, 0.05))
    listener, other, plain = wanting(hall, silence(1)), wanting(hall, silence(1), 15), hall.add(silence(1))
    hall.run(1.0)
    (packet,) = packets_of(hall, listener)
    levels = mix_levels(packet, ID)
    assert list(levels) == [loud.ssrc, soft.ssrc], "the loudest first"
    assert abs(levels[loud.ssrc] - 9) <= 1 and abs(levels[soft.ssrc] - 29) <= 1, "mean squares of sines: 3 dB less"
    assert len(parse_packet(packet).payload) == 160
    (two_bytes,) = packets_of(hall, other)
    assert list(mix_levels(two_bytes, 15)) == [loud.ssrc, soft.ssrc], "ID 15 needs the two-byte profile"
    (own,) = packets_of(hall, loud)
    assert list(mix_levels(own, ID)) == [soft.ssrc]
    (without,) = packets_of(hall, plain)
    assert without[0] == 0x80 and len(without) == 12 + 160


def test_where_nobody_talks_nothing_is_told() -> None:
    hall = Hall()
    listener = wanting(hall, silence(1))
    hall.add(silence(1))
    hall.run(0.5)
    (packet,) = packets_of(hall, listener)
    assert packet[0] == 0x80 and mix_levels(packet, ID) == {} and len(packet) == 172


def test_sound_is_the_same_with_and_without() -> None:
    hall = Hall()
    hall.add(tone(500, 9))
    listener, plain = wanting(hall, silence(1)), hall.add(silence(1))
    hall.run(0.5)
    (packet,), known = packets_of(hall, listener), plain.heard[-1]
    assert parse_packet(packet).payload == known


def test_who_is_muted_is_not_in_it_and_a_new_plan_may_end_it() -> None:
    hall = Hall()
    talker, muted = hall.add(tone(500, 9)), hall.add(tone(800, 9))
    listener = wanting(hall, silence(1))
    hall.hear_all(muted=[muted.leg])
    hall.run(0.5)
    (packet,) = packets_of(hall, listener)
    assert list(mix_levels(packet, ID)) == [talker.ssrc]
    hall.set(listener)
    hall.tick()
    (packet,) = packets_of(hall, listener)
    assert packet[0] == 0x80 and plan_for(listener).mix_levels_id == 0
