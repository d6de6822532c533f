"""Which keys may be pressed towards a participant, and how."""

from __future__ import annotations

from rooms import commands as ask
from rooms.errors import Invalid

KEYS = "0123456789*#ABCD"
PAUSE = ","
"""Half a second."""
MOST_KEYS = 64
LEAST_MS, MOST_MS = 40, 5000
"""Of a key and of the gap after it: shorter ones need not be recognized (ITU-T Q.24)."""


def checked_digits(command: ask.SendDigits) -> str:
    """Give them in capitals. Raises Invalid."""
    digits = command.digits.upper()
    if not 1 <= len(command.digits) <= MOST_KEYS or set(digits) - set(KEYS + PAUSE):
        raise Invalid(f"digits must be 1 to {MOST_KEYS} of {KEYS} and the comma, a pause; not {command.digits[:80]!r}")
    for name, ms in (("duration_ms", command.duration_ms), ("gap_ms", command.gap_ms)):
        if not LEAST_MS <= ms <= MOST_MS:
            raise Invalid(f"{name} must be {LEAST_MS} to {MOST_MS}, not {ms}")
    return digits
