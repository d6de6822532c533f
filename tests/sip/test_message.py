from __future__ import annotations

import pytest

from confserver.sip.grammar import Malformed, Unwritable
from confserver.sip.headers import CSeq, Headers, NameAddr
from confserver.sip.message import REASONS, Request, Response, parse, response_to
from confserver.sip.uri import Uri, parse_uri

INVITE = (
    "INVITE sip:standup@192.0.2.10 SIP/2.0",
    "Via: SIP/2.0/UDP 192.0.2.20:5066;rport;branch=z9hG4bKa!b",
    "Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bKc",
    "Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>",
    "Max-Forwards: 70",
    'From: "Ann" <sip:ann@example.com>;tag=1',
    "To: <sip:standup@192.0.2.10>",
    "Call-ID: abc@192.0.2.20",
    "CSeq: 1 INVITE",
    "Contact: <sip:ann@192.0.2.20:5066>",
    "Timestamp: 54",
)


def wire(*lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape") + body


def changed(**lines: str | None) -> bytes:
    """The INVITE with some headers written anew (None: left out); ``Call_ID`` for Call-ID."""
    kept = []
    for line in INVITE:
        name = line.partition(":")[0].replace("-", "_")
        if name not in lines:
            kept.append(line)
        elif (value := lines[name]) is not None:
            kept.append(value)
    return wire(*kept)


def invite(*more: str, body: bytes = b"") -> Request:
    request = parse(wire(*INVITE, *more, body=body))
    assert isinstance(request, Request)
    return request


def refused(data: bytes) -> Malformed:
    with pytest.raises(Malformed) as caught:
        parse(data)
    return caught.value


# ------------------------------------------------------------------ reading
def test_a_request() -> None:
    request = invite("Content-Type: Application/SDP ; charset=utf-8", "Content-Length: 3", body=b"v=0")
    assert str(request) == "INVITE sip:standup@192.0.2.10"
    assert (request.via.branch, len(request.vias)) == ("z9hG4bKa!b", 2)
    assert (request.from_.tag, request.to.tag) == ("1", "")
    assert (request.call_id, request.cseq, request.max_forwards) == ("abc@192.0.2.20", CSeq(1, "INVITE"), 70)
    assert request.contacts == [NameAddr("", Uri("sip", "ann", host="192.0.2.20", port=5066))]
    assert (request.content_type, request.body) == ("application/sdp", b"v=0")


def test_a_response() -> None:
    response = parse(wire("SIP/2.0 486 Busy Here", *INVITE[1:]))
    assert isinstance(response, Response)
    assert (response.status, response.reason, str(response)) == (486, "Busy Here", "486 Busy Here")
    assert response.content_type == ""


@pytest.mark.parametrize("start", ["SIP/2.0 180", "sip/2.0 180 Ringing", "SIP/2.0 180 "])
def test_odd_but_clear_status_lines(start: str) -> None:
    response = parse(wire(start, *INVITE[1:]))
    assert isinstance(response, Response) and response.status == 180


@pytest.mark.parametrize(
    "start",
    [
        "SIP/2.0",
        "SIP/2.0 ",
        "SIP/2.0 99 x",
        "SIP/2.0 700 x",
        "SIP/2.0 20 OK",
        "SIP/2.0 2000 OK",
        "SIP/2.0 +20 OK",
        "SIP/2.0  200 OK",
    ],
)
def test_bad_status_lines_are_dropped(start: str) -> None:
    assert refused(wire(start, *INVITE[1:])).remains is None


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("INVITE sip:a@h SIP/3.0", 505),
        ("INVITE sip:a@h sip/1.0", 505),
        ("INVITE sip:a@h HTTP/1.1", 400),
        ("INVITE sip:a@h", 400),
        ("INVITE", 400),
        ("INVITE  SIP/2.0", 400),
        ("INVITE sip:a b@h SIP/2.0", 400),
        ("INVITE sip:a@h:99999 SIP/2.0", 400),
        ("INVITE sip:a@h SIP/2.0 ", 400),
        ("INVITE mailto:a@h SIP/2.0", 416),
        ("INVITE * SIP/2.0", 400),
    ],
)
def test_a_bad_request_line_is_answered(start: str, status: int) -> None:
    fault = refused(wire(start, *INVITE[1:]))
    assert fault.status == status
    assert fault.remains is not None
    answer = response_to(fault.remains, fault.status, to_tag="ours")
    assert [str(via) for via in answer.vias] == [line.removeprefix("Via: ") for line in INVITE[1:3]]
    assert (answer.to.tag, answer.call_id, answer.cseq.number) == ("ours", "abc@192.0.2.20", 1)


@pytest.mark.parametrize("start", ["", "\x00\x01", "IN(VITE sip:a@h SIP/2.0", "GET / HTTP/1.1"])
def test_what_is_not_sip_is_not_answered(start: str) -> None:
    data = wire(start, "Host: x") if start.startswith("GET") else wire(start, *INVITE[1:])
    assert refused(data).remains is None


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\r\n", b"\n", b"\x00\x00\x00\x00", b"\xff" * 100, b" "])
def test_keep_alives_and_noise_are_malformed(data: bytes) -> None:
    assert refused(data).remains is None


