"""10,000 broken datagrams on SIP and RTP ports: the server answers, and a call in progress stays clean."""

from __future__ import annotations

import random
import re
import socket
import struct
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.kit.phone import HEADER, Phone
from tests.kit.raw_sip import Address, offer, request
from tests.kit.server import Server
from tests.kit.tones import LEVEL_DB

pytestmark = [pytest.mark.interop, pytest.mark.slow]

ANNA, BOB = 400.0, 650.0
COUNT = 3_000
SEED = 4475
"""RFC 4475 is the torture test of SIP."""
A_SECOND = 2000

Change = Callable[[bytearray, random.Random], bytearray]


def flip(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return data


def cut(data: bytearray, chance: random.Random) -> bytearray:
    return data[: chance.randrange(1, len(data) + 1)]


def double(data: bytearray, chance: random.Random) -> bytearray:
    begin, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[:end] + data[begin:end] * chance.randint(1, 20) + data[end:]


def remove(data: bytearray, chance: random.Random) -> bytearray:
    begin, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[:begin] + data[end:]


def insert(data: bytearray, chance: random.Random) -> bytearray:
    wild = [
        b"\r\n",
        b"\r\n\r\n",
        b"\0",
        b"\xff\xfe",
        b",,;;",
        b'"',
        b"<" * 50,
        b"%",
        b"-1",
        b"9" * 40,
        b"\t ",
        b"\xc3\x28",
    ]
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(wild) + data[at:]


def number(data: bytearray, chance: random.Random) -> bytearray:
    """Another value for a whole number somewhere in the text."""
    digits = [i for i, c in enumerate(data) if 0x30 <= c <= 0x39]
    if not digits:
        return flip(data, chance)
    at = chance.choice(digits)
    return data[:at] + chance.choice([b"0", b"-1", b"65536", b"4294967296", b"1e9", b""]) + data[at + 1 :]


CHANGES: tuple[Change, ...] = (flip, cut, double, remove, insert, number)


def mutated(data: bytes, chance: random.Random, most: int = 3) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, most)):
        changed = chance.choice(CHANGES)(changed, chance) or bytearray(b"\0")
    return bytes(changed[:60_000])


def mutated_sip(data: bytes, chance: random.Random) -> bytes:
    """Broken anywhere; or in its body only, with the right length, so that it comes as far as SDP."""
    head, blank, body = data.partition(b"\r\n\r\n")
    if not body or chance.random() < 0.5:
        return mutated(data, chance)
    body = mutated(body, chance, most=2)
    head = re.sub(rb"(?m)^Content-Length: \d+", b"Content-Length: %d" % len(body), head)
    return head + blank + body


def sip_seeds(server: Server, local: Address, anna: Phone) -> list[bytes]:
    uri, body = (
        server.uri("fuzz"),
        offer(local[0], 40_000, formats="0 8 101", extra="a=rtpmap:101 telephone-event/8000"),
    )
    own = anna.dialog()
    return [
        request("INVITE", uri, local, body=body),
        request("OPTIONS", uri, local, more=(("Accept", "application/sdp, text/plain;q=0.5"),)),
        request("CANCEL", uri, local),
        request("ACK", uri, local, cseq=2),
        request("BYE", uri, local, more=(("Route", "<sip:127.0.0.1;lr>"), ("Require", "timer"))),
        request("REGISTER", uri, local, more=(("Expires", "60"), ("Authorization", 'Digest username="a", nonce="b"'))),
        request("BYE", server.uri("standup"), local, call_id=own.call_id, tag="x", to=own.to, cseq=99),
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n"
        b"To: <sip:b@c>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
    ]


def rtp_seeds(chance: random.Random) -> list[bytes]:
    payload = bytes(chance.randrange(256) for _ in range(160))
    ssrc = chance.getrandbits(32)
    sdes = struct.pack("!BBHIBB", 0x81, 202, 3, ssrc, 1, 3) + b"abc\0\0\0"
    return [
        HEADER.pack(0x80, 0, 7, 1000, ssrc) + payload,
        HEADER.pack(0x92, 101, 7, 1000, ssrc)
        + struct.pack("!II", 1, 2)
        + struct.pack("!HH", 0xBEDE, 1)
        + b"\x10\x7f\0\0",
        struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, 1, 2, 3, 4, 5) + sdes,
        struct.pack("!BBHIIIIIII", 0x81, 201, 7, ssrc, 9, 0, 0, 0, 0, 0) + sdes,
        struct.pack("!BBHI", 0x81, 203, 1, ssrc),
        b"\0\x01\0\0\x21\x12\xa4\x42" + b"t" * 12,
    ]


def test_broken_datagrams_break_nothing(server: Server) -> None:
    chance = random.Random(SEED)
    with Phone(server.address, "anna", tone_hz=ANNA) as anna, Phone(server.address, "bob", tone_hz=BOB) as bob:
        assert anna.dial("standup").status == bob.dial("standup").status == 200
        server.wait_until_in("standup", "anna", "bob")
        time.sleep(1.0)
        before, since = server.counts(), time.monotonic()
        send_all(server, anna, chance)
        assert server.answers(2.0)
        for who, hz, own in ((anna, BOB, ANNA), (bob, ANNA, BOB)):
            heard = who.heard(since)
            assert heard.level_db(hz) == pytest.approx(LEVEL_DB, abs=1)
            assert heard.longest_gap_ms(hz, LEVEL_DB) <= 60
            assert heard.highest_db(own) < -40
        assert not anna.hung_up.is_set() and not bob.hung_up.is_set()
        assert server.participants("standup").keys() == {"anna", "bob"}
        assert "Traceback" not in server.said()
        assert server.http("GET", "/status")["sip"]["malformed"] > COUNT / 20, "they have really come"
        server.wait_for_counts(before, 80)  # calls that were never acknowledged are given up after 64 * T1, then BYE
    assert server.answers(2.0)


def send_all(server: Server, anna: Phone, chance: random.Random) -> None:
    """Half to the SIP port, a quarter each to the RTP and RTCP port of a call in progress, from elsewhere."""
    assert anna.media
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sending:
        sending.bind(("127.0.0.1", 0))
        host, port = sending.getsockname()
        rtp = rtp_seeds(chance)
        media, control = anna.media, (anna.media[0], anna.media[1] + 1)
        began = time.monotonic()
        for n in range(COUNT):
            if n % 2:
                sip = sip_seeds(server, (host, port), anna)  # anew each time: a second one would be a retransmission
                sending.sendto(mutated_sip(chance.choice(sip), chance), server.address)
            else:
                sending.sendto(mutated(chance.choice(rtp), chance), media if n % 4 else control)
            if (ahead := began + n / A_SECOND - time.monotonic()) > 0:
                time.sleep(ahead)
