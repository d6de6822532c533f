"""JsSIP in headless Chromium: registers, sends OPTIONS and MESSAGE by WSS; its call by DTLS gets 488 with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import need
from tests.kit.browser import Browser
from tests.kit.phone import Phone
from tests.kit.server import Server

pytestmark = [pytest.mark.interop, pytest.mark.slow]
HOST = "127.0.0.1"


@pytest.fixture
def open_server(tmp_path: Path) -> Iterator[Server]:
    """Whoever may call may write to rooms."""
    with Server(tmp_path, rooms={"messages": "callers"}) as started:
        yield started


def test_a_phone_in_a_browser(open_server: Server, tmp_path: Path) -> None:
    need("chromium")
    server = open_server
    password = server.http("PUT", "/users/anna", {})["password"]
    socket = f"wss://{HOST}:{server.ports['wss']}/sip"
    wish = {
        "socket": socket, "uri": f"sip:anna@{HOST}", "password": password,
        "room": f"sip:standup@{HOST}", "to": f"sip:standup@{HOST}",
    }  # fmt: skip
    with Phone(server.address, "bob") as bob:
        assert bob.dial("standup").status == 200  # a room that nobody is in takes no text
        with Browser(tmp_path, **wish) as browser:
            browser.wait_for("connected", 40.0)
            assert browser.wait_for("registered")["status"] == 200
            options = browser.wait_for("options")
            assert options["status"] == 200 and "INVITE" in options["allow"]
            message = browser.wait_for("message")
            assert message["status"] in (200, 202), message
            call = browser.wait_for("call")
            assert call["status"] == 488 and "UDP/TLS/RTP/SAVPF is not supported" in call["warning"]
            browser.wait_for("unregistered")
        assert not server.http("GET", "/users/anna")["phones"]
