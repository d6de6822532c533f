"""Reports made without objects are those made with them."""

from __future__ import annotations

from dataclasses import astuple

from hypothesis import given
from hypothesis import strategies as st

from confserver.rtp import rtcp
from confserver.rtp.short_reports import receiver_report, sender_report

WORD = st.integers(0, 2**32 - 1)
BLOCK = st.none() | st.builds(
    rtcp.ReportBlock, ssrc=WORD, fraction_lost=st.integers(0, 255), lost=st.integers(-(2**30), 2**30),
    highest_sequence=WORD, jitter=WORD, lsr=WORD, dlsr=WORD,
)  # fmt: skip


@given(WORD, st.integers(0, 2**64 - 1), WORD, WORD, WORD, BLOCK)
def test_sender_reports(ssrc: int, ntp: int, timestamp: int, packets: int, octets: int, block) -> None:
    blocks = (block,) if block else ()
    report = rtcp.SenderReport(
        ssrc=ssrc, ntp=ntp, rtp_timestamp=timestamp, packets=packets, octets=octets, blocks=blocks
    )
    short = sender_report(ssrc, ntp, timestamp, packets, octets, astuple(block) if block else None)
    assert short == rtcp.write([report])


@given(WORD, BLOCK)
def test_receiver_reports(ssrc: int, block) -> None:
    report = rtcp.ReceiverReport(ssrc=ssrc, blocks=(block,) if block else ())
    assert receiver_report(ssrc, astuple(block) if block else None) == rtcp.write([report])
