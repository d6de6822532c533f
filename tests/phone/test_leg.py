"""The robot's packets, sound and reports over a fake clock."""

from __future__ import annotations

import struct
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np

from confserver.formats import PCMA, PCMU, TELEPHONE_EVENT
from confserver.phone.leg import Leg, decoded, encoded
from confserver.phone.recorder import Recorder
from confserver.phone.speech import Tone, silence
from confserver.rtp import rtcp
from confserver.rtp.header import Packet, parse_packet
from confserver.sdp.agreement import Agreed
from confserver.sdp.direction import Direction
from tests.kit.listen import Recording, read_wav
from tests.kit.tones import pcmu_encoded, tone

NOW = 1_700_000_000.0
PEER = "192.0.2.1"
AGREED = Agreed(
    media_index=0, lines=(), remote=(PEER, 20000), remote_rtcp=(PEER, 20001), is_ipv6=False, rtcp_mux=False,
    incoming=((0, PCMU), (101, TELEPHONE_EVENT)), outgoing=(0, PCMU), telephone_event=101,
)  # fmt: skip


def leg(path: Path | None = None, **changes: object) -> Leg:
    made = Leg(Tone(440), Recorder(path) if path else None, "robot@test")
    made.agree(replace(AGREED, **changes), PEER, NOW)  # type: ignore[arg-type]
    return made


def spoken(robot: Leg, count: int) -> list[Packet]:
    return [parse_packet(data) for data in (robot.packet() for _ in range(count)) if data is not None]


def rtp(number: int, payload: bytes, payload_type: int = 0, ssrc: int = 9) -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type, number, 160 * number, ssrc) + payload


def test_packets_follow_each_other_from_the_first_sample() -> None:
    packets = spoken(leg(), 50)
    first = packets[0]
    assert [each.marker for each in packets] == [True] + [False] * 49
    assert [(each.sequence - first.sequence) & 0xFFFF for each in packets] == list(range(50))
    assert [(each.timestamp - first.timestamp) & 0xFFFFFFFF for each in packets] == list(range(0, 8000, 160))
    sound = np.concatenate([decoded(PCMU, each.payload) for each in packets])
    assert np.abs(sound - tone(440, 1.0, 8000)).max() < 0.01


def test_packets_are_due_by_the_calls_own_clock() -> None:
    robot = leg()
    due = []
    for _ in range(4):
        due.append(round(robot.next_at - NOW, 6))
        robot.packet()
    assert due == [0.0, 0.02, 0.04, 0.06]


def test_each_packet_is_as_long_as_the_peer_wants() -> None:
    robot = leg(ptime_ms=60)
    assert {len(each.payload) for each in spoken(robot, 3)} == {480}
    robot.agree(replace(AGREED, ptime_ms=10), PEER, NOW + 1)
    assert len(spoken(robot, 1)[0].payload) == 80
    assert round(robot.next_at - NOW, 6) == 0.19, "a new agreement does not move the clock"


def test_held_we_wait_with_the_file_but_not_with_the_clock() -> None:
    robot = leg()
    before = spoken(robot, 2)
    robot.agree(replace(AGREED, direction=Direction.RECVONLY), PEER, NOW + 0.04)
    assert spoken(robot, 10) == []
    robot.agree(AGREED, PEER, NOW + 0.24)
    after = spoken(robot, 2)
    assert (after[0].timestamp - before[0].timestamp) & 0xFFFFFFFF == 12 * 160
    assert (after[0].sequence - before[1].sequence) & 0xFFFF == 1
    assert [each.marker for each in after] == [True, False]
    sound = np.concatenate([decoded(PCMU, each.payload) for each in before + after])
    assert np.abs(sound - tone(440, 0.08, 8000)).max() < 0.01, "no sample was left out"


def test_both_laws_come_back_as_they_went() -> None:
    said = tone(1000, 0.02, 8000).astype(np.float32)
    for format in (PCMU, PCMA):
        assert np.abs(decoded(format, encoded(format, said)) - said).max() < 0.01
    assert encoded(PCMU, said) == pcmu_encoded(said.astype(np.float64))
    assert (decoded(PCMU, encoded(PCMU, silence().take(160))) == 0).all()


