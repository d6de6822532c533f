"""A phone behind a NAT hears and is heard, and what strangers send to its port never does.

The phone is on 127.0.0.2 and says so in Via, Contact and SDP; the server sees it come from mapped ports of
127.0.0.1 and can reach it nowhere else.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.interop.conftest import need
from tests.kit.baresip import Baresip
from tests.kit.nat import PHONE_SIDE, Filtering, Nat
from tests.kit.phone import HEADER, RATE, Phone
from tests.kit.raw_sip import Address
from tests.kit.server import Server
from tests.kit.tones import LEVEL_DB, pcmu_encoded

pytestmark = pytest.mark.interop

ANNA, BOB, STRANGER = 400.0, 650.0, 900.0
SILENT_DB = -40.0
MOST_GAP_MS = 60.0


@pytest.mark.parametrize("filtering", Filtering)
def test_a_phone_behind_a_nat_hears_and_is_heard(server: Server, filtering: Filtering) -> None:
    with Nat(server.address, filtering) as nat, Phone(server.address, "bob", tone_hz=BOB) as bob:
        with Phone(server.address, "anna", tone_hz=ANNA, host=PHONE_SIDE, via=nat.inside) as anna:
            assert anna.dial("standup").status == 200
            assert bob.dial("standup").status == 200
            server.wait_until_in("standup", "anna", "bob")
            time.sleep(0.7)
            since = time.monotonic()
            time.sleep(2.0)
            for who, hz, own in ((anna, BOB, ANNA), (bob, ANNA, BOB)):
                heard = who.heard(since)
                assert heard.level_db(hz) == pytest.approx(LEVEL_DB, abs=3)
                assert heard.longest_gap_ms(hz, LEVEL_DB) <= MOST_GAP_MS
                assert heard.highest_db(own) < SILENT_DB
            ways = {packet.source[0] for packet in anna.packets if packet.at >= since}
            assert ways == {PHONE_SIDE}, "all came through the NAT"
            hold_and_resume(anna, bob)
            server.http("POST", "/rooms/standup/end")
            assert anna.hung_up.wait(3), "the BYE finds its way through the NAT"


def hold_and_resume(anna: Phone, bob: Phone) -> None:
    assert anna.offer_again("sendonly").status == 200
    time.sleep(0.3)
    assert all(packet.level_db(ANNA) < SILENT_DB for packet in bob.packets[-5:])
    assert anna.offer_again("sendrecv").status == 200
    time.sleep(0.7)
    assert bob.packets[-1].level_db(ANNA) > LEVEL_DB - 3
    assert anna.packets[-1].level_db(BOB) > LEVEL_DB - 3


def test_baresip_behind_a_nat(server: Server, tmp_path: Path) -> None:
    need("baresip")
    with Nat(server.address) as nat, Phone(server.address, "bob", tone_hz=BOB) as bob:
        assert bob.dial("standup").status == 200
        proxy = f"sip:{nat.inside[0]}:{nat.inside[1]};lr"
        with Baresip(tmp_path, "anna", ANNA, host=PHONE_SIDE, proxy=proxy) as anna:
            anna.dial(server.uri("standup"))
            server.wait_until_in("standup", "anna", "bob")
            time.sleep(2.5)
            assert bob.heard(time.monotonic() - 1.0).level_db(ANNA) == pytest.approx(LEVEL_DB, abs=3)
            anna.hang_up()
            server.wait_until_in("standup", "bob")
        assert anna.heard().level_db(BOB, 0.8) == pytest.approx(LEVEL_DB, abs=3)


@contextmanager
def stranger(host: str, target: Address) -> Iterator[socket.socket]:
    """Sends a loud tone in good RTP to somebody else's port, 50 packets a second."""
    sending, stop = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), threading.Event()
    sending.bind((host, 0))
    ssrc, sequence = random.getrandbits(32), random.getrandbits(15)
    payload = pcmu_encoded(0.9 * np.sin(2 * np.pi * STRANGER * np.arange(160) / RATE))

    def run() -> None:
        for n in range(10_000):
            if stop.wait(0.02):
                return
            sending.sendto(HEADER.pack(0x80, 0, sequence + n & 0xFFFF, n * 160, ssrc) + payload, target)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield sending
    finally:
        stop.set()
        thread.join()
        sending.close()


@pytest.mark.parametrize("behind_nat", [False, True], ids=["plain", "behind a NAT"])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.3"], ids=["same host", "another host"])
def test_a_stranger_neither_hears_nor_is_heard(server: Server, host: str, behind_nat: bool) -> None:
    with Nat(server.address) as nat, Phone(server.address, "bob", tone_hz=BOB) as bob:
        place = {"host": PHONE_SIDE, "via": nat.inside} if behind_nat else {}
        with Phone(server.address, "anna", tone_hz=ANNA, **place) as anna:  # type: ignore[arg-type]
            assert anna.dial("standup").status == bob.dial("standup").status == 200
            server.wait_until_in("standup", "anna", "bob")
            time.sleep(1.0)
            assert anna.media
            port = real_port(server, anna, nat)
            since = time.monotonic()
            with stranger(host, (server.address[0], port)) as intruder:
                time.sleep(1.0)
                anna.paused.set()  # and also when the phone itself is silent for longer than a move takes
                time.sleep(3.0)
                anna.paused.clear()
                time.sleep(1.0)
                intruder.setblocking(False)
                with pytest.raises(BlockingIOError):
                    intruder.recv(2000)
            for who in (anna, bob):
                assert who.heard(since).highest_db(STRANGER) < SILENT_DB, f"{who.name} hears the stranger"
            assert anna.heard(since).level_db(BOB) == pytest.approx(LEVEL_DB, abs=3)
            assert anna.heard(since).longest_gap_ms(BOB, LEVEL_DB) <= MOST_GAP_MS
            assert bob.heard(time.monotonic() - 0.5).level_db(ANNA) == pytest.approx(LEVEL_DB, abs=3)


def real_port(server: Server, phone: Phone, nat: Nat) -> int:
    """The server's RTP port of a phone's leg."""
    assert phone.media
    port = nat.behind_door(phone.media)[1] if phone.media[0] == PHONE_SIDE else phone.media[1]
    assert port in server.rtp_ports
    return port