def test_crlf_before_the_start_line() -> None:
    assert parse(b"\r\n\r\n" + wire(*INVITE)) == invite()


def test_tel_and_capital_schemes() -> None:
    for uri in ("tel:+123", "SIP:a@h"):
        request = parse(wire(f"INVITE {uri} SIP/2.0", *INVITE[1:]))
        assert isinstance(request, Request) and request.uri == parse_uri(uri)


# ------------------------------------------------------------------ the headers that must be there
@pytest.mark.parametrize("name", ["From", "To", "Call_ID", "CSeq"])
def test_a_missing_header_is_400(name: str) -> None:
    fault = refused(changed(**{name: None}))
    assert fault.status == 400
    assert name.replace("_", "-") in fault.reason
    assert fault.remains is not None
    response_to(fault.remains, 400, to_tag="ours").encode()


def test_without_via_there_is_no_way_back() -> None:
    assert refused(changed(Via=None)).remains is None


def test_max_forwards_may_be_missing() -> None:
    request = parse(changed(Max_Forwards=None))
    assert isinstance(request, Request) and request.max_forwards is None


@pytest.mark.parametrize(
    "lines",
    [
        {"Via": "Via: UDP 192.0.2.20"},
        {"From": "From: Ann"},
        {"From": "From: <sip:a@h>;;tag=1"},
        {"To": 'To: "A <sip:a@h>'},
        {"Call_ID": "Call-ID:"},
        {"CSeq": "CSeq: INVITE"},
        {"CSeq": "CSeq: 1 ACK"},
        {"CSeq": "CSeq: 1 invite"},
        {"Max_Forwards": "Max-Forwards: many"},
        {"Max_Forwards": "Max-Forwards: 256"},
        {"Max_Forwards": "Max-Forwards: 70\r\nMax-Forwards: 69"},
        {"From": "From: <sip:a@h>;tag=1\r\nf: <sip:b@h>;tag=1"},
        {"To": "To: <sip:a@h>\r\nTo: <sip:a@h>;tag=1"},
        {"Call_ID": "Call-ID: a\r\ni: b"},
        {"CSeq": "CSeq: 1 INVITE\r\nCSeq: 2 INVITE"},
        {"Contact": "no colon here"},
        {"Contact": "Bad Name: x"},
        {"Contact": ": x"},
        {"Contact": "Subject: a\rb"},
        {"Contact": "Subject: a\nVia: b"},
    ],
)
def test_bad_or_ambiguous_headers_are_400(lines: dict[str, str]) -> None:
    fault = refused(changed(**lines))
    assert fault.status == 400
    assert (fault.remains is None) == ("Via" in lines)
    if fault.remains is not None:
        response_to(fault.remains, 400, to_tag="ours").encode()


def test_the_same_said_twice_is_clear() -> None:
    request = parse(changed(Max_Forwards="Max-Forwards: 70\r\nmax-forwards: 70"))
    assert isinstance(request, Request) and request.max_forwards == 70


def test_an_ack_is_never_answered() -> None:
    ack = [line.replace("INVITE", "ACK") for line in INVITE]
    assert parse(wire(*ack)).cseq.method == "ACK"
    assert refused(wire(*ack, "Bad Name: x")).remains is None


def test_a_bad_contact_is_found_when_it_is_read() -> None:
    request = parse(changed(Contact="Contact: <sip:a@h"))
    with pytest.raises(Malformed):
        _ = request.contacts


# ------------------------------------------------------------------ Content-Length
def test_the_body_is_cut_at_content_length() -> None:
    assert invite("l: 3", body=b"v=0 and more").body == b"v=0"
    assert invite("Content-Length: 0", body=b"v=0").body == b""
    assert invite(body=b"all of it").body == b"all of it"
    assert invite("Content-Length: 003", "l: 3", body=b"v=0").body == b"v=0"


@pytest.mark.parametrize("length", ["4", "-1", "", "3x", "1_0", "0x3", "3, 3", "99999999999999999999", "３"])
def test_a_wrong_length_is_400(length: str) -> None:
    fault = refused(wire(*INVITE, f"Content-Length: {length}", body=b"v=0"))
    assert fault.status == 400 and fault.remains is not None


def test_two_lengths() -> None:
    refused(wire(*INVITE, "Content-Length: 3", "l: 2", body=b"v=0"))


def test_content_length_is_counted_not_copied() -> None:
    request = invite("Content-Length: 3", body=b"v=0")
    assert "Content-Length" not in request.headers
    request.headers.set("Content-Length", "99")
    request.body = b"v=0\r\n"
    assert bytes(request).count(b"Content-Length") == 1
    assert b"\r\nContent-Length: 5\r\n\r\nv=0\r\n" in bytes(request)


