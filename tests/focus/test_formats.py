"""Formats in calls: what phones offer and what their worker is told, late offers, hold, and rooms that change."""

from __future__ import annotations

import pytest

from confserver.contract import MediaPlan, OpenLeg, OpenRoom, OpusTerms, RoomSound, SetLeg, SetRoom
from confserver.focus import outputs as out
from confserver.focus.terms import MediaTerms
from confserver.sdp.description import Description
from confserver.sdp.extras import LEVEL, MIX_LEVELS
from confserver.sdp.text import parse
from rooms.commands import CreateRoom
from rooms.policy import NoiseGuard
from tests.focus.house import House, every, sdp, the

OPUS = ("rtpmap:111 opus/48000/2", "fmtp:111 minptime=10;useinbandfec=1")
EVENTS = ("rtpmap:110 telephone-event/48000", "rtpmap:126 telephone-event/8000")
CHROMIUM = sdp(
    "192.0.2.9", 4000, "rtcp-mux", "rtcp-rsize", f"extmap:1 {LEVEL}", formats="111 63 9 0 8 13 110 126",
    maps=("rtpmap:63 red/48000/2", *OPUS, *EVENTS),
)  # fmt: skip


def plan(body: str, terms: MediaTerms | None = None) -> MediaPlan:
    _, outputs = House(terms=terms).invite(body)
    found = the(OpenLeg, outputs).plan
    assert found is not None
    return found


def answer_of(house: House, call: int) -> Description:
    return parse(the(out.Accept, house.opened(call)).body)


def values(description: Description, name: str) -> list[str]:
    return list(description.media[0].values(name))


# ---------------------------------------------------------------- offers of theirs
def test_a_browser_that_speaks_sip() -> None:
    found = plan(CHROMIUM)
    assert [(each.payload_type, each.format) for each in found.incoming] == [
        (111, "opus"), (9, "G722"), (0, "PCMU"), (8, "PCMA"), (13, "CN"), (110, "telephone-event-48"),
        (126, "telephone-event"),
    ]  # fmt: skip
    assert (found.outgoing_format, found.outgoing_payload_type, found.outgoing_event) == ("opus", 111, 110)
    assert found.opus == OpusTerms(fec=True)
    assert (found.level_id, found.mix_levels_id, found.reduced_rtcp, found.xr) == (1, 0, True, False)


def test_our_answer_to_it() -> None:
    house = House()
    call, _ = house.invite(CHROMIUM)
    said = answer_of(house, call)
    assert values(said, "fmtp")[0] == (
        "111 maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=40000;useinbandfec=1"
    )
    assert values(said, "extmap") == [f"1 {LEVEL}"] and said.media[0].has("rtcp-rsize")


def test_events_go_by_the_clock_of_what_we_send() -> None:
    formats = {"maps": (*OPUS, *EVENTS)}
    assert plan(sdp(formats="0 111 110 126", **formats)).outgoing_event == 126
    assert plan(sdp(formats="111 0 126", **formats)).outgoing_event is None
    assert plan(sdp(formats="0 111 110", **formats)).outgoing_event is None


def test_levels_and_metrics() -> None:
    found = plan(sdp("192.0.2.9", 4000, f"extmap:7/recvonly {MIX_LEVELS}", "rtcp-xr:voip-metrics"))
    assert (found.level_id, found.mix_levels_id, found.xr, found.reduced_rtcp) == (0, 7, True, False)


@pytest.mark.parametrize(
    ("lines", "setting", "sent"),
    [((), 20, 20), ((), 40, 40), (("ptime:20",), 40, 20), (("ptime:40",), 20, 40), (("maxptime:20",), 40, 20)],
)
def test_the_length_of_packets(lines: tuple[str, ...], setting: int, sent: int) -> None:
    terms = MediaTerms(ptime_ms=setting)
    assert plan(sdp("192.0.2.9", 4000, *lines), terms).ptime_ms == sent
    house = House(terms=terms)
    call, _ = house.invite(sdp("192.0.2.9", 4000, *lines))
    assert values(answer_of(house, call), "ptime") == [str(setting)]


# ---------------------------------------------------------------- offers of ours
def test_a_late_offer_with_opus() -> None:
    house = House(terms=MediaTerms(ptime_ms=40))
    call, _ = house.invite("")
    offered = answer_of(house, call)
    assert values(offered, "extmap") == [f"1/recvonly {LEVEL}", f"2/sendonly {MIX_LEVELS}"]
    assert values(offered, "ptime") == ["40"] and "maxaveragebitrate=40000" in values(offered, "fmtp")[0]
    lines = (f"extmap:2/recvonly {MIX_LEVELS}", "fmtp:96 maxplaybackrate=8000;maxaveragebitrate=16000")
    found = the(SetLeg, house.ack(call, sdp("192.0.2.9", 4000, *lines, formats="96", maps=("rtpmap:96 opus/48000/2",))))
    assert (found.plan.outgoing_payload_type, found.plan.incoming[0].payload_type) == (96, 111)
    assert found.plan.opus == OpusTerms(out_hz=8000, bitrate=16000, fec_bitrate=16000) and found.plan.ptime_ms == 40
    assert (found.plan.level_id, found.plan.mix_levels_id) == (0, 2)


