"""60 kB of anything are read in no time. (The bounds are ten times what they need; quadratic work needs far more.)"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from confserver.sip.blanking import blanked
from confserver.sip.digest import parse_challenge, parse_credentials
from confserver.sip.framing import StreamFramer
from confserver.sip.grammar import Malformed, read_params, split_commas, unquoted
from confserver.sip.headers import parse_cseq, parse_name_addr, parse_via
from confserver.sip.message import parse, response_to
from confserver.sip.uri import parse_uri

SIZE = 60_000
HEAD = (
    "OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.20;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n"
    "To: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
)


def fill(unit: str, size: int = SIZE) -> str:
    return (unit * (size // len(unit) + 1))[:size]


def seconds(work: Callable[[], object], enough: float) -> float:
    """How long it takes; the best of up to five, as other work may go on beside."""
    best = 60.0
    for _ in range(5):
        start = time.perf_counter()
        try:
            work()
        except Malformed as fault:
            if fault.remains is not None:
                response_to(fault.remains, fault.status, to_tag="x").encode()
        best = min(best, time.perf_counter() - start)
        if best < enough:
            break
    return best


UNITS = [
    '"', "<", ">", ";", ",", "\\", " ", "\t", "=", "%", ":", "@", "a", "a ", "a;", ";a", ";a=", ';a="', ';a="";',
    "<>,", '"",', '"a" <sip:a@h>, ', '"\\', "a=b;", "[", "[::", "sip:", "SIP/", "%41", "?a=b&", "\udcff", "ü",
]  # fmt: skip


@pytest.mark.parametrize("prefix", ["", '"', "<sip:", "sip:", "sip:a@h;", "SIP/2.0/UDP h", "SIP/2.0/UDP h;", "1 "])
def test_every_value(prefix: str) -> None:
    for unit in UNITS:
        text = prefix + fill(unit)
        for read in (parse_uri, parse_name_addr, parse_via, parse_cseq, read_params, split_commas, unquoted):
            assert seconds(lambda: read(text), 0.25) < 0.25, (read, prefix, unit)


MESSAGES = {
    "credentials": HEAD + "Authorization: Digest " + fill('a="", ', 8000) + "!\r\n\r\n",
    "credentials everywhere": HEAD + ("Authorization: Digest " + fill('a="", ', 900) + "!\r\n") * 60 + "\r\n",
    "thousands of headers": HEAD + fill("X: y\r\n", SIZE // 6 * 6) + "\r\n",
    "thousands of vias": HEAD + fill("v:SIP/2.0/UDP h;;\r\n", SIZE // 19 * 19) + "\r\n",
    "one folded header": HEAD + "Subject: x" + fill("\r\n ", SIZE // 3 * 3) + "\r\n\r\n",
    "folded spaces": HEAD + "Subject: x" + fill("\r\n" + " " * 50, SIZE // 52 * 52) + "\r\n\r\n",
    "a long line": HEAD + "Contact: " + fill("<sip:a@h>,") + "\r\n\r\n",
    "long lines of commas": HEAD + ("Contact: " + "," * 8000 + "\r\n") * 7 + "\r\n",
    "long lines of quotes": HEAD + ('Contact: "' + '\\"' * 4000 + "\r\n") * 7 + "\r\n",
    "lonely breaks": HEAD + fill("\r\r\n", SIZE // 3 * 3) + "\r\n\r\n",
    "spaces before colons": HEAD + ("Subject" + " " * 8000 + ": x\r\n") * 7 + "\r\n",
    "no end": HEAD + fill("a"),
    "crlf only": fill("\r\n"),
    "a long number": HEAD.replace("CSeq: 1", "CSeq: " + "9" * 8000) + "\r\n",
    "long vias": HEAD + ("Via: SIP/2.0/UDP h" + ";a=" * 2000 + "\r\n") * 8 + "\r\n",
}


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message(name: str) -> None:
    data = MESSAGES[name].encode()
    assert len(data) <= 65536
    assert seconds(lambda: parse(data), 0.25) < 0.25


@pytest.mark.parametrize("name", MESSAGES)
def test_every_stream_byte_by_byte(name: str) -> None:
    data = MESSAGES[name].encode()
    single = [data[index : index + 1] for index in range(len(data))]

    def feed() -> None:
        framer = StreamFramer()
        for byte in single:
            list(framer.feed(byte))

    assert seconds(feed, 1.5) < 1.5


CREDENTIALS = [
    'Digest a="", ', 'Digest username="', "Digest a=b,", "Digest ,", 'Digest "', "Digest =", "Digest a=\\",
    "Digest  ", 'Digest username="a", ', "Basic ", 'Digest a="\\"', "Digest\t",
]  # fmt: skip


@pytest.mark.parametrize("unit", CREDENTIALS)
def test_credentials_and_challenges(unit: str) -> None:
    scheme, _, rest = unit.partition(" ")
    for text in (f"{scheme} {fill(rest or ' ')}", fill(unit), f"{scheme} {fill(rest or ' ')}!"):
        for read in (parse_credentials, parse_challenge):
            assert seconds(lambda: read(text), 0.25) < 0.25, (read, text[:40])


BODIES = {
    "crypto": b"a=crypto:1 X inline:A;", "cryptos": b"a=crypto:1 X inline:A\r\n", "signals": b"Signal=1\r\n",
    "a long signal": b"Signal = 1 ", "digits": b"5", "lines": b"\n", "keys": b"k=x\n", "returns": b"\r",
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("kind", ["application/sdp", "application/dtmf-relay", "application/dtmf"])
def test_what_a_trace_does_to_bodies(name: str, kind: str) -> None:
    data = (HEAD + f"Content-Type: {kind}\r\n\r\n").encode() + BODIES[name] * (SIZE // len(BODIES[name]))
    assert seconds(lambda: blanked(data), 0.25) < 0.25
    head = (HEAD + "Authorization: Digest " + fill("response=a ", 8000) + "\r\n") * 7
    assert seconds(lambda: blanked(head.encode()), 0.25) < 0.25


def test_a_stream_is_searched_once() -> None:
    """Searching from the start for every byte would look at 1.8 GB here."""
    searched = 0

    class Counting(bytearray):
        def find(self, what: bytes, start: int = 0) -> int:  # type: ignore[override]
            nonlocal searched
            searched += len(self) - start
            return super().find(what, start)

    framer = StreamFramer()
    framer._buffer = Counting()
    for _ in range(SIZE):
        assert list(framer.feed(b"a")) == []
    assert searched <= 4 * SIZE
