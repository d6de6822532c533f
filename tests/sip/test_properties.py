"""What holds for every message: round trips, and that nothing but Malformed is ever raised."""

from __future__ import annotations

import itertools
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.sip import address, framing, grammar, head, headers, message, names, uri, via
from confserver.sip.address import NameAddr, parse_name_addr
from confserver.sip.framing import Ping, StreamFramer
from confserver.sip.grammar import Malformed, read_params, split_commas, write_params
from confserver.sip.headers import CSeq, parse_contacts, parse_cseq
from confserver.sip.message import Request, Response, parse, response_to
from confserver.sip.uri import Uri, parse_uri
from confserver.sip.via import Via, parse_via
from tests.sip import strategies as sip
from tests.sip import torture

WIRE = [torture.message(text) for text in (torture.VALID | torture.READ).values()]
WIRE += [torture.message(text) for _, _, text in torture.REFUSED.values()]
FRAMED = [torture.message(torture.VALID[name]) for name in ("wsinv", "intmeth", "esc01", "unreason", "mpart01")]
FRAMED.append(b"\r\n\r\n")
SPICE = [
    b"\r\n",
    b"\r\n ",
    b"\r",
    b"\n",
    b'"',
    b"<",
    b">",
    b";",
    b",",
    b"\\",
    b"\x00",
    b"\xff",
    b"%",
    b":",
    b"@",
    b"l: 3\r\n",
]

unhurried = settings(deadline=None, max_examples=100)  # the machine may be busy with other things


# ------------------------------------------------------------------ round trips
@unhurried
@given(sip.uris)
def test_uris(value: Uri) -> None:
    assert parse_uri(str(value)) == value
    assert value.matches(value)


@unhurried
@given(sip.addresses)
def test_addresses(value: NameAddr) -> None:
    assert parse_name_addr(str(value)) == value
    value.label.encode()


@unhurried
@given(sip.vias)
def test_vias(value: Via) -> None:
    assert parse_via(str(value)) == value


@unhurried
@given(sip.params)
def test_params(value: grammar.Params) -> None:
    assert read_params(write_params(value)) == value


@unhurried
@given(st.builds(CSeq, st.integers(0, 2**32 - 1), sip.tokens))
def test_cseqs(value: CSeq) -> None:
    assert parse_cseq(str(value)) == value


@unhurried
@given(st.lists(sip.addresses, max_size=3))
def test_lists(value: list[NameAddr]) -> None:
    text = " ,".join(map(str, value))
    assert split_commas(text) == [str(one) for one in value]
    assert parse_contacts(headers.Headers([("Contact", text)])) == value


@settings(deadline=None, max_examples=60)
@given(sip.requests() | sip.responses())
def test_messages(value: Request | Response) -> None:
    again = parse(bytes(value))
    assert again == value
    assert (again.from_, again.to, again.cseq) == (value.from_, value.to, value.cseq)


@settings(deadline=None, max_examples=40)
@given(sip.requests(), st.sampled_from([100, 180, 200, 404]))
def test_answers(request: Request, status: int) -> None:
    answer = parse(bytes(response_to(request, status, to_tag="ours")))
    assert isinstance(answer, Response)
    assert answer.vias == request.vias
    assert answer.from_ == request.from_
    assert (answer.call_id, answer.cseq) == (request.call_id, request.cseq)
    if status > 100:
        assert answer.to.has_param("tag")


