"""One server as the trunk of another: registration and calls with a password, the state of its hosts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.kit.server import Server

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
            ours.cli("room", "kick", "standup", "Bob")
            carrier.wait_until_in("4930123")
            done = ours.run("room", "dial", "standup", "--uri", "+1900123")
            assert done.returncode == 1 and "dialout.prefixes" in done.stderr
