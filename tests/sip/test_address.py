from __future__ import annotations

import pytest

from confserver.sip.address import NameAddr, parse_name_addr
from confserver.sip.grammar import Malformed
from confserver.sip.uri import Uri

URI = Uri("sip", "a", host="h")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sip:a@h", NameAddr("", URI)),
        ("<sip:a@h>", NameAddr("", URI)),
        (" <sip:a@h> ", NameAddr("", URI)),
        ("sip:a@h;tag=x", NameAddr("", URI, (("tag", "x"),))),
        ("sip:a@h ; tag = x", NameAddr("", URI, (("tag", "x"),))),
        ("<sip:a@h;lr>;tag=x", NameAddr("", URI.replace(params=(("lr", None),)), (("tag", "x"),))),
        ('"Ann B" <sip:a@h>;q=0.5;x', NameAddr("Ann B", URI, (("q", "0.5"), ("x", None)))),
        ('"Ann"<sip:a@h>', NameAddr("Ann", URI)),
        ("Ann B <sip:a@h>", NameAddr("Ann B", URI)),
        ("Ann<sip:a@h>", NameAddr("Ann", URI)),
        ('"" <sip:a@h>', NameAddr("", URI)),
        ('"<sip:evil@x>" <sip:a@h>', NameAddr("<sip:evil@x>", URI)),
        (r'"a \"b\" \\" <sip:a@h>', NameAddr('a "b" \\', URI)),
        ("My (x) Name <sip:a@h>", NameAddr("My (x) Name", URI)),
        ("Bürgi <sip:a@h>", NameAddr("Bürgi", URI)),
        ("ann@work <sip:a@h>", NameAddr("ann@work", URI)),
        ("<sip:a,b@h>", NameAddr("", URI.replace(user="a,b"))),
        ("<SIP:a@h>", NameAddr("", URI)),
        ("<tel:+123>;tag=1", NameAddr("", Uri("tel", "+123"), (("tag", "1"),))),
        ("<sip:a@h?Replaces=x%3By>", NameAddr("", URI.replace(headers=(("Replaces", "x%3By"),)))),
        ('sip:a@h;x="<sip:b@c>"', NameAddr("", URI, (("x", '"<sip:b@c>"'),))),
        ("<sip:a@h>;", NameAddr("", URI)),
    ],
)
def test_read(text: str, address: NameAddr) -> None:
    assert parse_name_addr(text) == address
    assert parse_name_addr(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ann",
        "<>",
        "<sip:a@h",
        "sip:a@h>",
        "<<sip:a@h>>",
        '"Ann <sip:a@h>',
        'Ann" <sip:a@h>',
        '"Ann" sip:a@h',
        "Bell, Ann <sip:a@h>",
        "sip:a@h <sip:b@h>",
        "<sip:a@h> tail",
        "<sip:a@h>, <sip:b@h>",
        "sip:a@h?x=y",
        "sip:a,b@h",
        "< sip:a@h >",
        "<sip:a@h>;;tag=x",
        "*",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_name_addr(text)


def test_the_instance_keeps_its_quotes_and_brackets() -> None:
    text = '<sip:a@h>;+sip.instance="<urn:uuid:f81d4fae>";reg-id=1'
    address = parse_name_addr(text)
    assert address.param("+SIP.instance") == "<urn:uuid:f81d4fae>"
    assert str(address) == text


def test_tags() -> None:
    assert parse_name_addr("<sip:a@h>").tag == ""
    assert parse_name_addr("<sip:a@h>;TAG=x").tag == "x"
    assert str(parse_name_addr("A <sip:a@h>;x").with_param("tag", "y")) == '"A" <sip:a@h>;x;tag=y'


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('"Ann B" <sip:a@h>', "Ann B"),
        ("<sip:ann%20b@h>", "ann b"),
        ("<sip:h>", "h"),
        ("<tel:+123>", "+123"),
        ('" \\\x07 " <sip:ann@h>', "ann"),
    ],
)
def test_what_to_call_them(text: str, label: str) -> None:
    assert parse_name_addr(text).label == label


def test_a_name_in_another_encoding_is_kept_and_still_shown() -> None:
    raw = b'"B\xfcrgi" <sip:a@h>'
    address = parse_name_addr(raw.decode("utf-8", "surrogateescape"))
    assert str(address).encode("utf-8", "surrogateescape") == raw
    assert address.label == "B\ufffdrgi"
