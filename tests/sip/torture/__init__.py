"""The messages of RFC 4475 and RFC 5118, and what each must give.

Written with LF; ``message`` makes CRLF of it. ``<SDP>`` stands for the RFC's usual body, ``<07>`` and the like for
single bytes. Long and repetitive messages are shortened in the middle, not in what they test.
"""

from __future__ import annotations

import re

from tests.sip.torture.ipv6 import IPV6
from tests.sip.torture.read import READ
from tests.sip.torture.refused import REFUSED
from tests.sip.torture.valid import VALID

__all__ = ["IPV6", "READ", "REFUSED", "VALID", "message"]

SDP = """\
v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.3
s=-
c=IN IP4 192.0.2.4
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
"""


def message(text: str) -> bytes:
    """A message of this file as it goes over the wire."""
    raw = text.replace("<SDP>", SDP).replace("\n", "\r\n").encode()
    return re.sub(rb"<([0-9a-f]{2})>", lambda found: bytes.fromhex(found[1].decode()), raw)
