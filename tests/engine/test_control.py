"""RTCP both ways: what a report says, which leg it belongs to, the round trip, the goodbye."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.rtp import rtcp
from tests.engine.hall import START, Hall, Phone, silence, tone


def _reports(hall: Hall, address: tuple[str, int]) -> list[list[rtcp.Packet]]:
    return [rtcp.parse(data) for _, to, data in hall.control if to == address]


def _rtcp_of(phone: Phone) -> tuple[str, int]:
    return phone.address[0], phone.address[1] + 1


def _room(**changes):
    hall = Hall()
    talker = hall.add(tone(425, 30), changes=changes)
    hall.add(silence(1))
    return hall, talker


def test_a_sender_report_says_what_was_sent_and_received():
    hall, talker = _room()
    talker.path = lambda number: () if number % 10 == 5 else (0.0,)
    hall.run(5.4)
    (report, sdes), *_ = _reports(hall, _rtcp_of(talker))
    out_ssrc = int.from_bytes(talker.headers[0][8:12], "big")
    assert isinstance(report, rtcp.SenderReport)
    assert report.ssrc == out_ssrc
    count = report.packets
    assert 50 < count <= 160 and report.octets == count * 160
    stamp = int.from_bytes(talker.headers[count - 1][4:8], "big")
    assert report.rtp_timestamp == stamp
    when = (report.ntp >> 32) - rtcp.NTP_EPOCH
    assert 1_800_000_001 <= when <= 1_800_000_003
    (block,) = report.blocks
    assert block.ssrc == talker.ssrc
    assert block.fraction_lost == pytest.approx(25.6, abs=2)
    assert block.lost == pytest.approx(count / 10, abs=2)
    assert block.highest_sequence == 100 + count - 1 - ((count - 1) % 10 == 5), "the last one may be lost"
    assert block.lsr == block.dlsr == 0
    assert isinstance(sdes, rtcp.Sdes)
    assert sdes.chunks[0].ssrc == out_ssrc and sdes.chunks[0].cname == "test@127.0.0.1"


@pytest.mark.slow
def test_reports_come_every_five_seconds_or_so_on_the_socket_beside():
    """RFC 3550 section 6.3: each interval is 0.5 to 1.5 times five seconds, over e - 3/2; the first is half of that."""
    hall, talker = _room()
    at: list[float] = []
    for _ in range(60 * 50):
        known = len(hall.control)
        hall.tick()
        at += [hall.now - START for _, to, _ in hall.control[known:] if to == _rtcp_of(talker)]
    assert {local for local, to, _ in hall.control if to == _rtcp_of(talker)} == {1}
    least, most = 2.5 / 1.2183, 7.5 / 1.2183
    gaps = np.diff(at)
    assert least / 2 <= at[0] <= most / 2 + 0.02
    assert least - 0.02 <= gaps.min() and gaps.max() <= most + 0.02
    assert gaps.max() - gaps.min() > 0.5, "they are spread"
    report = hall.report(talker)
    assert report.mos_in == pytest.approx(4.41, abs=0.01) and report.mos_out == 0, "it has told us nothing"
    assert report.level_db == pytest.approx(-17, abs=0.5), "a sine of 0.2"


def test_one_who_is_not_sent_to_gets_a_receiver_report():
    hall, talker = _room(sends=False)
    hall.run(5.4)
    report, _ = _reports(hall, _rtcp_of(talker))[0]
    assert isinstance(report, rtcp.ReceiverReport)
    assert report.blocks[0].ssrc == talker.ssrc


def test_a_leg_that_closes_says_goodbye():
    hall, talker = _room()
    hall.run(1)
    hall.remove(talker)
    hall.tick()
    *_, bye = _reports(hall, _rtcp_of(talker))[-1]
    assert isinstance(bye, rtcp.Bye)
    assert bye.ssrcs == (int.from_bytes(talker.headers[0][8:12], "big"),)


@pytest.mark.parametrize(
    ("changes", "local", "to"),
    [
        ({}, 1, ("127.0.0.1", 40003)),
        ({"rtcp_mux": True}, 0, ("127.0.0.1", 40002)),
        ({"remote_rtcp": ("127.0.0.5", 7000)}, 1, ("127.0.0.5", 7000)),
        ({"remote": ("10.0.0.1", 4000), "symmetric": True}, 1, ("127.0.0.1", 40003)),
        ({"remote": ("10.0.0.1", 4000), "symmetric": True, "rtcp_mux": True}, 0, ("127.0.0.1", 40002)),
    ],
)
def test_where_reports_go(changes, local, to):
    hall, talker = _room(**changes)
    hall.run(5.4)
    assert {(by, where) for by, where, _ in hall.control} == {(local, to), (1, ("127.0.0.1", 40005))}
    assert talker.heard


def test_a_phone_on_the_last_port_of_all_gets_no_reports():
    hall = Hall()
    talker = hall.add(tone(425, 9), address=("127.0.0.1", 65535), changes={"remote": None, "symmetric": True})
    hall.run(6)
    hall.remove(talker)
    assert hall.control == [] and len(talker.heard) > 290


def _peer_report(hall: Hall, phone: Phone, delay: float, block: bool = True) -> bytes:
    """What the phone reports now, having had our last report ``delay`` seconds ago."""
    ours = _reports(hall, _rtcp_of(phone))
    report = next((packets[0] for packets in reversed(ours) if isinstance(packets[0], rtcp.SenderReport)), None)
    blocks = ()
    if report and block:
        blocks = (rtcp.ReportBlock(ssrc=report.ssrc, lsr=rtcp.middle(report.ntp), dlsr=int(delay * 65536)),)
    mine = rtcp.SenderReport(
        ssrc=phone.ssrc,
        ntp=rtcp.ntp_time(hall.now),
        rtp_timestamp=phone.timestamp,
        packets=1,
        octets=160,
        blocks=blocks,
    )
    return rtcp.compound(mine, "phone")


@pytest.mark.parametrize("mux", [False, True])
def test_the_round_trip_is_known_from_the_peers_report_and_answered_in_ours(mux):
    hall, talker = _room(rtcp_mux=mux)
    address = talker.address if mux else _rtcp_of(talker)
    assert hall.report(talker).rtt_ms < 0
    while not _reports(hall, address):
        hall.tick()
    sent = hall.now
    hall.run(0.5)
    ours = _reports(hall, address)[-1][0]
    block = rtcp.ReportBlock(
        ssrc=ours.ssrc, lsr=rtcp.middle(ours.ntp), dlsr=int((hall.now + 0.02 - sent - 0.08) * 65536)
    )
    told = rtcp.SenderReport(
        ssrc=talker.ssrc, ntp=rtcp.ntp_time(hall.now), rtp_timestamp=0, packets=1, octets=160, blocks=(block,)
    )
    hall.send(0 if mux else 1, address, rtcp.compound(told, "phone"))
    hall.tick()
    heard = hall.now
    assert hall.report(talker).rtt_ms == pytest.approx(80, abs=2)
    hall.run(5.4)
    answer = _reports(hall, address)[-1][0]
    assert answer.blocks[0].lsr == rtcp.middle(told.ntp)
    age = hall.now - heard
    assert 0 < answer.blocks[0].dlsr / 65536 <= age
    assert (hall.engine.describe()["strangers"], hall.engine.describe()["unread"]) == (0, 0)


def test_a_report_finds_its_leg_by_ssrc_among_several_of_one_host():
    hall = Hall()
    phones = [hall.add(tone(hz, 9)) for hz in (410, 730, 1170)]
    hall.run(5.4)
    middle = phones[1]
    report = _peer_report(hall, middle, 0.0)
    hall.send(1, ("127.0.0.1", 59999), report)
    hall.tick()
    known = [hall.report(phone).rtt_ms >= 0 for phone in phones]
    assert known == [False, True, False]
    assert hall.engine.describe()["strangers"] == 0


def test_a_report_from_elsewhere_or_of_nobody_is_a_strangers():
    hall, talker = _room()
    hall.run(5.4)
    hall.send(1, ("203.0.113.9", 5000), _peer_report(hall, talker, 0.0))
    nobody = rtcp.compound(rtcp.ReceiverReport(ssrc=5), "nobody")
    hall.send(1, talker.address, nobody)
    hall.send(1, talker.address, b"\x80\xc8\0\1")
    hall.send(1, talker.address, b"")
    hall.tick()
    assert hall.engine.describe()["strangers"] == 4
    assert hall.report(talker).rtt_ms < 0


def test_counts_are_of_the_whole_call_but_reports_of_the_stream():
    hall, talker = _room()
    talker.path = lambda number: () if number in (20, 21) else (0.0,)
    hall.run(1)
    talker.ssrc, talker.sequence = 4242, 900
    hall.run(9)
    report = hall.report(talker)
    assert report.received == 500 - 2 - 1, "but for the first packet of the new stream"
    assert report.lost == 2
    block = _reports(hall, _rtcp_of(talker))[-1][0].blocks[0]
    assert (block.ssrc, block.lost) == (4242, 0)
    assert report.sent == len(talker.heard) == 500


def test_a_new_plan_may_name_another_place_for_reports():
    hall, talker = _room()
    hall.run(1)
    hall.set(talker, remote_rtcp=("127.0.0.7", 9000))
    hall.run(5.4)
    assert _reports(hall, ("127.0.0.7", 9000))
