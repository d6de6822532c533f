from __future__ import annotations

import pytest

from confserver.sip.grammar import Malformed
from confserver.sip.headers import (
    CSeq,
    Headers,
    parse_contacts,
    parse_cseq,
    parse_name_addr,
    parse_name_addrs,
    parse_via,
)
from confserver.sip.names import canonical


@pytest.mark.parametrize(
    ("given", "proper"),
    [
        ("via", "Via"),
        ("V", "Via"),
        ("call-id", "Call-ID"),
        ("I", "Call-ID"),
        ("CSEQ", "CSeq"),
        ("l", "Content-Length"),
        ("x", "Session-Expires"),
        ("www-authenticate", "WWW-Authenticate"),
        ("Via \t", "Via"),
        ("x-my-HEADER", "X-My-Header"),
        ("z", "Z"),
    ],
)
def test_proper_names(given: str, proper: str) -> None:
    assert canonical(given) == proper
    assert canonical(proper) == proper


@pytest.mark.parametrize("name", ["", " ", "a b", " Via", "Vi:a", "Via\r\nX", "Größe", "a\x00", "\u212a"])
def test_not_names(name: str) -> None:
    with pytest.raises(Malformed):
        canonical(name)
    with pytest.raises(Malformed):
        Headers().add(name, "x")


def vias() -> Headers:
    return Headers([("v", "SIP/2.0/UDP a, SIP/2.0/UDP b"), ("Subject", "one, two"), ("VIA", "SIP/2.0/UDP c")])


def test_values_of_lists_are_single_and_in_order() -> None:
    headers = vias()
    assert headers.get("via") == "SIP/2.0/UDP a"
    assert headers.get_all("V") == ["SIP/2.0/UDP a", "SIP/2.0/UDP b", "SIP/2.0/UDP c"]
    assert headers.get_all("s") == ["one, two"]
    assert headers.get("Route") is None
    assert headers.get_all("Route") == []
    assert list(headers) == [
        ("Via", "SIP/2.0/UDP a, SIP/2.0/UDP b"),
        ("Subject", "one, two"),
        ("Via", "SIP/2.0/UDP c"),
    ]
    assert len(headers) == 3


def test_credentials_are_no_list() -> None:
    digest = 'Digest realm="a, b", nonce="x", qop="auth,auth-int"'
    headers = Headers([("WWW-Authenticate", digest), ("Authorization", digest)])
    assert headers.get_all("WWW-Authenticate") == [digest]
    assert headers.get("Authorization") == digest


def test_the_top_via_is_taken_off_value_by_value() -> None:
    headers = vias()
    headers.remove_first("Via")
    assert headers.get_all("Via") == ["SIP/2.0/UDP b", "SIP/2.0/UDP c"]
    headers.remove_first("Via")
    headers.remove_first("Via")
    assert "Via" not in headers
    headers.remove_first("Via")
    assert list(headers) == [("Subject", "one, two")]


def test_the_top_via_is_rewritten_where_it_stands() -> None:
    headers = vias()
    headers.replace_first("Via", "SIP/2.0/UDP a;rport=1")
    assert headers.get_all("Via") == ["SIP/2.0/UDP a;rport=1", "SIP/2.0/UDP b", "SIP/2.0/UDP c"]
    headers.replace_first("Subject", "three")
    assert headers.get_all("Subject") == ["three"]
    assert [name for name, _ in headers] == ["Via", "Via", "Subject", "Via"]


def test_a_new_via_comes_before_the_others() -> None:
    headers = Headers([("From", "x"), ("Via", "b")])
    headers.insert_first("Via", "a")
    assert list(headers) == [("From", "x"), ("Via", "a"), ("Via", "b")]
    headers.insert_first("Route", " r ")
    assert next(iter(headers)) == ("Route", "r")


def test_set_leaves_one_in_its_place() -> None:
    headers = Headers([("Contact", "a"), ("To", "t"), ("m", "b")])
    headers.set("contact", "c")
    assert list(headers) == [("Contact", "c"), ("To", "t")]
    headers.set("Expires", "60")
    assert list(headers)[-1] == ("Expires", "60")
    headers.remove("CONTACT")
    headers.remove("Contact")
    assert "m" not in headers
    assert "t" in headers
    assert 5 not in headers


def test_a_copy_goes_its_own_way() -> None:
    headers = vias()
    other = headers.copy()
    assert other == headers
    other.add("X", "1")
    assert other != headers
    assert "X" not in headers
    assert headers != "headers"


def test_typed_values_are_read_once_and_again_after_a_change() -> None:
    reads: list[str] = []

    def read(text: str) -> str:
        reads.append(text)
        return text.upper()

    headers = Headers([("To", "a")])
    copied = headers.copy()
    assert [headers.typed("To", read), headers.typed("t", read)] == ["A", "A"]
    assert reads == ["a"]
    for change, expected in [
        (lambda: headers.set("To", "b"), "B"),
        (lambda: headers.insert_first("To", "c"), "C"),
        (lambda: headers.remove_first("To"), "B"),
        (lambda: headers.replace_first("To", "d"), "D"),
        (lambda: headers.add("To", "e"), "D"),
    ]:
        change()
        assert headers.typed("To", read) == expected
    assert headers.typed("To", str.lower) == "d"
    assert copied.typed("To", read) == "A"
    headers.remove("To")
    with pytest.raises(Malformed):
        headers.typed("To", read)


def test_cseq() -> None:
    assert parse_cseq("0009 \t INVITE") == CSeq(9, "INVITE")
    assert parse_cseq("4294967295 ACK") == CSeq(4294967295, "ACK")
    assert str(CSeq(1, "BYE")) == "1 BYE"


@pytest.mark.parametrize(
    "text",
    ["", "1", "INVITE", "1INVITE", "-1 INVITE", "4294967296 INVITE", "1 INVITE x", "1 IN/VITE", "1_0 BYE", "1, BYE"],
)
def test_bad_cseq(text: str) -> None:
    with pytest.raises(Malformed):
        parse_cseq(text)


def test_two_quoted_contacts_in_one_header() -> None:
    headers = Headers([("Contact", '"A, B" <sip:a@h>;q=1, "C" <sip:c,d@h>;expires=60'), ("m", "sip:e@h;q=0.1")])
    contacts = parse_contacts(headers)
    assert [str(contact) for contact in contacts] == [
        '"A, B" <sip:a@h>;q=1',
        '"C" <sip:c,d@h>;expires=60',
        "<sip:e@h>;q=0.1",
    ]


def test_the_star_stands_alone() -> None:
    assert parse_contacts(Headers([("Contact", "*")])) == "*"
    assert parse_contacts(Headers()) == []
    for bad in ("*, <sip:a@h>", "*;expires=0", "**"):
        with pytest.raises(Malformed):
            parse_contacts(Headers([("Contact", bad)]))


def test_a_route_set() -> None:
    headers = Headers([("Record-Route", "<sip:p1;lr>, <sip:p2;lr>"), ("Record-Route", "<sip:p3;lr>")])
    assert [route.uri.host for route in parse_name_addrs(headers, "Record-Route")] == ["p1", "p2", "p3"]
    headers.add("Record-Route", "<sip:p4")
    with pytest.raises(Malformed):
        parse_name_addrs(headers, "Record-Route")


def test_one_door_for_all_values() -> None:
    headers = Headers([("Via", "SIP/2.0/UDP h"), ("Refer-To", "<sip:a@h?Replaces=x>")])
    assert headers.typed("Via", parse_via).host == "h"
    assert headers.typed("Refer-To", parse_name_addr).uri.header("Replaces") == "x"
