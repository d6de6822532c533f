"""G.722 at 64 kbit/s, sound of 16 kHz under an RTP clock of 8000 Hz (RFC 3551 section 4.5.2)."""

from confserver.formats.format import Format

G722 = Format(name="G722", encoding="G722", clock_hz=8000, static_payload_type=9)
