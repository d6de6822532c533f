"""A server that is emptied: who is there stays, who calls is turned away, and with the last call it ends."""

from __future__ import annotations

import threading
import time
import urllib.error
from pathlib import Path

import pytest

from tests.kit.phone import Phone
from tests.kit.server import Server

pytestmark = pytest.mark.slow


def is_ready(server: Server) -> bool:
    try:
        return bool(server.http("GET", "/ready")["status"] == "ready")
    except urllib.error.HTTPError as error:
        assert error.code == 503
        return False


def test_emptied_cancelled_and_emptied_for_good(tmp_path: Path) -> None:
    with Server(tmp_path, limits={"drain_retry_s": 17}) as server:
        with Phone(server.address, "anna") as anna, Phone(server.address, "bob") as bob:
            assert anna.dial("one").status == 200 and is_ready(server)
            assert server.cli("drain")["calls"] == 1 and not is_ready(server)
            assert not server.answers(), "a proxy in front sees it"
            answer = bob.dial("one")
            assert (answer.status, answer.header("Retry-After")) == (503, "17")
            assert server.cli("drain", "--cancel")["draining"] is False and is_ready(server)
            told: list[str] = []
            waiting = threading.Thread(target=lambda: told.append(server.run("drain", "--until-empty").stdout))
            waiting.start()
            while is_ready(server):
                time.sleep(0.05)
            assert bob.dial("two").status == 503
            anna.wait_for_packets(20)
            anna.hang_up()
            waiting.join(15)
            assert told and "1 left and the server ends with the last" in told[0] and "the server has ended" in told[0]
        assert server.child is not None and server.child.process.wait(10) == 0
        assert "Traceback" not in server.said()
