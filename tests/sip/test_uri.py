from __future__ import annotations

import pytest

from confserver.sip.grammar import Malformed
from confserver.sip.uri import Uri, escape_user, parse_uri

# RFC 3261 19.1.3, RFC 5118, RFC 3966, and what phones write.
GOOD = {
    "sip:alice@atlanta.com": Uri("sip", "alice", host="atlanta.com"),
    "sip:alice:secretword@atlanta.com;transport=tcp": Uri(
        "sip", "alice", "secretword", "atlanta.com", params=(("transport", "tcp"),)
    ),
    "sips:alice@atlanta.com?subject=project%20x&priority=urgent": Uri(
        "sips", "alice", host="atlanta.com", headers=(("subject", "project%20x"), ("priority", "urgent"))
    ),
    "sip:+1-212-555-1212:1234@gateway.com;user=phone": Uri(
        "sip", "+1-212-555-1212", "1234", "gateway.com", params=(("user", "phone"),)
    ),
    "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com": Uri(
        "sip", host="atlanta.com", params=(("method", "REGISTER"),), headers=(("to", "alice%40atlanta.com"),)
    ),
    "sip:alice;day=tuesday@atlanta.com": Uri("sip", "alice;day=tuesday", host="atlanta.com"),
    "sip:a,b@h": Uri("sip", "a,b", host="h"),
    "sip:host1": Uri("sip", host="host1"),
    "sip:my_host:5062": Uri("sip", host="my_host", port=5062),
    "sip:192.0.2.1": Uri("sip", host="192.0.2.1"),
    "sip:[2001:db8::10]": Uri("sip", host="2001:db8::10"),
    "sip:a@[2001:db8::10]:5070;lr": Uri("sip", "a", host="2001:db8::10", port=5070, params=(("lr", None),)),
    "sip:user@[2001:db8:::192.0.2.1]": Uri("sip", "user", host="2001:db8:::192.0.2.1"),  # RFC 5118 4.10
    "sip:a@h;maddr=[2001:db8::1]": Uri("sip", "a", host="h", params=(("maddr", "[2001:db8::1]"),)),
    "sip:*72#@h": Uri("sip", "*72#", host="h"),
    "sip:a:@h": Uri("sip", "a", "", "h"),
    "tel:+1-201-555-0123": Uri("tel", "+1-201-555-0123"),
    "tel:7042;phone-context=example.com": Uri("tel", "7042", params=(("phone-context", "example.com"),)),
    "urn:service:sos": Uri("urn", "service:sos"),
    "http://example.com/a?b": Uri("http", "//example.com/a?b"),
}

BAD = [
    "",
    "sip",
    "sip:",
    ":a@b",
    "1sip:a@b",
    "sip:@h",
    "sip:a@",
    "sip:a@b@c",
    "sip:a b@h",
    "sip:a@h ",
    " sip:a@h",
    "<sip:a@h>",
    'sip:"a"@h',
    "sip:a@h:",
    "sip:a@h:x",
    "sip:a@h:70000",
    "sip:a@h:-1",
    "sip:a@h;;lr",
    "sip:a@h;=x",
    "sip:a@h?",
    "sip:a@h?a=b&",
    "sip:a@h?=b",
    "sip:a@[2001:db8::1",
    "sip:a@2001:db8::1",
    "sip:a@[fe80::1%eth0]",
    "sip:a@[]",
    "sip:a@h\r\nVia: x",
    "sip:a@hö",
    "sip:a\x00b@h",
    "tel:",
    "tel:call me",
    "urn:",
    "urn:a b",
    "*",
]


@pytest.mark.parametrize("text", GOOD)
def test_read_and_written(text: str) -> None:
    uri = parse_uri(text)
    assert uri == GOOD[text]
    assert str(uri) == text


@pytest.mark.parametrize("text", BAD)
def test_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_uri(text)


def test_the_scheme_has_no_case() -> None:
    assert parse_uri("SIP:alice@Atlanta.com") == Uri("sip", "alice", host="Atlanta.com")
    assert parse_uri("Tel:112").scheme == "tel"


def test_a_semicolon_at_the_end_is_forgiven() -> None:
    assert str(parse_uri("sip:a@h;lr;")) == "sip:a@h;lr"


def test_escapes() -> None:
    uri = parse_uri("sip:%61n%C3%BC%zz@h;x=%3b?Replaces=a%40b%3Bto-tag%3D1")
    assert uri.user_decoded == "anü%zz"
    assert uri.param("X") == ";"
    assert uri.header("replaces") == "a@b;to-tag=1"
    assert uri.param("y") is None and uri.header("y") is None
    assert parse_uri("sip:%FF%00@h").user_decoded == "\ufffd"


def test_bytes_that_are_no_utf8_never_raise() -> None:
    user = b"sip:caf\xe9@h".decode("utf-8", "surrogateescape")
    assert parse_uri(user).user_decoded == "caf\ufffd"
    assert str(parse_uri(user)).encode("utf-8", "surrogateescape") == b"sip:caf\xe9@h"


def test_flags_and_values() -> None:
    uri = parse_uri("sip:h;lr;transport=TCP")
    assert uri.has_param("LR") and uri.param("lr") is None
    assert uri.param("Transport") == "TCP"
    assert str(uri.with_param("transport", "udp").with_param("x", None)) == "sip:h;lr;transport=udp;x"
    assert str(uri.replace(user="bob", port=5070, params=())) == "sip:bob@h:5070"


def test_any_room_name_can_be_a_user() -> None:
    for name in ("standup", "große Runde", "a@b", "x<y>", "50%", "a:b", "#1"):
        uri = parse_uri(f"sip:{escape_user(name)}@h")
        assert uri.user_decoded == name


# 19.1.4 gives these pairs.
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ],
)
def test_equivalent(one: str, other: str) -> None:
    assert parse_uri(one).matches(parse_uri(other))
    assert parse_uri(other).matches(parse_uri(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:a@h", "sips:a@h"),
        ("sip:a@h", "sip:a:b@h"),
        ("sip:a@h;maddr=192.0.2.1", "sip:a@h"),
        ("sip:h", "sip:a@h"),
    ],
)
def test_not_equivalent(one: str, other: str) -> None:
    assert not parse_uri(one).matches(parse_uri(other))
    assert not parse_uri(other).matches(parse_uri(one))
