"""A leg that is sent the room's sound and is nobody in it: what is in it, and what is not."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from confserver.contract import CloseLeg, LegClosed, LegFailed, MediaPlan, MixSources, OpenLeg, Play, Resume, SetHearing
from confserver.engine.reel import ToneReel
from confserver.engine.tones import parse
from confserver.rtp import rtcp
from tests.engine.ears import decoded
from tests.engine.hall import Hall, Phone, level_db, silence, tone

THERE = ("127.0.0.1", 50004)
FORWARD = 77


def plan(codec: str = "PCMU", payload_type: int = 0, **more) -> MediaPlan:
    usual = {
        "remote": THERE, "incoming": [], "outgoing_payload_type": payload_type, "outgoing_format": codec,
        "receives": False,
    }  # fmt: skip
    return MediaPlan(**(usual | more))


class Listener(Phone):
    """Whatever listens there; it never says anything."""

    def packet(self) -> bytes:
        self.pass_time()
        return b""


def seat(hall: Hall, *, ssrc: int | None = 4711, **more) -> Listener:
    hall.engine.open_leg(OpenLeg(leg=FORWARD, room=1, plan=plan(**more), ssrc=ssrc, alone=True), 8, 30010, hall.now)
    there = Listener(FORWARD, THERE, silence(0.0), next_at=hall.now)
    hall.phones.append(there)
    return there


def hear(hall: Hall, voice: Phone | None = None, deaf: tuple[int, ...] = ()) -> None:
    """As the focus says it: the forward hears the room, or one voice of it."""
    people = [phone.leg for phone in hall.phones if phone.leg != FORWARD]
    alone = [] if voice is None else [voice.leg]
    mixes = [MixSources(legs=legs, gains=[1.0] * len(legs)) for legs in ([], people, alone)]
    listeners = [(leg, 0 if leg in deaf else 1) for leg in people] + [(FORWARD, 1 if voice is None else 2)]
    hall.engine.set_hearing(
        SetHearing(room=1, mixes=mixes, listeners=listeners, silent=0, bare=[] if voice is None else [2])
    )


def numbers(there: Phone, at: str) -> np.ndarray:
    place, size = {"sequence": (2, 2), "timestamp": (4, 4)}[at]
    found = [int.from_bytes(header[place : place + size], "big") for header in there.headers]
    return np.diff(np.array(found, np.int64)) % (1 << 8 * size)


def test_it_is_the_sum_of_all_in_one_unbroken_stream() -> None:
    hall = Hall()
    hall.add(tone(440, 3)), hall.add(tone(1000, 3))
    there = seat(hall)
    hear(hall)
    hall.run(2.0)
    assert len(there.heard) in (99, 100)
    assert set(numbers(there, "sequence")) == {1} and set(numbers(there, "timestamp")) == {160}
    assert {struct.unpack("!BBHII", header)[4] for header in there.headers} == {4711}
    assert {header[1] & 0x7F for header in there.headers} == {0}
    sound = there.sound(0.5)
    assert level_db(sound, 440) == pytest.approx(-14, abs=1) and level_db(sound, 1000) == pytest.approx(-14, abs=1)


def test_it_changes_nothing_for_those_in_the_room() -> None:
    def heard(with_forward: bool) -> list[bytes]:
        hall = Hall()
        ana, _ = hall.add(tone(440, 2)), hall.add(tone(1000, 2))
        if with_forward:
            seat(hall)
            hear(hall)
        hall.run(1.0)
        return ana.heard

    assert heard(True) == heard(False)


def test_one_voice_is_that_alone_also_while_something_plays() -> None:
    hall = Hall()
    ana, _ = hall.add(tone(440, 3)), hall.add(tone(1000, 3))
    there = seat(hall)
    hear(hall, voice=ana)
    hall.engine.play(Play(play=1, room=1, duck_db=20.0), ToneReel(parse("1700/-14dB")))
    hall.run(2.0)
    sound, room = there.sound(0.5), hall.phones[1].sound(0.5)
    assert level_db(sound, 440) == pytest.approx(-14, abs=1), "nor is it softer meanwhile"
    assert level_db(sound, 1000) < -50 and level_db(sound, 1700) < -50
    assert level_db(room, 1700) == pytest.approx(-14, abs=1)


def test_what_plays_to_everybody_is_in_the_room_s_sound() -> None:
    hall = Hall()
    hall.add(silence(3))
    there = seat(hall)
    hear(hall)
    hall.engine.play(Play(play=1, room=1), ToneReel(parse("1700/-14dB")))
    hall.run(1.5)
    assert level_db(there.sound(0.5), 1700) == pytest.approx(-14, abs=1)


def test_what_comes_from_there_is_heard_by_nobody() -> None:
    hall = Hall()
    ana, ben = hall.add(silence(3)), hall.add(silence(3))
    there = seat(hall)
    hear(hall)
    noisy = Phone(FORWARD, THERE, tone(600, 3), ssrc=5)
    for _ in range(100):
        hall.send(8, THERE, noisy.packet())
        hall.tick()
    assert level_db(ana.sound(0.5), 600) < -60 and level_db(ben.sound(0.5), 600) < -60
    assert hall.report(there).received == 0 and hall.engine.seats.talks[hall.row(there)] == 0


def test_other_codecs_have_their_clocks() -> None:
    for codec, payload_type, step, count in (("opus", 111, 960, 50), ("L16-16", 97, 320, 50), ("G722", 9, 160, 50)):
        hall = Hall()
        hall.add(tone(440, 3))
        there = seat(hall, codec=codec, payload_type=payload_type)
        hear(hall)
        hall.run(2.0)
        assert len(there.heard) in range(2 * count - 2, 2 * count + 1), codec
        assert set(numbers(there, "sequence")) == {1} and set(numbers(there, "timestamp")) == {step}, codec
        assert {header[1] & 0x7F for header in there.headers} == {payload_type}
        if codec == "L16-16":
            sound = np.frombuffer(b"".join(there.heard), ">i2").astype(np.float32) / 32768
        else:
            sound = decoded(there.heard, codec, 16000)
        assert level_db(sound[8000:], 440, 16000) == pytest.approx(-14, abs=1.5), codec


def test_reports_tell_of_it() -> None:
    """SR with SDES (RFC 3550 section 6.4) go to the next port, and what a receiver reports is read."""
    hall = Hall()
    hall.add(silence(20))
    there = seat(hall)
    hear(hall)
    hall.run(8.0)
    reports = [data for local, address, data in hall.control if address == (THERE[0], THERE[1] + 1)]
    first = rtcp.parse(reports[0])[0]
    assert isinstance(first, rtcp.SenderReport) and first.ssrc == 4711 and first.packets > 0
    block = rtcp.ReportBlock(ssrc=4711, lost=7)
    hall.send(9, (THERE[0], THERE[1] + 1), rtcp.write([rtcp.ReceiverReport(ssrc=5, blocks=(block,))]))
    hall.run(0.1)
    assert hall.report(there).lost_out == 7
    hall.phones.remove(there)
    hall.engine.close_leg(CloseLeg(leg=FORWARD), hall.now)
    hall.run(0.1)
    assert hall.told(LegClosed)[-1].leg == FORWARD
    last = [data for _, address, data in hall.control if address == (THERE[0], THERE[1] + 1)][-1]
    assert isinstance(rtcp.parse(last)[-1], rtcp.Bye)


def test_an_ssrc_that_is_taken_is_refused() -> None:
    hall = Hall()
    hall.add(silence(1))
    taken = hall.report(hall.phones[0]).ssrc
    hall.engine.open_leg(OpenLeg(leg=FORWARD, room=1, plan=plan(), ssrc=taken), 8, 30010, hall.now)
    hall.run(0.02)
    assert [each.reason for each in hall.told(LegFailed)] == [f"SSRC {taken} is another leg's"]


def test_a_resumed_one_keeps_its_ssrc_and_goes_ahead() -> None:
    hall = Hall()
    hall.add(silence(1))
    resume = Resume(port=30010, ssrc=4711, sequence=500, timestamp=80000, at=hall.now - 1.0)
    hall.engine.open_leg(OpenLeg(leg=FORWARD, room=1, plan=plan(), resume=resume, alone=True), 8, 30010, hall.now)
    there = Listener(FORWARD, THERE, silence(0.0), next_at=hall.now)
    hall.phones.append(there)
    hear(hall)
    hall.run(0.2)
    _, _, sequence, timestamp, ssrc = struct.unpack("!BBHII", there.headers[0])
    assert ssrc == 4711 and 550 <= sequence < 600 and 88000 <= timestamp < 88800


def test_refusals_are_counted_for_the_one_leg_of_the_socket() -> None:
    hall = Hall()
    phone = hall.add(silence(1))
    there = seat(hall)
    hall.engine.note_refused(8, 3)
    hall.engine.note_refused(400, 3)
    assert (hall.report(there).refused, hall.report(phone).refused) == (3, 0)
