"""RTCP: reports on the wire, and what they let one reckon."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.rtp import rtcp
from confserver.rtp.rtcp import (
    BadRtcp,
    Bye,
    Chunk,
    Other,
    ReceiverReport,
    ReportBlock,
    Sdes,
    SenderReport,
    compound,
    fraction_lost,
    is_compound,
    middle,
    ntp_time,
    parse,
    round_trip,
    write,
)

NOW = 1_760_000_000.25

BLOCK = ReportBlock(
    ssrc=0xBEEF, fraction_lost=25, lost=-3, highest_sequence=0x1_0042, jitter=160, lsr=0x1234_5678, dlsr=65_536
)
SENDER = SenderReport(ssrc=7, ntp=ntp_time(NOW), rtp_timestamp=8000, packets=50, octets=8000, blocks=(BLOCK,))
# one SR without blocks and an SDES with a CNAME, written down by hand from RFC 3550 sections 6.4.1 and 6.5
BY_HAND = bytes.fromhex(
    "80c80006 00000007 eb8e1c80 40000000 00001f40 00000032 00001f40" + "81ca0003 00000007 0103 612e62 000000"
)


def test_a_compound_by_hand_is_read():
    report, sdes = parse(BY_HAND)
    assert report == SenderReport(
        ssrc=7, ntp=0xEB8E1C80_40000000, rtp_timestamp=8000, packets=50, octets=8000, blocks=()
    )
    assert sdes == Sdes((Chunk(7, ((1, "a.b"),)),))
    assert sdes.chunks[0].cname == "a.b"
    assert write([report, sdes]) == BY_HAND


def test_what_we_send_is_a_valid_compound_and_reads_back():
    data = compound(SENDER, "room@confserver", bye="room closed")
    assert is_compound(data)
    assert parse(data) == [SENDER, Sdes((Chunk(7, ((1, "room@confserver"),)),)), Bye((7,), "room closed")]


def test_a_leg_that_has_not_sent_reports_as_receiver():
    data = compound(ReceiverReport(ssrc=9), "c")
    assert is_compound(data)
    assert parse(data) == [ReceiverReport(ssrc=9), Sdes((Chunk(9, ((1, "c"),)),))]


def test_bye_without_a_reason_has_no_text():
    assert compound(ReceiverReport(ssrc=9), "c", bye="")[-8:] == bytes.fromhex("81cb0001 00000009")
    assert parse(compound(ReceiverReport(ssrc=9), "c"))[-1] == Sdes((Chunk(9, ((1, "c"),)),))


def test_blocks_beyond_31_go_into_further_reports():
    blocks = tuple(ReportBlock(ssrc=n) for n in range(70))
    sender, first, second = parse(
        write([SenderReport(ssrc=1, ntp=0, rtp_timestamp=0, packets=0, octets=0, blocks=blocks)])
    )
    assert (len(sender.blocks), len(first.blocks), len(second.blocks)) == (31, 31, 8)
    assert sender.blocks + first.blocks + second.blocks == blocks
    assert (first.ssrc, second.ssrc) == (1, 1)


def test_long_texts_are_cut_between_characters():
    (sdes,) = parse(write([Sdes((Chunk(1, ((1, "é" * 200),)),))]))
    assert sdes.chunks[0].cname == "é" * 127


def test_a_chunk_without_cname_has_none():
    assert Chunk(1, ((2, "Ana"),)).cname is None


def test_more_chunks_than_have_a_place_are_our_mistake():
    with pytest.raises(ValueError, match="32 entries"):
        write([Sdes(tuple(Chunk(n) for n in range(32)))])


@pytest.mark.parametrize("loss", [0, 1, -1, 0x7F_FFFF, -0x80_0000])
def test_cumulative_loss_has_a_sign(loss):
    (report,) = parse(write([ReceiverReport(ssrc=1, blocks=(ReportBlock(ssrc=2, lost=loss, fraction_lost=255),))]))
    assert (report.blocks[0].lost, report.blocks[0].fraction_lost) == (loss, 255)


def test_cumulative_loss_stays_within_24_bits():
    assert rtcp.clamped_lost(10**9) == 0x7F_FFFF and rtcp.clamped_lost(-(10**9)) == -0x80_0000


def test_unknown_types_and_padding_are_taken():
    feedback = bytes.fromhex("81ce0002 00000001 00000002")
    padded = bytes.fromhex("a0c90002 00000001 00000004")
    assert parse(feedback + padded) == [Other(206, 1, bytes.fromhex("0000000100000002")), ReceiverReport(ssrc=1)]
    assert not is_compound(feedback + padded)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "no bytes"),
        ("80c9", "cut off"),
        ("40c90001 00000001", "version 1"),
        ("80c90002 00000001", "12 bytes in 8"),
        ("81c90001 00000001", "type 201"),  # a block is promised and none there
        ("80c80001 00000001", "type 200"),
        ("80c90001 00000001 80", "cut off"),
        ("80c90001 00000001 00000000", "version 0"),
        ("a0c90001 00000000", "padding of 0"),
        ("a0c90001 00000003", "padding of 3"),
        ("a0c90001 00000008", "padding of 8"),
        ("a0c90000", "padding of 0 bytes in 0"),
        ("81ca0002 00000001 01096162", "type 202"),  # an item longer than its packet
        ("82ca0002 00000001 00000000", "type 202"),
        ("82cb0001 00000001", "type 203"),
        ("81cb0002 00000001 09616263", "type 203"),
        ("80c90001 00000001" * 65, "more than 64"),
    ],
)
def test_what_cannot_be_read_says_why(data, reason):
    with pytest.raises(BadRtcp, match=reason):
        parse(bytes.fromhex(data))


@pytest.mark.parametrize(
    "data",
    [
        "",
        "80c90000",  # shorter than its SSRC
        "81ca0001 00000001",  # SDES first
        "a0c90002 00000001 00000004",  # padding in the first
        "40c90001 00000001",
        "80c90001 00000001 40ca0000",  # version 1 in the second
        "80c90001 00000001 80ca0001",  # lengths do not add up
        "8000000a 00000001",  # RTP
    ],
)
def test_the_validity_check_of_appendix_a2(data):
    assert not is_compound(bytes.fromhex(data))
    assert is_compound(BY_HAND)


def test_ntp_time():
    assert ntp_time(0.0) == 2_208_988_800 << 32
    assert ntp_time(NOW) == (1_760_000_000 + 2_208_988_800 << 32) + (1 << 30)
    assert middle(0x1234_5678_9ABC_DEF0) == 0x5678_9ABC


def test_ntp_time_goes_on_in_the_era_of_2036():
    assert ntp_time(2.0**32 - 2_208_988_800 + 5) == 5 << 32


def reported(sent_at: float, kept: float) -> ReportBlock:
    return ReportBlock(ssrc=1, lsr=middle(ntp_time(sent_at)), dlsr=rtcp.delay_since(0.0, kept))


def test_round_trip():
    assert round_trip(reported(NOW, 2.0), NOW + 2.125) == pytest.approx(0.125, abs=1e-4)


def test_round_trip_over_the_wrap_of_the_middle_bits():
    wrap = 65_536.0 * 33_000 - 2_208_988_800 % 65_536
    assert round_trip(reported(wrap - 1.0, 1.0), wrap + 0.5) == pytest.approx(0.5, abs=1e-4)


def test_a_round_trip_just_below_zero_is_rounding_and_far_below_is_none():
    assert round_trip(reported(NOW, 2.001), NOW + 2.0) == 0.0
    assert round_trip(reported(NOW, 2.2), NOW + 2.0) is None
    assert round_trip(ReportBlock(ssrc=1, lsr=0, dlsr=0), NOW) is None


def test_delay_since():
    assert rtcp.delay_since(None, NOW) == 0
    assert rtcp.delay_since(NOW, NOW + 1.5) == 98_304
    assert rtcp.delay_since(NOW, NOW - 1) == 0
    assert rtcp.delay_since(0.0, 1e9) == 0xFFFF_FFFF


@pytest.mark.parametrize(
    ("counts", "fraction"),
    [
        ((100, 100, 0, 0), 0),
        ((100, 75, 0, 0), 64),
        ((200, 150, 100, 100), 128),
        ((200, 100, 100, 100), 255),  # all: 256 has no place in the byte
        ((100, 110, 0, 0), 0),  # duplicates
        ((100, 90, 100, 90), 0),  # nothing was expected
        ((90, 90, 100, 90), 0),  # the source began anew
    ],
)
def test_fraction_lost(counts, fraction):
    assert fraction_lost(*counts) == fraction


U32 = st.integers(0, 2**32 - 1)
BLOCKS = st.builds(
    ReportBlock,
    ssrc=U32,
    fraction_lost=st.integers(0, 255),
    lost=st.integers(-0x80_0000, 0x7F_FFFF),
    highest_sequence=U32,
    jitter=U32,
    lsr=U32,
    dlsr=U32,
)
FEW_BLOCKS = st.lists(BLOCKS, max_size=5).map(tuple)
TEXT = st.text(max_size=60).filter(lambda text: len(text.encode(errors="replace")) <= 255).filter(str.isprintable)
ITEMS = st.lists(st.tuples(st.integers(1, 8), TEXT), max_size=4).map(tuple)
PACKETS = st.one_of(
    st.builds(
        SenderReport,
        ssrc=U32,
        ntp=st.integers(0, 2**64 - 1),
        rtp_timestamp=U32,
        packets=U32,
        octets=U32,
        blocks=FEW_BLOCKS,
    ),
    st.builds(ReceiverReport, ssrc=U32, blocks=FEW_BLOCKS),
    st.builds(Sdes, st.lists(st.builds(Chunk, U32, ITEMS), max_size=4).map(tuple)),
    st.builds(Bye, st.lists(U32, max_size=4).map(tuple), TEXT),
    st.builds(
        Other,
        st.integers(204, 255).filter(lambda kind: kind != 207),
        st.integers(0, 31),
        st.integers(0, 9).map(lambda words: bytes(words * 4)),
    ),
)


@settings(max_examples=150)
@given(st.lists(PACKETS, min_size=1, max_size=6))
def test_all_that_can_be_said_reads_back(packets):
    assert parse(write(packets)) == packets


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_noise_is_read_or_refused(data):
    try:
        parse(data)
    except BadRtcp as bad:
        assert str(bad)


@settings(max_examples=200)
@given(st.data())
def test_mutations_of_a_good_compound_are_read_or_refused(data):
    good = bytearray(compound(SENDER, "room@confserver", bye="over"))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(good[: data.draw(st.integers(0, len(good)))])
    try:
        packets = parse(cut)
    except BadRtcp as bad:
        assert str(bad)
    else:
        assert 1 <= len(packets) <= len(cut) // 4


def test_a_header_that_promises_much_costs_little():
    with pytest.raises(BadRtcp):
        parse(struct.pack("!BBH", 0x9F, 201, 0xFFFF) + bytes(100))
