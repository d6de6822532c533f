"""One server as the trunk of another: registration and calls with a password, the state of its hosts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import need
from tests.kit.phone import Phone
from tests.kit.server import Server, kick
from tests.kit.sipp_callee import Callee, answers, is_hung_up_on, refuses, rings, second, waits, wants_password
from tests.kit.tones import LEVEL_DB

pytestmark = pytest.mark.interop

PASSWORD = "correct-horse"


def trunk_of(server: Server) -> dict[str, Any]:
    [trunk] = server.status()["focus"]["trunks"]
    assert isinstance(trunk, dict)
    return trunk


def wait_for(server: Server, registration: str, *hosts: str) -> None:
    end = time.monotonic() + 15
    while (trunk := trunk_of(server))["registration"] != registration or set(hosts) != set(trunk["hosts"].values()):
        assert time.monotonic() < end, (trunk, server.said()[-3000:])
        time.sleep(0.1)


def test_a_number_is_called_through_another_server(tmp_path: Path) -> None:
    with Server(tmp_path / "carrier", users={"trust_inside": False}) as carrier:
        carrier.http("PUT", "/users/us", {"password": PASSWORD})
        host = f"127.0.0.1:{carrier.address[1]}"
        trunks = {"name": "carrier", "hosts": [host], "username": "us", "probe_s": 5}
        trunks |= {"password": PASSWORD, "register": True, "prefixes": ["49"]}
        dialout = {"prefixes": ["49"]}
        with Server(tmp_path / "ours", dialout=dialout, trunks=[trunks]) as ours:  # type: ignore[arg-type]
            wait_for(ours, "registered", "up")
            ours.http("POST", "/rooms/standup/dial", {"uri": "49 30-123", "name": "Bob"})
            ours.wait_until_in("standup", "Bob")
            carrier.wait_until_in("4930123", *carrier.participants("4930123"))
            [there] = carrier.participants("4930123").values()
            assert there["address"].startswith("sip:us@")
            kick(ours, "standup", "Bob")
            carrier.wait_until_in("4930123")
            done = ours.run("room", "dial", "standup", "--uri", "+1900123")
            assert done.returncode == 1 and "dialout.prefixes" in done.stderr


# ------------------------------------------------------------------ a carrier
def by(carrier: Callee) -> dict[str, Any]:
    return {
        "name": "carrier", "hosts": [f"127.0.0.1:{carrier.port}"], "username": "us", "password": PASSWORD, "probe_s": 0,
    }  # fmt: skip


def test_a_carrier_asks_for_the_password_says_something_early_and_is_heard_both_ways(tmp_path: Path) -> None:
    """sipp as the carrier: 407, 183 with sound, 200; what is said to it comes back from it."""
    need("sipp")
    steps = [
        wants_password("carrier"), second(rings("183 Session Progress", with_sound=True)), waits(300),
        second(answers()), is_hung_up_on(),
    ]  # fmt: skip
    carrier = Callee(tmp_path, "carrier", steps, echoes=True)
    with (
        Server(tmp_path / "ours", dialout={"prefixes": ["+49"]}, trunks=[by(carrier)]) as ours,  # type: ignore[list-item]
        carrier,
        Phone(ours.address, "anna", tone_hz=440) as anna,
    ):
        assert anna.dial("standup").status == 200
        ours.http("POST", "/rooms/standup/dial", {"uri": "+49 30 123456", "name": "Bob"})
        ours.wait_until_in("standup", "anna", "Bob")
        time.sleep(1.5)
        assert abs(anna.heard().level_db(440, start=-1.0, end=-0.2) - LEVEL_DB) < 3, "there and back"
        kick(ours, "standup", "Bob")
        carrier.finish(10)
        assert "INVITE sip:+4930123456@127.0.0.1" in carrier.messages()
        [told] = [each for each in ours.http("GET", "/fence")["rooms"] if each["room"] == "standup"]
        assert (told["calls_now"], told["calls_day"]) == (0, 1)


@pytest.mark.parametrize(
    ("status", "cause"), [("486 Busy Here", "busy"), ("480 Temporarily Unavailable", "not available")]
)
def test_a_carrier_that_reaches_nobody(tmp_path: Path, status: str, cause: str) -> None:
    need("sipp")
    carrier = Callee(tmp_path, "carrier", [wants_password("carrier"), second(refuses(status))])
    with Server(tmp_path / "ours", dialout={"prefixes": ["+49"]}, trunks=[by(carrier)]) as ours, carrier:  # type: ignore[list-item]
        ours.http("POST", "/rooms/standup/dial", {"uri": "+4930123456", "name": "Bob"})
        carrier.finish(10)
        end = time.monotonic() + 5
        while not any("dial failed" in line and cause in line for line in ours.said().splitlines()):
            assert time.monotonic() < end, ours.said()[-2000:]
            time.sleep(0.05)
