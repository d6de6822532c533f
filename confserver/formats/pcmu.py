"""G.711 mu-law (RFC 3551 section 4.5.14)."""

from confserver.formats.format import Format

PCMU = Format(name="PCMU", encoding="PCMU", clock_hz=8000, static_payload_type=0)
