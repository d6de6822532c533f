"""Where packets belong in time: a play of loss, lateness, repeats, pauses and new beginnings."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.phone.reception import Reception, signed
from confserver.rtp.header import Packet

START = 1_700_000_000.0


def packet(number: int, timestamp: int | None = None, ssrc: int = 1) -> Packet:
    """The one with this number of a stream of 20 ms frames."""
    at = 160 * number if timestamp is None else timestamp
    return Packet(0, False, number & 0xFFFF, at & 0xFFFF_FFFF, ssrc, b"\xff" * 160)


def heard(reception: Reception, *packets: tuple[Packet, float]) -> list[int | None]:
    return [reception.take(each, 160, START + at) for each, at in packets]


def test_lost_late_and_doubled_packets() -> None:
    reception = Reception()
    order = [(packet(n), 0.02 * n) for n in (0, 1, 4, 2, 2, 5, 4)]
    assert heard(reception, *order) == [0, 160, 640, 320, None, 800, None]
    assert (reception.received, reception.lost) == (5, 1)
    assert reception.stream is not None
    block = reception.stream.block(0, None, START + 1)
    assert (block.lost, block.fraction_lost, block.highest_sequence) == (-1, 0, 5), "as RFC 3550 A.3 counts"


def test_the_first_packet_is_the_beginning() -> None:
    reception = Reception()
    assert heard(reception, (packet(10), 3.0), (packet(9), 3.01), (packet(11), 3.02)) == [0, -160, 160]
    assert reception.lost == 0


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF))
def test_numbers_wrap(sequence: int, timestamp: int) -> None:
    reception = Reception()
    stream = [(packet(sequence + n, timestamp + 160 * n), 0.02 * n) for n in range(5)]
    assert heard(reception, *stream) == [0, 160, 320, 480, 640]
    assert reception.stream is not None
    assert reception.stream.block(0, None, START).highest_sequence == sequence + 4
    assert reception.lost == 0


def test_another_ssrc_goes_on_at_its_arrival() -> None:
    reception = Reception()
    before = [(packet(n), 0.02 * n) for n in range(3)]
    after = [(packet(9000 + n, 77 + 160 * n, ssrc=2), 1.0 + 0.02 * n) for n in range(2)]
    assert heard(reception, *before, *after) == [0, 160, 320, 8000, 8160]
    assert heard(reception, (packet(3), 1.05)) == [480], "a straggler of the first"
    assert (reception.received, reception.lost) == (6, 0)


def test_a_new_beginning_never_covers_what_was_heard() -> None:
    reception = Reception()
    early = [(packet(n), 0.0) for n in range(50)]
    assert heard(reception, *early, (packet(7, ssrc=2), 0.1))[-1] == 50 * 160


def test_a_restarted_clock_or_sequence_is_a_new_beginning() -> None:
    for again in (packet(3, 5_000_000), packet(30_000, 480), packet(30_000, 5_000_000)):
        reception = Reception()
        assert heard(reception, *[(packet(n), 0.02 * n) for n in range(3)], (again, 2.0)) == [0, 160, 320, 16_000]


def test_a_pause_is_no_new_beginning() -> None:
    """Silence suppression: the timestamp goes on with the clock, the sequence does not."""
    reception = Reception()
    assert heard(reception, (packet(0), 0.0), (packet(1, 80_000), 10.0)) == [0, 80_000]
    assert reception.lost == 0


def test_a_network_that_stood_still_is_no_new_beginning() -> None:
    reception = Reception()
    late = [(packet(n), 5.0) for n in range(1, 250)]
    assert heard(reception, (packet(0), 0.0), *late)[-1] == 249 * 160


def test_loss_of_earlier_streams_is_kept() -> None:
    reception = Reception()
    for ssrc in (1, 2, 3, 4):
        heard(reception, *[(packet(n, ssrc=ssrc), 10.0 * ssrc + 0.02 * n) for n in (0, 1, 3)])
    assert (reception.received, reception.lost) == (12, 4)


def test_jitter_is_that_of_the_arrivals() -> None:
    steady, rough = Reception(), Reception()
    heard(steady, *[(packet(n), 0.02 * n) for n in range(200)])
    heard(rough, *[(packet(n), 0.02 * n + 0.01 * (n % 2)) for n in range(200)])
    assert steady.jitter_ms < 0.01
    assert 9.5 < rough.jitter_ms < 10.1


def test_loss_in_report_blocks_is_since_the_last() -> None:
    reception = Reception()
    heard(reception, *[(packet(n), 0.02 * n) for n in range(100) if n % 4 != 1])
    assert reception.stream is not None
    first = reception.stream.block(7, START, START + 2)
    second = reception.stream.block(7, START, START + 2)
    assert (first.lost, first.fraction_lost, first.lsr, first.dlsr) == (25, 64, 7, 131_072)
    assert (second.lost, second.fraction_lost) == (25, 0)


def test_memory_is_bounded() -> None:
    reception = Reception()
    heard(reception, *[(packet(n), 0.02 * n) for n in range(70_000)])
    assert reception.stream is not None and len(reception.stream._seen) <= 2048
    assert reception.lost == 0


def test_differences_wrap_to_the_nearest() -> None:
    assert [signed(difference, 16) for difference in (0, 1, -1, 0xFFFF, 0x8000, -0x8001)] == [
        0,
        1,
        -1,
        -1,
        -0x8000,
        0x7FFF,
    ]
