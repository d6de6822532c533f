"""Keys in INFO: ``application/dtmf-relay`` (Signal= and Duration= lines) and ``application/dtmf`` (the key alone).

No RFC has them; they are what phones and gateways have sent since before RFC 6086, without an Info-Package.
"""

from __future__ import annotations

from confserver.sip.grammar import Malformed

RELAY, BARE = "application/dtmf-relay", "application/dtmf"
TYPES = (RELAY, BARE)
KEYS = frozenset("0123456789*#ABCD")
DURATION_MS = 100
"""Where the phone does not say."""
MOST_MS = 10_000
_BY_NUMBER = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
"""Some write the number of the event (RFC 4733 3.2)."""


def read_key(content_type: str, body: bytes) -> tuple[str, int]:
    """The key and for how many ms it was pressed. Raises Malformed."""
    text = body[:200].decode("ascii", "replace")
    if content_type == BARE:
        return _key(text), DURATION_MS
    lines = (line.partition("=") for line in text.replace("\r", "\n").split("\n"))
    said = {name.strip().lower(): value.strip() for name, equals, value in lines if equals}
    duration = said.get("duration", "")
    is_number = duration.isascii() and duration.isdigit() and len(duration) < 7
    return _key(said.get("signal", "")), min(int(duration), MOST_MS) if is_number else DURATION_MS


def _key(text: str) -> str:
    key = text.strip().strip('"').upper()
    key = _BY_NUMBER.get(key, key)
    if key not in KEYS:
        raise Malformed(f"no key: {text[:20]!r}")
    return key
