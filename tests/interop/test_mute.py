"""Mute by a script works at once: 100 ms after the HTTP request nobody gets a packet with that voice any more."""

from __future__ import annotations

import time

import pytest

from tests.kit.phone import Phone
from tests.kit.server import Server
from tests.kit.tones import LEVEL_DB

pytestmark = [pytest.mark.interop, pytest.mark.alone]

ANNA, BOB = 400.0, 650.0
SILENT_DB = -40.0
MOST_SECONDS = 0.100


def test_the_muted_voice_is_gone_within_100_ms(server: Server) -> None:
    with Phone(server.address, "anna", tone_hz=ANNA) as anna, Phone(server.address, "bob", tone_hz=BOB) as bob:
        assert anna.dial("standup").status == bob.dial("standup").status == 200
        muted = server.wait_until_in("standup", "anna", "bob")["anna"]["id"]
        time.sleep(1.0)
        for _ in range(3):
            assert bob.heard(time.monotonic() - 0.3).level_db(ANNA) > LEVEL_DB - 3
            asked = time.monotonic()
            server.http("POST", f"/rooms/standup/participants/{muted}/mute")
            time.sleep(0.5)
            after = [packet for packet in bob.packets if packet.at >= asked]
            silent = [packet for packet in after if packet.level_db(ANNA) < SILENT_DB]
            assert silent, "the voice was never gone"
            assert silent[0].at - asked <= MOST_SECONDS
            assert silent == after[-len(silent) :], "and it does not come back"
            assert server.participants("standup")["anna"]["muted"] == ["host"]
            assert anna.heard(time.monotonic() - 0.3).level_db(BOB) > LEVEL_DB - 3, "who is muted still hears"
            server.http("POST", f"/rooms/standup/participants/{muted}/unmute")
            time.sleep(0.5)


def test_by_the_command_line(server: Server) -> None:
    with Phone(server.address, "anna", tone_hz=ANNA) as anna, Phone(server.address, "bob") as bob:
        assert anna.dial("standup").status == bob.dial("standup").status == 200
        server.wait_until_in("standup", "anna", "bob")
        server.cli("room", "mute", "standup", "anna")
        time.sleep(0.2)
        bob.wait_for_packets(10)
        assert all(packet.level_db(ANNA) < SILENT_DB for packet in bob.packets[-10:])
        server.cli("room", "unmute", "standup", "anna")
        time.sleep(0.5)
        assert bob.packets[-1].level_db(ANNA) > LEVEL_DB - 3
        refused = server.run("room", "mute", "standup", "nobody")
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1 and "Traceback" not in refused.stderr
