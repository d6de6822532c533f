"""STUN on the SIP port: the answer that RFC 5769 has, and silence for all else."""

from __future__ import annotations

import pytest

from confserver.sip.flow import Flow
from confserver.sip.outputs import SendBytes
from confserver.sip.stun import answer_to, is_stun
from tests.kit.sip_play import Wire, tcp, the

COOKIE = bytes.fromhex("2112a442")
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
PLAIN = b"\x00\x01\x00\x00" + COOKIE + TRANSACTION


@pytest.mark.parametrize(
    ("host", "value"),
    [
        ("192.0.2.1", "0001a147e112a643"),  # RFC 5769 2.2
        ("2001:db8:1234:5678:11:2233:4455:6677", "0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"),  # 2.3
    ],
)
def test_the_addresses_of_rfc5769(host: str, value: str) -> None:
    answer = answer_to(PLAIN, Flow("UDP", ("192.0.2.9", 5060), (host, 32853)))
    assert answer is not None
    assert answer[:2] == b"\x01\x01" and answer[4:20] == COOKIE + TRANSACTION
    assert answer[20:].hex() == f"0020{len(value) // 2:04x}{value}"
    assert int.from_bytes(answer[2:4], "big") == len(answer) - 20


def test_a_ping_on_the_sip_port_is_answered() -> None:
    wire = Wire()
    assert the(SendBytes, wire.hear(PLAIN)).data[:2] == b"\x01\x01"
    with_software = b"\x00\x01\x00\x08" + COOKIE + TRANSACTION + b"\x80\x22\x00\x04test"
    assert the(SendBytes, wire.hear(with_software)).flow == wire.flow
    assert wire.stack.describe()["malformed"] == 0


@pytest.mark.parametrize(
    "data",
    [
        b"\x01\x01\x00\x00" + COOKIE + TRANSACTION,  # an answer: two servers would never come to an end
        b"\x00\x01\x00\x04" + COOKIE + TRANSACTION,
        b"\x00\x01\x00\x03" + COOKIE + TRANSACTION + b"abc",
        PLAIN[:-1],
        PLAIN + b"x",
        b"\x00\x01\x02\x58" + COOKIE + TRANSACTION + bytes(600),
    ],
)
def test_anything_else_hears_nothing(data: bytes) -> None:
    assert is_stun(data)
    assert Wire().hear(data) == []


def test_without_the_cookie_it_is_no_stun() -> None:
    assert not is_stun(b"\x00\x01\x00\x00" + bytes(16))
    assert not is_stun(b"INVITE sip:x SIP/2.0") and not is_stun(b"\r\n\r\n") and not is_stun(b"")


def test_connections_are_pinged_otherwise() -> None:
    assert Wire(tcp()).hear(PLAIN) == []
