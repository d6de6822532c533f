"""A real server while connections stall, talk garbage, or are too many: whoever behaves notices nothing."""

from __future__ import annotations

import socket
import ssl
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.kit.phone import Phone
from tests.kit.server import Server

pytestmark = pytest.mark.slow
FROM_ONE = 400
"""As ``transports.connection.MOST_FROM_ONE``."""
SAYINGS = (
    b"",
    b"\x16\x03\x01",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/1.1\r\nHost: x\r\n",
    b"\x00" * 4000,
    b"INVITE sip:x SIP/2.0\r\nContent-Length: 60000\r\n\r\n",
    b"OPTIONS sip:x SIP/2.0\r\n" + b"A: b\r\n" * 100,
)


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_stalled_and_garbled_connections_cost_nobody_else_anything(tmp_path: Path) -> None:
    with Server(tmp_path) as server, ExitStack() as stack:
        host = server.address[0]
        with Phone(server.address, "anna") as anna:
            assert anna.dial("standup").status == 200
            ports = [server.address[1], *server.ports.values()]
            for n in range(FROM_ONE + 50):
                stalled = socket.create_connection((host, ports[n % 4]), 2, (host, 0))
                stack.callback(stalled.close)
                try:
                    stalled.sendall(SAYINGS[n % len(SAYINGS)])
                except OSError:
                    continue  # too many from one host, or not understood
            assert server.answers(1.0), "by UDP"
            elsewhere = socket.create_connection((host, server.ports["tls"]), 2, ("127.0.0.9", 0))
            with trusting().wrap_socket(elsewhere) as phone:
                phone.settimeout(2)
                phone.sendall(
                    b"OPTIONS sip:standup@x SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.9;branch=z9hG4bKa\r\n"
                    b"Max-Forwards: 70\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:standup@x>\r\nCall-ID: c\r\n"
                    b"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
                )
                assert phone.recv(4000).startswith(b"SIP/2.0 200 "), "by TLS from another host"
            there = server.status()["transports"]
            assert there["connections"] <= FROM_ONE + 1, there
            assert "anna" in server.participants("standup") and anna.hang_up().status == 200
        assert "Traceback" not in server.said()
