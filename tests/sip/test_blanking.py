"""What nobody shall read in a trace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.sip.blanking import blanked

HEAD = b"INVITE sip:a@b SIP/2.0\r\nContent-Type: application/sdp\r\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32",
            b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|2^20|1:32",
        ),
        (b"A=CRYPTO:1 X Inline:abc;inline:def KDR=1", b"A=CRYPTO:1 X Inline:xxx;inline:xxx KDR=1"),
        (b"k=base64:c2VjcmV0", b"k=xxxxxxxxxxxxxxx"),
        (b"a=key-mgmt:mikey AQAF", b"a=key-mgmt:xxxxxxxxxx"),
        (b"a=rtpmap:0 PCMU/8000", b"a=rtpmap:0 PCMU/8000"),
        (b"a=note:inline:abc", b"a=note:inline:abc"),
    ],
)
def test_keys_of_media(text: bytes, left: bytes) -> None:
    for end in (b"\r\n", b"\n"):
        before, after = HEAD + b"\r\nv=0" + end + text + end, HEAD + b"\r\nv=0" + end + left + end
        assert blanked(before) == after and len(before) == len(after)


def test_answers_to_challenges() -> None:
    line = b'Authorization: Digest username="anna", nonce="n", response="6629fae49393a05397450978507c4ef1", qop=auth'
    told = blanked(b"REGISTER sip:b SIP/2.0\r\n" + line + b"\r\n\r\n")
    assert b'username="anna"' in told and b"6629" not in told and b'response="' + b"x" * 32 + b'"' in told
    assert blanked(b"X\r\nproxy-authorization : Basic YTpi\r\n\r\n") == b"X\r\nproxy-authorization : Basic xxxx\r\n\r\n"
    assert blanked(b"X\r\nWWW-Authenticate: Digest response=abc\r\n\r\n").endswith(b"response=abc\r\n\r\n")


def test_keys_that_were_pressed() -> None:
    """They may be a PIN."""
    relay = b"INFO sip:a SIP/2.0\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=160\r\n"
    assert blanked(relay).endswith(b"\r\n\r\nSignal=x\r\nDuration=160\r\n")
    plain = b"INFO sip:a SIP/2.0\r\nc: application/dtmf\r\n\r\n5#"
    assert blanked(plain).endswith(b"\r\n\r\nxx")
    assert blanked(plain.replace(b"dtmf", b"text")).endswith(b"5#")


@given(st.binary(max_size=300))
def test_anything_keeps_its_length(data: bytes) -> None:
    assert len(blanked(data)) >= len(data) - 300  # whitespace around odd credentials may go
    assert len(blanked(b"INVITE x SIP/2.0\r\n\r\n" + data)) == len(data) + 20