@unhurried
@given(st.lists(st.sampled_from(FRAMED), max_size=6), st.lists(st.integers(1, 300), min_size=1, max_size=10))
def test_streams(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(sent)
    framer, got, start = StreamFramer(), [], 0
    for cut in itertools.cycle(cuts):
        got += framer.feed(stream[start : start + cut])
        start += cut
        if start >= len(stream):
            break
    came = [b"\r\n\r\n" if isinstance(piece, Ping) else piece for piece in got]
    assert once(came) == once(sent)


def once(pieces: list[bytes]) -> list[bytes]:
    """With one ping for several in a row: how many become one depends on how the stream was cut."""
    return [piece for index, piece in enumerate(pieces) if piece != b"\r\n\r\n" or pieces[index - 1 : index] != [piece]]


# ------------------------------------------------------------------ anything may come
@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(WIRE)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        data[start:end] = draw(st.sampled_from(SPICE) | st.binary(max_size=4) | st.just(bytes(data[start:end]) * 2))
    return bytes(data)


def look_at_everything(found: Request | Response) -> None:
    """What ``parse`` has promised must be there; all else may be Malformed."""
    for promised in (found.via, found.from_, found.to, found.cseq):
        assert parse_again(promised) == promised
    assert found.call_id
    found.from_.label.encode()
    found.to.uri.user_decoded.encode()
    for read in (lambda: found.vias, lambda: found.contacts):
        try:
            read()
        except Malformed:
            pass


def parse_again(value: Via | NameAddr | CSeq) -> Via | NameAddr | CSeq:
    reader = {Via: parse_via, NameAddr: parse_name_addr, CSeq: parse_cseq}[type(value)]
    return reader(str(value))


def answer(fault: Malformed) -> None:
    if fault.remains is not None:
        data = bytes(response_to(fault.remains, fault.status, to_tag="ours"))
        assert data.count(b"\r\n\r\n") == 1
        assert parse_via(fault.remains.headers.get_all("Via")[0]) == fault.remains.via


@settings(unhurried, max_examples=300)
@given(mutated())
def test_mutated_datagrams(data: bytes) -> None:
    try:
        found = parse(data)
    except Malformed as fault:
        answer(fault)
        return
    look_at_everything(found)
    assert parse(bytes(found)) == found
    if isinstance(found, Request):
        bytes(response_to(found, 200, to_tag="ours"))


@unhurried
@given(st.lists(mutated(), min_size=1, max_size=3))
def test_mutated_streams(sent: list[bytes]) -> None:
    """Where the framer has cut by Content-Length, the reader must find the same length."""
    framer = StreamFramer()
    try:
        for piece in framer.feed(b"".join(sent)):
            if isinstance(piece, bytes):
                same_length(piece)
    except Malformed as fault:
        answer(fault)


def same_length(piece: bytes) -> None:
    try:
        found = parse(piece)
    except Malformed as fault:
        assert "bytes came" not in fault.reason
        return
    assert piece.partition(b"\r\n\r\n")[2] == found.body


@unhurried
@given(st.text(max_size=60) | st.text('";,<>\\ =:@[]sipSIP/2.0%', max_size=60))
def test_any_text(text: str) -> None:
    for read in (parse_uri, parse_name_addr, parse_via, parse_cseq, read_params, split_commas):
        try:
            read(text)
        except Malformed as fault:
            assert fault.reason


# ------------------------------------------------------------------ linear time, by construction
def repeats(parsed: object) -> list[str]:
    """The names of all kinds of repeat in a parsed pattern."""
    found: list[str] = []
    for item in parsed:  # type: ignore[attr-defined]
        if isinstance(item, tuple):
            found += [str(item[0])] if "REPEAT" in str(item[0]) else []
            found += repeats(item)
        elif isinstance(item, re._parser.SubPattern | list):  # type: ignore[attr-defined]
            found += repeats(item)
    return found


def test_no_pattern_can_backtrack() -> None:
    assert repeats(re._parser.parse("(a+|b)*?c")) == ["MIN_REPEAT", "MAX_REPEAT"]  # type: ignore[attr-defined]
    modules = (address, framing, grammar, head, headers, message, names, uri, via)
    patterns = [thing for module in modules for thing in vars(module).values() if isinstance(thing, re.Pattern)]
    assert len(patterns) > 10
    for pattern in patterns:
        assert set(repeats(re._parser.parse(pattern.pattern))) <= {"POSSESSIVE_REPEAT"}  # type: ignore[attr-defined]
