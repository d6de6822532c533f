from __future__ import annotations

import pytest

from confserver.sip.framing import Ping, StreamFramer
from confserver.sip.grammar import Malformed
from confserver.sip.message import parse
from tests.sip.torture import SDP, VALID, message

HEAD = (
    "Via: SIP/2.0/TCP 192.0.2.20;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"
    "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
)


def options(length: str | None, body: bytes = b"", more: str = "") -> bytes:
    lines = HEAD + more + ("" if length is None else f"Content-Length: {length}\r\n")
    return f"OPTIONS sip:b@h SIP/2.0\r\n{lines}\r\n".encode() + body


ONE = options("5", b"\r\n\r\n!")
TWO = options("0")
THREE = options(None)


def pieces(framer: StreamFramer, data: bytes) -> list[bytes | Ping]:
    return list(framer.feed(data))


def test_pipelined() -> None:
    assert pieces(StreamFramer(), ONE + TWO + THREE + ONE) == [ONE, TWO, THREE, ONE]


def test_split_anywhere() -> None:
    stream = ONE + b"\r\n" + TWO + b"\r\n\r\n" + ONE + THREE
    expected = [ONE, TWO, Ping(), ONE, THREE]
    for cut in range(len(stream)):
        framer = StreamFramer()
        assert pieces(framer, stream[:cut]) + pieces(framer, stream[cut:]) == expected


def test_byte_by_byte() -> None:
    framer = StreamFramer()
    stream = b"\r\n\r\n" + ONE + b"\r\n" + TWO
    assert [piece for byte in stream for piece in framer.feed(bytes([byte]))] == [Ping(), ONE, TWO]


def test_every_ping_has_its_answer() -> None:
    framer = StreamFramer()
    for _ in range(3):
        assert pieces(framer, b"\r\n\r\n") == [Ping()]
    assert pieces(framer, b"\r\n") == []
    assert pieces(framer, b"\r\n") == [Ping()]
    assert pieces(framer, b"\r\n" + TWO + b"\r\n" + TWO + b"\r\n\r\n") == [TWO, TWO, Ping()]


@pytest.mark.parametrize(
    "header",
    [
        "content-length:5",
        "CONTENT-LENGTH : 005",
        "l:5",
        "L \t:\t5 ",
        "Content-Length:\r\n 5",
        "l:\r\n\t5\r\n ",
        "L\r\n : 5",
        "l: 5\r\nL: 5",
    ],
)
def test_the_length_in_any_dress(header: str) -> None:
    first = options(None, more=header + "\r\n") + b"12345"
    assert pieces(StreamFramer(), first + TWO) == [first, TWO]
    assert parse(first).body == b"12345"


def test_what_only_looks_like_a_length() -> None:
    first = options(
        "2", b"!!", more="Subject: a\r\n Content-Length: 9\r\nX-Content-Length: 8\r\nContent-Lengthy: 7\r\n"
    )
    assert pieces(StreamFramer(), first + TWO) == [first, TWO]


@pytest.mark.parametrize("length", ["-1", "x", "", "1_0", "+5", "5 5", "5,5", "5;a", "99999999999999999999999", "٥"])
def test_a_bad_length_ends_the_stream_but_is_answered(length: str) -> None:
    framer = StreamFramer()
    with pytest.raises(Malformed) as lost:
        pieces(framer, options(length, b"12345") + TWO)
    assert lost.value.status == 400
    assert lost.value.remains is not None and lost.value.remains.call_id == "1"
    assert pieces(framer, TWO) == []


def test_two_different_lengths() -> None:
    with pytest.raises(Malformed):
        pieces(StreamFramer(), options("5", b"12345", more="l: 4\r\n"))


def test_what_came_before_the_fault_is_given_out() -> None:
    given: list[bytes | Ping] = []
    with pytest.raises(Malformed):
        given.extend(StreamFramer().feed(ONE + TWO + options("-1")))
    assert given == [ONE, TWO]


def test_too_large() -> None:
    fits = options("65000", b"x" * 65000)
    assert pieces(StreamFramer(), fits) == [fits]
    with pytest.raises(Malformed) as lost:
        pieces(StreamFramer(), options("65536"))
    assert lost.value.status == 513 and lost.value.remains is not None


def test_a_head_without_end() -> None:
    framer = StreamFramer()
    assert pieces(framer, options(None)[:-2] + b"X: y\r\n" * 10_000) == []
    with pytest.raises(Malformed) as lost:
        pieces(framer, b"X: y\r\n" * 1_000)
    assert lost.value.status == 513 and lost.value.remains is not None


def test_noise_without_end() -> None:
    with pytest.raises(Malformed) as lost:
        pieces(StreamFramer(), b"\x16\x03\x01" * 30_000)
    assert lost.value.remains is None


def test_folded_everywhere() -> None:
    wsinv = message(VALID["wsinv"])
    assert pieces(StreamFramer(), wsinv * 2) == [wsinv, wsinv]
    assert parse(wsinv).body == SDP.replace("\n", "\r\n").encode()
