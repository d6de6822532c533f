"""message/cpim (RFC 3862): read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.sip.cpim import Address, Cpim, parse_cpim, write_cpim
from confserver.sip.grammar import Malformed

EXAMPLE = (
    b"From: MR SANDERS <im:piglet@100akerwood.com>\r\n"
    b'To: "Depressed Donkey" <im:eeyore@100akerwood.com>\r\n'
    b"DateTime: 2000-12-13T13:40:00-08:00\r\n"
    b"Subject: the weather will be fine today\r\n"
    b"Subject:;lang=fr beau temps prevu pour aujourd'hui\r\n"
    b"NS: MyFeatures <mid:MessageFeatures@id.foo.com>\r\n"
    b"MyFeatures.VitalMessageOption: Confirmation-requested\r\n"
    b"\r\n"
    b"Content-type: text/xml; charset=utf-8\r\n"
    b"Content-ID: <1234567890@foo.com>\r\n"
    b"\r\n"
    b"<body>Here is the text of my message.</body>"
)
"""RFC 3862 section 5.1, without its Require."""


def test_the_example_of_the_rfc() -> None:
    message = parse_cpim(EXAMPLE)
    assert message.from_ == Address("MR SANDERS", "im:piglet@100akerwood.com")
    assert message.to == (Address("Depressed Donkey", "im:eeyore@100akerwood.com"),)
    assert message.at == 976743600.0 and message.content_type == "text/xml"
    assert (
        message.content.startswith(b"<body>")
        and ("NS", "MyFeatures <mid:MessageFeatures@id.foo.com>") in message.others
    )


def test_what_is_written_can_be_read() -> None:
    message = Cpim(Address('A "b" \\ c', "sip:a@b"), (Address("", "sip:r@h"),), "grüß\r\n\r\nGott".encode(), at=1e9)
    assert parse_cpim(write_cpim(message)) == message
    assert b"DateTime: 2001-09-09T01:46:40Z\r\n" in write_cpim(message)
    assert b"Content-Type: text/plain; charset=utf-8\r\n\r\ngr\xc3\xbc" in write_cpim(message)


def test_names_break_no_line() -> None:
    written = write_cpim(Cpim(Address("a\r\nTo: <sip:evil@x>", "sip:a@b"), (Address("", "sip:r@h"),), b"x"))
    assert parse_cpim(written).to == (Address("", "sip:r@h"),)


def test_line_feeds_alone_are_forgiven() -> None:
    assert parse_cpim(b"From: <a>\nTo: <b>\n\nContent-Type: text/plain\n\nhello").content == b"hello"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"hello", b"From: <a>\r\nTo: <b>\r\n\r\nhello", b"From: <a>\r\n\r\nContent-Type: text/plain\r\n\r\nx",
        b"To: <a>\r\n\r\nContent-Type: text/plain\r\n\r\nx", b"From: a\r\nTo: <b>\r\n\r\nContent-Type: t/p\r\n\r\nx",
        b"From: <a>\r\nTo: <b>\r\nRequire: X.y\r\n\r\nContent-Type: text/plain\r\n\r\nx",
        b"From <a>\r\nTo: <b>\r\n\r\nContent-Type: text/plain\r\n\r\nx",
        b"From: <a>\r\nTo: <b>\r\n" + b"X: y\r\n" * 40 + b"\r\nContent-Type: text/plain\r\n\r\nx",
        b"From: <a>\r\nTo: <b>\r\nX: " + b"y" * 2000 + b"\r\n\r\nContent-Type: text/plain\r\n\r\nx",
        b"From: <\xff>\r\nTo: <b>\r\n\r\nContent-Type: text/plain\r\n\r\nx",
    ],
)  # fmt: skip
def test_what_is_none(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_cpim(body)


def test_a_text_that_is_none() -> None:
    with pytest.raises(Malformed):
        parse_cpim(b"From: <a>\r\nTo: <b>\r\n\r\nContent-Type: text/plain\r\n\r\n\xff").text()


def test_a_time_that_is_none() -> None:
    assert parse_cpim(b"From: <a>\r\nTo: <b>\r\nDateTime: soon\r\n\r\nX: y\r\n\r\nx").at is None


@given(st.text(max_size=40), st.binary(max_size=60))
def test_any_name_and_any_content_come_back(name: str, content: bytes) -> None:
    name = "".join(c for c in name if not "\ud800" <= c <= "\udfff").strip()
    message = Cpim(Address(name, "sip:a@b"), (Address("", "sip:r@h"),), content)
    again = parse_cpim(write_cpim(message))
    assert again.content == content and again.from_.uri == "sip:a@b"


@given(st.binary(max_size=400))
def test_anything_else_is_read_or_refused(body: bytes) -> None:
    try:
        parse_cpim(b"From: <a>\r\nTo: <b>\r\n" + body)
    except Malformed:
        pass
