"""G.711 A-law (RFC 3551 section 4.5.14)."""

from confserver.formats.format import Format

PCMA = Format(name="PCMA", encoding="PCMA", clock_hz=8000, static_payload_type=8)