def test_what_is_heard_is_recorded(tmp_path: Path) -> None:
    robot = leg(tmp_path / "a.wav")
    sound = tone(700, 1.0, 8000)
    for number in range(50):
        robot.receive(rtp(number, pcmu_encoded(sound[160 * number :][:160])), PEER, NOW + 0.02 * number)
    robot._recorder.close()  # type: ignore[union-attr]
    heard: Recording = read_wav(tmp_path / "a.wav")
    assert heard.seconds == 1.0
    assert abs(heard.level_db(700) + 14) < 0.1 and heard.longest_gap_ms(700, -14) == 0


def test_what_is_none_of_ours_is_counted_and_dropped(tmp_path: Path) -> None:
    robot = leg(tmp_path / "a.wav")
    sound = pcmu_encoded(tone(700, 0.02, 8000))
    strays = [
        b"", b"\x80", b"\x80\x00", b"\x00" * 40, rtp(1, sound, payload_type=8), rtp(1, b""),
        b"\x81\xc8\x00\x06" + bytes(8), b"\x80\xc8\x00\x01",
    ]  # fmt: skip
    for data in strays:
        robot.receive(data, PEER, NOW)
    robot.receive(rtp(1, sound), "192.0.2.99", NOW)
    assert robot.strays == len(strays) + 1
    robot.receive(rtp(1, b"\x05\x0a\x00\xa0", payload_type=101), PEER, NOW)
    assert (robot.strays, robot.reception.received) == (len(strays) + 1, 0), "keys are theirs to press, not to be heard"
    robot._recorder.close()  # type: ignore[union-attr]
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getnframes() == 0


def test_a_packet_without_end_is_cut() -> None:
    assert len(decoded(PCMU, bytes(65_000))) == 8000


def test_we_report_what_we_send_and_hear() -> None:
    robot = leg()
    [empty, sdes] = rtcp.parse(robot.report(NOW))
    assert empty == rtcp.ReceiverReport(ssrc=robot.ssrc)
    assert isinstance(sdes, rtcp.Sdes) and sdes.chunks[0].cname == "robot@test"
    first, *_ = spoken(robot, 50)
    for number in (0, 1, 3):
        robot.receive(rtp(number, b"\xff" * 160), PEER, NOW + 0.02 * number)
    theirs = rtcp.SenderReport(ssrc=9, ntp=rtcp.ntp_time(NOW), rtp_timestamp=0, packets=4, octets=640)
    robot.receive(rtcp.compound(theirs, "them"), PEER, NOW + 0.1)
    [report, _, bye] = rtcp.parse(robot.report(NOW + 1.0, bye="done"))
    assert isinstance(report, rtcp.SenderReport) and isinstance(bye, rtcp.Bye)
    assert (report.packets, report.octets) == (50, 8000)
    assert (report.rtp_timestamp - first.timestamp) & 0xFFFFFFFF == 8000
    [block] = report.blocks
    assert (block.ssrc, block.lost, block.lsr) == (9, 1, rtcp.middle(theirs.ntp))
    assert abs(block.dlsr / 65_536 - 0.9) < 0.001


def test_the_round_trip_comes_from_reports_about_us() -> None:
    robot = leg()
    spoken(robot, 1)
    [sent, _] = rtcp.parse(robot.report(NOW))
    assert isinstance(sent, rtcp.SenderReport)
    half = rtcp.ReportBlock(ssrc=robot.ssrc, lsr=rtcp.middle(sent.ntp), dlsr=rtcp.delay_since(NOW, NOW + 0.5))
    for block, expected in ((replace(half, ssrc=robot.ssrc ^ 1), None), (half, 0.08)):
        robot.receive(rtcp.compound(rtcp.ReceiverReport(ssrc=9, blocks=(block,)), "them"), PEER, NOW + 0.58)
        assert robot.rtt_s is None if expected is None else abs(robot.rtt_s - expected) < 0.001  # type: ignore[operator]
