"""A call by IPv6 and one by IPv4 in one room, media and all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.phone import Phone
from tests.kit.robot import Robot
from tests.kit.server import Server
from tests.kit.tones import LEVEL_DB

pytestmark = [pytest.mark.interop, pytest.mark.slow]

LOOPBACKS = ["127.0.0.1", "::1"]
SIX, FOUR = 400.0, 650.0


def test_they_hear_each_other(tmp_path: Path) -> None:
    sections = {"sip": {"addresses": LOOPBACKS}, "rtp": {"addresses": LOOPBACKS}}
    with (
        Server(tmp_path, **sections) as server,
        Phone(server.address, "four", tone_hz=FOUR) as four,
        Robot(server, tmp_path, "six", SIX, "standup", for_seconds=4, host="[::1]") as six,
    ):
        assert four.dial("standup").status == 200
        people = server.wait_until_in("standup", "four", "six")
        assert people["six"]["source"].startswith("[::1]:") and people["four"]["source"].startswith("127.0.0.1:")
        six.finish()
        server.wait_until_in("standup", "four")
        heard = six.heard()
        end = heard.seconds - 0.5
        assert abs(heard.level_db(FOUR, 1.0, end) - LEVEL_DB) < 1.5
        assert heard.gaps_ms(FOUR, LEVEL_DB - 6, 1.0, end) == []
        back = [packet.level_db(SIX) > LEVEL_DB - 3 for packet in list(four.packets)]
        assert sum(back) > 100, "IPv4 hears IPv6 for two seconds at least"
