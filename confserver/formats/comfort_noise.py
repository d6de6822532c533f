"""Comfort noise in the pauses of sound with a clock of 8000 Hz (RFC 3389).

Taken from phones that offer it. Offers of ours leave it out: some phones would begin to cut pauses out of speech, and
the beginnings of words with them.
"""

from confserver.formats.format import Format

COMFORT_NOISE = Format(
    name="CN", encoding="CN", clock_hz=8000, static_payload_type=13, is_audio=False, is_offered=False
)
