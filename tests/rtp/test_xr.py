"""Extended reports (RFC 3611), written and read, and their bad twins."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.rtp import rtcp, xr

SSRC = st.integers(0, 2**32 - 1)
SHARE = st.integers(0, 255).map(lambda each: each / 256)
MS = st.integers(0, 0xFFFF)
RATING = st.none() | st.integers(0, 100)
OPINION = st.none() | st.integers(10, 50).map(lambda each: each / 10)
DB = st.none() | st.integers(-128, 126)
METRICS = st.builds(
    xr.VoipMetrics, ssrc=SSRC, loss=SHARE, discarded=SHARE, burst_density=SHARE, gap_density=SHARE, burst_ms=MS,
    gap_ms=MS, round_trip_ms=MS, end_system_ms=MS, signal_db=DB, noise_db=DB,
    echo_return_db=st.none() | st.integers(0, 126), gmin=st.integers(0, 255), rating=RATING, external=RATING,
    mos_lq=OPINION, mos_cq=OPINION, plc=st.integers(0, 3), jb_adaptive=st.integers(0, 3), jb_rate=st.integers(0, 15),
    jb_nominal_ms=MS, jb_maximum_ms=MS, jb_most_ms=MS,
)  # fmt: skip
BLOCK = (
    st.builds(xr.ReferenceTime, st.integers(0, 2**64 - 1))
    | st.builds(xr.Heard, SSRC, SSRC, st.integers(0, 2**32 - 1))
    | METRICS
)


@given(SSRC, st.lists(BLOCK, max_size=5))
def test_what_is_written_is_read(ssrc: int, blocks: list[xr.Block]) -> None:
    report = rtcp.ExtendedReport(ssrc, tuple(blocks))
    data = rtcp.write([rtcp.ReceiverReport(ssrc=ssrc), report])
    assert rtcp.parse(data) == [rtcp.ReceiverReport(ssrc=ssrc), report]
    assert rtcp.is_compound(data)


def test_where_each_field_of_the_voip_metrics_lies() -> None:
    """Byte for byte as drawn in RFC 3611 section 4.7."""
    metrics = xr.VoipMetrics(
        ssrc=0x01020304, loss=0.5, discarded=0.25, burst_density=0.125, gap_density=1, burst_ms=0x1112, gap_ms=0x2122,
        round_trip_ms=0x3132, end_system_ms=0x4142, signal_db=-20, noise_db=-70, echo_return_db=55, gmin=16, rating=93,
        external=None, mos_lq=4.4, mos_cq=4.1, plc=xr.PLC_ENHANCED, jb_adaptive=xr.JB_ADAPTIVE, jb_rate=5,
        jb_nominal_ms=0x0051, jb_maximum_ms=0x0061, jb_most_ms=0x0071,
    )  # fmt: skip
    assert xr.written([metrics]).hex(" ", -4) == (
        "07000008 01020304 804020ff 11122122 31324142 ecba3710 5d7f2c29 b5000051 00610071"
    )


@pytest.mark.parametrize(
    ("block", "data"),
    [
        (xr.ReferenceTime(0x0102030405060708), "04000002 01020304 05060708"),
        (xr.Heard(1, 2, 3), "05000003 00000001 00000002 00000003"),
    ],
)
def test_where_each_field_of_the_others_lies(block: xr.Block, data: str) -> None:
    assert xr.written([block]).hex(" ", -4) == data


def test_several_heard_in_one_block_and_what_is_not_known() -> None:
    known = bytes.fromhex("05000006" + "00000001 00000002 00000003" + "00000004 00000005 00000006")
    unknown = bytes.fromhex("01000002 00000000 00000000") + bytes.fromhex("0400 0001 00000000")
    assert xr.parse(unknown + known) == (xr.Heard(1, 2, 3), xr.Heard(4, 5, 6))


def test_opinions_and_ratings_that_cannot_be_are_not_believed() -> None:
    data = bytearray(xr.written([xr.VoipMetrics(ssrc=1, rating=50, external=50, mos_lq=3, mos_cq=3)]))
    data[24:28] = bytes([101, 126, 9, 51])
    (metrics,) = xr.parse(bytes(data))
    assert isinstance(metrics, xr.VoipMetrics)
    assert (metrics.rating, metrics.external, metrics.mos_lq, metrics.mos_cq) == (None, None, None, None)


def test_what_is_beyond_its_field_is_clipped() -> None:
    wild = xr.VoipMetrics(ssrc=1, loss=1.7, discarded=-1, burst_ms=1e9, signal_db=-300, rating=130, mos_cq=0.2)
    (read,) = xr.parse(xr.written([wild]))
    assert isinstance(read, xr.VoipMetrics)
    assert (read.loss, read.discarded, read.burst_ms) == (255 / 256, 0, 0xFFFF)
    assert (read.signal_db, read.rating, read.mos_cq) == (-128, 100, 1.0)


@pytest.mark.parametrize(
    "body", ["", "00000001 07000008", "00000001 07000008 00000000", "00000001 04000002 00000000"],
    ids=["no SSRC", "no metrics", "half of the metrics", "half of a time"],
)  # fmt: skip
def test_what_is_cut_off_is_bad(body: str) -> None:
    raw = bytes.fromhex(body)
    with pytest.raises(rtcp.BadRtcp):
        rtcp.parse(struct.pack("!BBH", 0x80, rtcp.XR, len(raw) // 4) + raw)


@given(st.binary(max_size=120))
def test_no_bytes_do_harm(body: bytes) -> None:
    data = struct.pack("!BBH", 0x80, rtcp.XR, len(body) // 4) + body[: len(body) // 4 * 4]
    try:
        rtcp.parse(data)
    except rtcp.BadRtcp:
        return
