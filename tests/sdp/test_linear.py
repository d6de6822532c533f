"""60 kB of any description, and what follows of it, in linear time. (Twice the size may take three times as long.)"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from confserver.sdp.agreement import Rejected
from confserver.sdp.negotiation import negotiate
from confserver.sdp.text import Bad, parse

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
AUDIO = "m=audio 4000 RTP/AVP 0\r\n"
SIZE = 60_000
ENOUGH_S = 0.25
"""Ten times what the slowest needs."""

DESCRIPTIONS = {
    "attributes": (HEAD + AUDIO, "a=x:y\r\n"),
    "attributes of the session": (HEAD, "a=x:y\r\n"),
    "m-lines": (HEAD, AUDIO),
    "formats": (HEAD + "m=audio 4000 RTP/AVP", " 0"),
    "rtpmaps": (HEAD + AUDIO, "a=rtpmap:0 PCMU/8000\r\n"),
    "fmtps": (HEAD + "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n", "a=fmtp:96 a=b;c=d\r\n"),
    "a long fmtp": (HEAD + "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 ", "a=b;"),
    "key presses": (HEAD + "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0", ",1"),
    "cryptos": (HEAD + "m=audio 4000 RTP/SAVP 0\r\n", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n"),
    "a long crypto": (HEAD + "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 X ", "inline:A;"),
    "ssrcs": (HEAD + AUDIO, "a=ssrc:1 cname:x\r\n"),
    "extmaps": (HEAD + AUDIO, "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"),
    "groups": (HEAD + "a=group:BUNDLE", " 0"),
    "origins": ("v=0\r\no=", "- 1 "),
    "connections": (HEAD + AUDIO, "c=IN IP4 192.0.2.9\r\n"),
    "bare line feeds": (HEAD, "\n"),
    "bare returns": (HEAD, "\r"),
    "spaces": (HEAD + "s=", " "),
    "zeros": (HEAD, "\0"),
    "one letter": ("", "a"),
}


def seconds(work: Callable[[], object]) -> float:
    best = 60.0
    for _ in range(5):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
        if best < ENOUGH_S:
            break
    return best


def settle(body: bytes) -> None:
    try:
        negotiate(parse(body), secrets=lambda size: b"x" * size)
    except (Bad, Rejected):
        return


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_descriptions(name: str) -> None:
    head, unit = DESCRIPTIONS[name]
    body = (head + unit * ((SIZE - len(head)) // len(unit))).encode()
    assert 0.9 * SIZE < len(body) <= SIZE
    assert seconds(lambda: settle(body)) < ENOUGH_S


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_as_much_as_is_taken(name: str) -> None:
    """Within the limits of lines and attributes, so that it is negotiated to its end."""
    head, unit = DESCRIPTIONS[name]
    body = (head + unit * min(500, 7000 // len(unit))).encode()
    assert seconds(lambda: settle(body)) < ENOUGH_S
