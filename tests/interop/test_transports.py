"""Phones by TLS with SRTP, and robots by TLS and WebSocket, in one room; a certificate that changes meanwhile."""

from __future__ import annotations

import signal
import ssl
import time
from pathlib import Path

import pytest

from tests.interop.conftest import need
from tests.interop.test_three_phones import ANNA, BOB, CARL, OF_MEDIA, ROBOT, assert_hears
from tests.kit.baresip import Baresip
from tests.kit.pjsua import Pjsua
from tests.kit.robot import Robot
from tests.kit.server import Server

pytestmark = [pytest.mark.interop, pytest.mark.slow]


def test_phones_by_tls_with_srtp(server: Server, tmp_path: Path) -> None:
    """No setting is needed: by TLS nobody else reads the keys."""
    need("baresip", "pjsua2")
    before = server.counts()
    encrypted = {"transport": "tls", "account": "mediaenc=srtp-mand", "more": "module srtp.so\nsip_verify_server no"}
    with (
        Pjsua(tmp_path, "bob", BOB, srtp=True, transport="tls") as bob,
        Baresip(tmp_path, "anna", ANNA, **encrypted) as anna,  # type: ignore[arg-type]
    ):
        bob.dial(server.uri("standup", "tls"))
        anna.dial(server.uri("standup", "tls"))
        server.wait_until_in("standup", "anna", "bob")
        assert server.status()["transports"]["by_transport"] == {"tls": 2}
        time.sleep(0.5)
        bob.record()
        time.sleep(2.0)
        assert_hears(bob.heard(), [ANNA], BOB, 0.2, 1.8, "pjsua2")
        bob.hold()
        bob.resume()
        anna.hang_up()
        server.wait_until_in("standup", "bob")
        heard = anna.heard()
        assert_hears(heard, [BOB], ANNA, 0.8, 2.2, "baresip")
        bob.hang_up()
    server.wait_for_counts(before, 5, *OF_MEDIA)
    assert "inline:" not in server.said()


def test_a_phone_registered_by_tls_is_called_by_its_connection(server: Server, tmp_path: Path) -> None:
    """Nobody believes the phone's own certificate, and nobody has to: it is where it came from (RFC 5626)."""
    need("pjsua2")
    server.http("PUT", "/users/bob", {"password": "correct-horse"})
    registrar = f"sip:{server.address[0]}:{server.ports['tls']};transport=tls"
    with Pjsua(tmp_path, "bob", BOB, transport="tls", registrar=registrar, password="correct-horse") as bob:
        assert bob.register() == 200
        server.http("POST", "/rooms/called/dial", {"uri": f"sip:bob@{server.address[0]}", "name": "Bob"})
        bob.wait_for("state", state="CONFIRMED")
        server.wait_until_in("called", "Bob")
        assert server.status()["transports"]["by_transport"] == {"tls": 1}, "no other was opened"
        server.cli("room", "end", "called")
        bob.wait_for("state", state="DISCONNECTED")
        assert server.status()["transports"]["by_transport"] == {"tls": 1}


def test_robots_by_every_other_way(server: Server, tmp_path: Path) -> None:
    """Whole calls with sound both ways over WebSocket, secure WebSocket and TLS."""
    before = server.counts()
    tones = {"ws": ANNA, "wss": ROBOT, "tls": CARL}
    robots = {
        each: Robot(server, tmp_path, each, hz, "standup", for_seconds=5.0, transport=each)
        for each, hz in tones.items()
    }
    for robot in robots.values():
        robot.__enter__()
    server.wait_until_in("standup", *tones, timeout=10.0)
    there = server.status()["transports"]["by_transport"]
    for robot in robots.values():
        robot.finish()
    assert there == {"ws": 1, "wss": 1, "tls": 1}
    for each, robot in robots.items():
        heard, others = robot.heard(), [hz for name, hz in tones.items() if name != each]
        begin = max(heard.onset_s(hz, -20.0) or 0.0 for hz in others) + 0.3
        assert_hears(heard, others, tones[each], begin, begin + 2.0, f"the robot by {each}")
    server.wait_for_counts(before, 5, *OF_MEDIA, "connections")


def test_another_certificate_at_sighup(server: Server) -> None:
    where = server.address[0], server.ports["tls"]
    first = ssl.get_server_certificate(where)
    for name in ("tls-certificate.pem", "tls-key.pem"):
        (server.state_directory / name).unlink()
    other = Server(server.folder / "other")
    with other:
        for name in ("tls-certificate.pem", "tls-key.pem"):
            (server.state_directory / name).write_bytes((other.state_directory / name).read_bytes())
    assert server.child
    server.child.process.send_signal(signal.SIGHUP)
    server.child.wait_for(lambda: ssl.get_server_certificate(where) != first, "the other certificate came", 5)
    assert server.answers(1.0) and "another certificate" in server.said()
