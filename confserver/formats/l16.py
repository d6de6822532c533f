"""Samples of 16 bits as they are, one channel (RFC 3551 section 4.5.11).

A packet must fit into an Ethernet frame of 1500 bytes, and this sound is large: at 48 kHz it goes by 10 ms only. No
offer of ours begins with it, for it takes four to twelve times the bandwidth of other formats.
"""

from confserver.formats.format import Format

L16_8 = Format(name="L16-8", encoding="L16", clock_hz=8000, is_offered=False)
L16_16 = Format(name="L16-16", encoding="L16", clock_hz=16000, packets_ms=(10, 20, 30, 40), is_offered=False)
L16_48 = Format(name="L16-48", encoding="L16", clock_hz=48000, packets_ms=(10,), is_offered=False)
