"""Under fire: what a scanner from outside does to a call that goes on beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import need
from tests.kit.phone import Phone
from tests.kit.ports import free_port
from tests.kit.process import Child
from tests.kit.raw_sip import SipSocket, request
from tests.kit.server import Server
from tests.kit.tones import LEVEL_DB
from tests.sip.test_pcap import read

pytestmark = pytest.mark.interop

SCENARIO = Path(__file__).parent / "scenarios" / "scanner.xml"
OUTSIDE = "127.0.0.2"
CALLS = 600


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, limits={"outside_networks": [f"{OUTSIDE}/32"]}) as started:
        yield started


def until(true: Any, seconds: float = 10.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)
    return found


def asks(server: Server, host: str, timeout: float = 1.0) -> int:
    """The status that a call from there gets; 0 for silence."""
    with SipSocket(server.address, host) as asking:
        asking.send(request("INVITE", server.uri("standup"), asking.local))
        answer = asking.receive(timeout)
        return answer.status if answer else 0


def test_a_scanner_is_silenced_and_banned_while_a_call_goes_on(server: Server, tmp_path: Path) -> None:
    need("sipp")
    assert asks(server, OUTSIDE) == 403
    with Phone(server.address, "anna", tone_hz=400) as anna, Phone(server.address, "bob", tone_hz=650) as bob:
        assert anna.dial("standup").status == bob.dial("standup").status == 200
        server.wait_until_in("standup", "anna", "bob")
        time.sleep(0.5)
        since = time.monotonic()
        command = [
            "sipp", f"127.0.0.1:{server.address[1]}", "-sf", str(SCENARIO), "-i", OUTSIDE, "-p", str(free_port()),
            "-m", str(CALLS), "-r", "300", "-l", "600", "-nostdin", "-timeout", "20",
        ]  # fmt: skip
        sipp = Child(command, tmp_path, "sipp", environment={"TERM": "dumb"})
        try:
            until(lambda: not sipp.is_running, 25)
        finally:
            sipp.kill()
        [ban] = until(lambda: server.cli("ban", "list"))
        assert (ban["network"], ban["by"], ban["reason"]) == (OUTSIDE, "server", "too many calls that are not allowed")
        assert asks(server, OUTSIDE, 0.5) == 0, "silence"
        for who, hz in ((anna, 650), (bob, 400)):
            heard = who.heard(since)
            assert heard.level_db(hz) == pytest.approx(LEVEL_DB, abs=1)
            assert heard.longest_gap_ms(hz, LEVEL_DB) <= 60
        assert anna.hang_up().status == bob.hang_up().status == 200
        barrier = server.http("GET", "/status")["barrier"]
        assert barrier["from the banned"] > CALLS / 2 and barrier["bans"] == 1
        assert "banned" in server.said()


def test_what_has_passed_in_a_call_is_told(server: Server, tmp_path: Path) -> None:
    with Phone(server.address, "anna", tone_hz=400) as anna:
        assert anna.dial("standup").status == 200
        person = server.wait_until_in("standup", "anna")["anna"]
        time.sleep(0.5)
        assert anna.hang_up().status == 200
    [call] = until(lambda: [row for row in server.cli("trace") if row["over"]])
    told = server.run("trace", str(call["call"]), "--pcap", str(tmp_path / "call.pcap"))
    assert told.returncode == 0, told.stderr
    words = [line.split("  ")[-1].split(",")[0].split()[0] for line in told.stdout.splitlines()[1:-1]]
    assert words == ["INVITE", "100", "200", "ACK", "BYE", "200"], told.stdout
    assert told.stdout.splitlines()[-1].startswith("media: codec PCMU")
    packets = read((tmp_path / "call.pcap").read_bytes())
    sound = [packet for packet in packets if packet.get("left_out")]
    assert len(packets) - len(sound) == 6 and packets[0]["target"] == server.address and person["id"]
    assert {packet["left_out"] for packet in sound} == {160}, "PCMU of 20 ms, and none of it"
    ways = [packet["target"][1] in server.rtp_ports for packet in sound]  # type: ignore[index]
    assert ways.count(True) > 10 and ways.count(False) > 10, "both ways"
    assert server.run("trace", "nobody").returncode == 1


def test_after_a_kill_the_next_start_says_bye(tmp_path: Path) -> None:
    with Server(tmp_path) as server, Phone(server.address, "anna") as anna, Phone(server.address, "bob") as bob:
        assert anna.dial("standup").status == bob.dial("standup").status == 200
        server.wait_until_in("standup", "anna", "bob")
        until(lambda: server.http("GET", "/status")["journal"]["noted"] == 2)
        time.sleep(0.3)  # the store commits within 0.1 s
        server.kill()
        server.start()
        assert anna.hung_up.wait(10) and bob.hung_up.wait(10)
        until(lambda: server.http("GET", "/status")["sip"]["unanswered"] == 0)
        assert server.http("GET", "/status")["journal"] == {"noted": 0, "of_the_last_run": 0}
        server.stop()
        server.start()
        assert "of a run that has crashed" not in server.said().rpartition("stopped")[2]


def test_a_ban_survives_a_restart_and_can_be_lifted(server: Server) -> None:
    assert asks(server, OUTSIDE) == 403
    with SipSocket(server.address, OUTSIDE) as asking:
        scan = request("OPTIONS", server.uri("100"), asking.local, more=(("User-Agent", "friendly-scanner"),))
        asking.send(scan)
        assert asking.receive(0.3) is None
    [ban] = until(lambda: server.cli("ban", "list"))
    assert "friendly-scanner" in ban["reason"] and ban["until"] - ban["since"] == pytest.approx(600)
    server.cli("ban", "add", "198.51.100.0/24", "--reason", "calls at night")
    server.stop()
    server.start()
    assert {each["network"] for each in server.cli("ban", "list")} == {OUTSIDE, "198.51.100.0/24"}
    assert asks(server, OUTSIDE, 0.5) == 0
    server.cli("ban", "lift", OUTSIDE)
    assert asks(server, OUTSIDE) == 403
    refused = server.run("ban", "lift", OUTSIDE)
    assert refused.returncode == 1 and "is not banned" in refused.stderr
