"""A phone that falls silent is asked whether it lives, in its dialog; only 408 and 481 end its call."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.kit.phone import Phone
from tests.kit.raw_sip import Message
from tests.kit.server import Server

pytestmark = [pytest.mark.interop, pytest.mark.slow]

SILENCE_S = 5.0
"""The least that the setting allows."""


def test_a_silent_phone_is_asked_and_a_dead_call_ends(tmp_path: Path) -> None:
    with Server(tmp_path, rtp={"silence_s": SILENCE_S}) as server, Phone(server.address, "anna") as anna:
        assert anna.dial("standup").status == 200
        server.wait_until_in("standup", "anna")
        anna.paused.set()
        asked = _wait_for_options(anna, 1)
        assert asked.header("Call-ID") == anna.call_id, "in the dialog"
        assert not anna.hung_up.wait(1.0), "whoever answers 200 stays"
        assert "anna" in server.participants("standup")
        anna.refuses["OPTIONS"] = "481 Call/Transaction Does Not Exist"
        _wait_for_options(anna, 2)
        _wait_until_gone(server)


def test_a_held_phone_is_not_asked(tmp_path: Path) -> None:
    with Server(tmp_path, rtp={"silence_s": SILENCE_S}) as server, Phone(server.address, "anna") as anna:
        assert anna.dial("standup").status == 200
        assert anna.offer_again("inactive").status == 200
        anna.paused.set()
        time.sleep(SILENCE_S + 2.5)
        assert not [each for each in anna.requests if each.method == "OPTIONS"]
        assert server.participants("standup")["anna"]["held"]


def _wait_for_options(phone: Phone, count: int) -> Message:
    end = time.monotonic() + SILENCE_S + 4
    while time.monotonic() < end:
        asked = [each for each in phone.requests if each.method == "OPTIONS"]
        if len(asked) >= count:
            return asked[count - 1]
        time.sleep(0.05)
    raise AssertionError(f"{count} OPTIONS wanted")


def _wait_until_gone(server: Server) -> None:
    end = time.monotonic() + 3
    while server.cli("rooms"):
        assert time.monotonic() < end, "the room is still there"
        time.sleep(0.1)