def test_hold_and_resume_keep_numbers_and_terms() -> None:
    house = House()
    call = house.enter(CHROMIUM)
    before = house.leg(call).plan
    held = house.reinvite(call, CHROMIUM + "a=sendonly\r\n")
    assert the(SetLeg, held).plan.opus == OpusTerms(fec=True) and not the(SetLeg, held).plan.sends
    assert the(SetLeg, house.reinvite(call, CHROMIUM)).plan == before
    asked = parse(the(out.AcceptOffer, house.reinvite(call, "")).body)
    assert asked.media[0].formats[:7] == ("111", "9", "0", "8", "13", "110", "126")
    assert values(asked, "extmap") == [f"1 {LEVEL}"] and asked.media[0].is_rtcp_mux()
    numbers = sdp("192.0.2.9", 4000, "rtcp-mux", formats="111 110", maps=(*OPUS, *EVENTS))
    again = the(SetLeg, house.ack_offer(call, numbers)).plan
    assert [each.payload_type for each in again.incoming] == [111, 110] and again.outgoing_event == 110


def test_another_format_in_mid_call() -> None:
    house = House()
    call = house.enter(sdp(formats="0 101"))
    outputs = house.reinvite(call, sdp(formats="111 110", maps=(*OPUS, *EVENTS), version=2))
    assert (the(SetLeg, outputs).plan.outgoing_format, the(SetLeg, outputs).plan.outgoing_event) == ("opus", 110)


# ---------------------------------------------------------------- rooms
def test_a_room_opens_with_its_sound() -> None:
    house = House(terms=MediaTerms(talkers=3, levelling=True, guard=NoiseGuard.OFF))
    house.order(CreateRoom("standup", rate_hz=48000, stereo=True, comfort_noise=False))
    sound = RoomSound(talkers=3, rate_hz=48000, max_rate_hz=16000, stereo=True, levelling=True, comfort_noise=False,
                      guard=False)  # fmt: skip
    _, outputs = house.invite(CHROMIUM)
    assert the(OpenRoom, outputs).sound == sound
    found = the(OpenLeg, outputs).plan
    assert found is not None and found.opus == OpusTerms(
        in_hz=48000, out_hz=48000, bitrate=40000, fec_bitrate=64000, fec=True
    )


def test_a_room_that_changes_while_people_are_in_it() -> None:
    house = House(workers=2)
    assert every(SetRoom, house.order(CreateRoom("standup"))) == [], "nobody is in it"
    house.enter(CHROMIUM)
    place = house.scene.places["standup"]
    changed = house.order(CreateRoom("standup", talkers=2))
    assert the(SetRoom, changed) == SetRoom(room=place.number, sound=RoomSound(talkers=2, max_rate_hz=16000))
    assert every(SetRoom, house.order(CreateRoom("standup", talkers=2))) == [], "nothing has changed"
    house.lose(place.worker)
    assert every(SetRoom, house.order(CreateRoom("standup", talkers=3))) == [], "nobody to be told"
    heir = house.play(house.focus.worker_ready(place.worker))
    assert the(OpenRoom, heir).sound.talkers == 3


def test_a_room_made_on_demand_gets_rules_while_it_is_open() -> None:
    house = House()
    house.enter(CHROMIUM)
    assert the(SetRoom, house.order(CreateRoom("standup", levelling=True))).sound.levelling


def test_a_room_takes_the_codecs_of_its_own() -> None:
    house = House()
    house.order(CreateRoom("standup", codecs=("PCMA", "G722")))
    _, outputs = house.invite(CHROMIUM)
    found = the(OpenLeg, outputs).plan
    assert found is not None
    assert [each.format for each in found.incoming] == ["G722", "PCMA", "CN", "telephone-event"]
    refused = house.invite(sdp(formats="0", maps=()))[1]
    assert the(out.Refuse, refused).status == 488
    assert the(out.Refuse, refused).headers[0] == ("Warning", '305 confserver "no audio format in common"')
    assert every(OpenLeg, house.invite(CHROMIUM, room="other")[1])[0].plan.incoming[0].format == "opus"  # type: ignore[union-attr]


def test_a_call_goes_on_with_a_codec_that_its_room_takes_no_more() -> None:
    house = House()
    call = house.enter(CHROMIUM)
    house.order(CreateRoom("standup", codecs=("PCMU",)))
    outputs = house.reinvite(call, CHROMIUM + "a=sendonly\r\n")
    assert the(SetLeg, outputs).plan.outgoing_format == "opus"
    other = house.enter(CHROMIUM)
    found = house.leg(other).plan
    assert found is not None and found.outgoing_format == "PCMU"


@pytest.mark.parametrize(("codecs", "formats"), [((), ("111", "9", "0", "8", "101", "110")),
                                                  (("L16", "PCMU"), ("0", "96", "97", "101")),
                                                  (("opus",), ("111", "110"))])  # fmt: skip
def test_late_offers_name_what_the_room_takes(codecs: tuple[str, ...], formats: tuple[str, ...]) -> None:
    house = House()
    house.order(CreateRoom("standup", codecs=codecs))
    call, _ = house.invite("")
    assert answer_of(house, call).media[0].formats == formats
