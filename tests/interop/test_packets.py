"""Real phones whose packets are lost on the way, or longer or shorter than most."""

from __future__ import annotations

import struct
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import soxr

from tests.interop.conftest import need
from tests.interop.test_codecs import assert_no_faults
from tests.interop.test_three_phones import assert_hears
from tests.kit.bad_line import BadLine
from tests.kit.baresip import Baresip
from tests.kit.listen import Recording
from tests.kit.nat import PHONE_SIDE
from tests.kit.network import Conditions
from tests.kit.phone import Phone
from tests.kit.pjsua import Pjsua
from tests.kit.server import Server
from tests.kit.speech import mos, speech

pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.alone]

ANNA, BOB, CARL = 400.0, 650.0, 900.0
OPUS = "opus/48000/2"


def most_common_step(packets: list[bytes]) -> int:
    """By how much timestamps grow (RFC 3550 section 5.1), most of the time."""
    stamps = np.array([struct.unpack_from("!I", packet, 4)[0] for packet in packets], np.int64)
    steps, counts = np.unique(np.diff(stamps) % (1 << 32), return_counts=True)
    return int(steps[counts.argmax()])


def test_opus_with_fec_over_a_line_that_loses_packets(server: Server, tmp_path: Path) -> None:
    """Speech both ways with a tenth of the packets lost, made up from the packets that follow them.

    Speech, since libopus sends no FEC with a steady tone. baresip sends FEC from the beginning, we do when it has
    reported the loss.
    """
    need("baresip")
    loss, said = Conditions(loss=0.10), speech()
    wide, twice = speech(48000), np.concatenate((np.zeros(8000), said, said))
    options = "opus_inbandfec yes\nopus_packet_loss 15\nrtcp_mux yes"
    with (
        BadLine(server.address, out=loss, back=loss) as line,
        Phone(server.address, "bob", sound=twice) as bob,
        Baresip(tmp_path, "anna", ANNA, host=PHONE_SIDE, proxy=line.uri, codecs=OPUS, more=options, sound=wide) as anna,
    ):
        assert bob.dial("standup").status == 200
        since = time.monotonic()
        anna.dial(server.uri("standup"))
        time.sleep(len(said) / 8000 + 0.5)
        heard = bob.heard(since)
        counted = len(line.seen["back"])
        time.sleep(len(said) / 8000 + 1.0)
        media = server.participants("standup")["anna"]["media"]
        anna.hang_up()
        server.wait_until_in("standup", "bob")
        back = anna.heard()
    sent = {"out": has_fec(line.seen["out"]), "back": has_fec(line.seen["back"][counted:])}
    back = Recording(soxr.resample(back.samples, back.rate, 8000), 8000)
    results = {
        "out": mos(said, heard.samples),
        "back": mos(said, back.between(back.seconds - len(said) / 8000 - 1.0).samples),
    }
    print(f"with FEC: {sent}, MOS-LQO {results}, lost {line.lost('out')} and {line.lost('back')}; {media}")
    assert media["lost"] > 30 and media["lost_out"]
    assert min(sent.values()) > 0.3, "packets carry the one before"
    assert results["back"] > 2.8 and results["out"] > 1.8, "baresip sends little redundancy"
    assert_no_faults(server)


def has_fec(packets: list[bytes]) -> float:
    """The share of packets that hold a coarser copy of the one before: LBRR (RFC 6716 section 4.2.3), 20 ms mono."""
    voiced = [packet for packet in packets if packet[12] >> 3 < 16]
    return sum(packet[13] >> 6 & 1 for packet in voiced) / len(packets)


@pytest.mark.parametrize(
    ("codec", "ptime_ms", "clock"),
    [(OPUS, 40, 48000), ("G722/16000/1", 30, 8000), ("PCMU", 10, 8000), (OPUS, 60, 48000)],
)
def test_packets_of_another_length_both_ways(
    server: Server, tmp_path: Path, codec: str, ptime_ms: int, clock: int
) -> None:
    need("baresip")
    server.cli("room", "create", "standup", "--ptime-ms", str(ptime_ms))
    with (
        BadLine(server.address) as line,
        Phone(server.address, "bob", tone_hz=BOB) as bob,
        Baresip(tmp_path, "anna", ANNA, host=PHONE_SIDE, proxy=line.uri, codecs=codec, ptime_ms=ptime_ms) as anna,
    ):
        assert bob.dial("standup").status == 200
        anna.dial(server.uri("standup"))
        time.sleep(1.0)
        since = time.monotonic()
        time.sleep(2.5)
        assert_hears(bob.heard(since), [ANNA], BOB, 0.1, 2.3, "the plain phone")
        steps = {way: most_common_step(packets) for way, packets in line.seen.items()}
        assert steps == {"out": ptime_ms * clock // 1000, "back": ptime_ms * clock // 1000}
        anna.hang_up()
        server.wait_until_in("standup", "bob")
        assert_hears(anna.heard(), [BOB], ANNA, 1.0, 3.0, "baresip")
    assert_no_faults(server)


def test_pjsua_with_packets_of_its_own_length(server: Server, tmp_path: Path) -> None:
    need("pjsua2")
    with ExitStack() as stack:
        carl = stack.enter_context(Phone(server.address, "carl", tone_hz=CARL))
        assert carl.dial("standup").status == 200
        phones = {
            name: stack.enter_context(Pjsua(tmp_path, name, hz, ptime_ms=ptime_ms))
            for name, hz, ptime_ms in (("anna", ANNA, 10), ("bob", BOB, 40))
        }
        for phone in phones.values():
            phone.dial(server.uri("standup"))
            phone.record()
        time.sleep(3.0)
        assert_hears(carl.heard(time.monotonic() - 2.0), [ANNA, BOB], CARL, 0.1, 1.8, "the plain phone")
        for phone, own in ((phones["anna"], ANNA), (phones["bob"], BOB)):
            others = [hz for hz in (ANNA, BOB, CARL) if hz != own]
            assert_hears(phone.heard(), others, own, 0.6, 2.6, phone.name)
        people = server.participants("standup")
        print({name: people[name]["media"] for name in people})
    assert_no_faults(server)