# ------------------------------------------------------------------ limits and odd text
def test_limits() -> None:
    assert len(invite(*["X: y"] * (128 - len(INVITE) + 1)).headers) == 128
    too_many = refused(wire(*INVITE, *["X: y"] * (128 - len(INVITE) + 2)))
    assert (too_many.status, too_many.remains is not None) == (400, True)
    invite("X: " + "y" * (8192 - 3))
    assert refused(wire(*INVITE, "X: " + "y" * (8192 - 2))).remains is not None
    assert refused(wire(*INVITE, "X: a" + "\r\n " + "y" * 8000 + "\r\n " + "y" * 8000)).remains is not None
    invite("Supported: " + ",".join("a" * 64))
    assert refused(wire(*INVITE, "Supported: " + ",".join("a" * 65))).remains is not None
    invite("Subject: " + "," * 1000)
    big = refused(wire(*INVITE, body=b"x" * 65536))
    assert (big.status, big.remains is not None) == (513, True)


def test_a_head_without_end() -> None:
    fault = refused("\r\n".join(INVITE).encode())
    assert fault.remains is not None


def test_folded_lines() -> None:
    request = invite("Subject: one", "  two", "\tthree", " ", "X: y")
    assert request.headers.get("Subject") == "one two three"
    assert request.headers.get("X") == "y"


def test_names_in_any_encoding() -> None:
    for name in (b"B\xc3\xbcrgi", b"B\xfcrgi", b"\xff\xfe"):
        data = wire(*INVITE).replace(b"Ann", name)
        request = parse(data)
        assert isinstance(request, Request)
        assert name in bytes(request)
        assert name in bytes(response_to(request, 200))
        request.from_.label.encode()


# ------------------------------------------------------------------ writing
def test_a_request_is_written() -> None:
    request = Request("BYE", parse_uri("sip:a@h"), Headers([("v", "SIP/2.0/UDP x"), ("x-y", " z ")]), b"!")
    assert bytes(request) == b"BYE sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP x\r\nX-Y: z\r\nContent-Length: 1\r\n\r\n!"


@pytest.mark.parametrize("value", ["a\r\nVia: b", "a\rb", "a\nb", "\ud800"])
def test_no_value_can_begin_a_line(value: str) -> None:
    response = response_to(invite(), 200)
    response.headers.add("Subject", value)
    with pytest.raises(Unwritable):
        bytes(response)


def test_no_reason_name_or_uri_can_begin_a_line() -> None:
    display = str(NameAddr("Ann\r\nVia: x", parse_uri("sip:a@h")))
    for broken in (
        Response(200, "OK\r\nX: y", Headers()),
        Response(200, "OK", Headers([("Contact", display)])),
        Request("BYE", Uri("sip", "a\r\nX: y", host="h"), Headers()),
        Request("BYE", Uri("sip", "a b", host="h"), Headers()),
        Request("B YE", Uri("sip", "a", host="h"), Headers()),
    ):
        with pytest.raises(Unwritable):
            broken.encode()


# ------------------------------------------------------------------ answering
def test_an_answer_copies_what_it_must() -> None:
    answer = response_to(invite(), 200, to_tag="ours")
    assert [name for name, _ in answer.headers] == [
        "Via",
        "Via",
        "From",
        "To",
        "Call-ID",
        "CSeq",
        "Record-Route",
    ]
    assert str(answer.via) == "SIP/2.0/UDP 192.0.2.20:5066;rport;branch=z9hG4bKa!b"
    assert (answer.reason, answer.to.tag, answer.from_.tag) == ("OK", "ours", "1")
    assert answer.headers.get_all("Record-Route") == ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
    assert parse(bytes(answer)) == answer


@pytest.mark.parametrize(
    ("status", "has_tag", "has_route"), [(100, False, False), (180, True, True), (486, True, False)]
)
def test_tags_and_routes_by_status(status: int, has_tag: bool, has_route: bool) -> None:
    answer = response_to(invite(), status, to_tag="ours")
    assert (answer.to.tag == "ours") == has_tag
    assert ("Record-Route" in answer.headers) == has_route
    assert ("Timestamp" in answer.headers) == (status == 100)


def test_options_make_no_dialog() -> None:
    options = parse(wire(*INVITE).replace(b"INVITE", b"OPTIONS"))
    assert isinstance(options, Request)
    assert "Record-Route" not in response_to(options, 200).headers


def test_a_tag_that_is_there_stays() -> None:
    request = parse(changed(To="To: <sip:a@h>;tag=theirs"))
    assert isinstance(request, Request)
    assert response_to(request, 200, to_tag="ours").to.tag == "theirs"
    assert response_to(invite(), 200).to.tag == ""


def test_reasons() -> None:
    assert response_to(invite(), 488).reason == "Not Acceptable Here"
    assert response_to(invite(), 488, "No codec in common").reason == "No codec in common"
    assert response_to(invite(), 499).reason == "Unknown"
    assert all(100 <= status < 700 and reason for status, reason in REASONS.items())


def test_a_changed_via_is_what_the_answer_copies() -> None:
    request = invite()
    request.headers.replace_first(
        "Via", str(request.via.with_param("rport", "5066").with_param("received", "192.0.2.9"))
    )
    answer = response_to(request, 200)
    assert str(answer.via) == "SIP/2.0/UDP 192.0.2.20:5066;rport=5066;branch=z9hG4bKa!b;received=192.0.2.9"
    assert len(answer.vias) == 2
