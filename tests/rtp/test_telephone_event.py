"""Key presses: each is told exactly once, whatever the network does to its packets."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.rtp.telephone_event import DIGITS, BadEvent, DigitReceiver, Event, Press, build, parse, press

START = 1000


def packets(digit, start=START, **options):
    return [((start + each.offset) & 0xFFFF_FFFF, each.payload) for each in press(digit, **options)]


def heard(series, receiver=None):
    receiver = receiver or DigitReceiver()
    return [told for timestamp, payload in series for told in receiver.feed(timestamp, payload)]


def test_a_payload_by_hand():
    event = Event(code=11, end=True, volume=10, duration=800)
    assert parse(bytes.fromhex("0b8a0320")) == event
    assert build(event) == bytes.fromhex("0b8a0320")
    assert event.digit == "#"


def test_the_reserved_bit_and_what_follows_are_passed_over():
    assert parse(bytes.fromhex("01ca0320ffff")) == Event(1, True, 10, 800)


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x01\x8a\x03"])
def test_a_short_payload_is_refused(payload):
    with pytest.raises(BadEvent, match=f"{len(payload)} bytes"):
        parse(payload)
    with pytest.raises(BadEvent):
        DigitReceiver().feed(0, payload)


def test_the_table_of_digits():
    assert [Event(code, True, 0, 0).digit for code in range(16)] == list("0123456789*#ABCD")
    assert Event(16, True, 0, 0).digit is None


def test_the_series_of_a_press():
    series = list(press("5", duration_ms=100, ptime_ms=20))
    assert [each.marker for each in series] == [True] + [False] * 6
    assert [parse(each.payload).duration for each in series] == [160, 320, 480, 640, 800, 800, 800]
    assert [parse(each.payload).end for each in series] == [False] * 4 + [True] * 3
    assert {each.offset for each in series} == {0}
    assert {parse(each.payload).code for each in series} == {5}


def test_the_shortest_press_is_one_packet_and_its_repeats():
    series = list(press("a", duration_ms=1, ptime_ms=20))
    assert [each.marker for each in series] == [True, False, False]
    assert [parse(each.payload) for each in series] == [Event(12, True, 10, 160)] * 3


@pytest.mark.parametrize("digit", ["", "E", "12", "é", " "])
def test_what_is_no_key_cannot_be_sent(digit):
    with pytest.raises(ValueError, match="no key"):
        list(press(digit))


def test_a_press_is_told_once_with_its_duration():
    assert heard(packets("5", duration_ms=100)) == [Press("5", 100)]


def test_each_key_is_told():
    receiver = DigitReceiver()
    told = [heard(packets(digit, START + 2000 * n), receiver) for n, digit in enumerate(DIGITS)]
    assert told == [[Press(digit, 100)] for digit in DIGITS]


def test_the_same_key_twice_is_two_presses():
    assert heard(packets("1") + packets("1", START + 1600)) == [Press("1", 100), Press("1", 100)]


@pytest.mark.parametrize("lost", [range(1), range(6), range(4, 6), range(5, 7), range(1, 4)])
def test_lost_packets_lose_no_press(lost):
    left = [each for n, each in enumerate(packets("7")) if n not in lost]
    assert [told.digit for told in heard(left)] == ["7"]


def test_a_lost_end_is_made_good_by_the_next_press():
    assert heard(packets("7")[:4] + packets("7", START + 1600)) == [Press("7", 80), Press("7", 100)]


def test_one_packet_may_end_two_presses():
    receiver = DigitReceiver()
    assert heard(packets("7")[:4], receiver) == []
    assert receiver.feed(*packets("8", START + 1600)[-1]) == [Press("7", 80), Press("8", 100)]


def test_a_lost_end_is_made_good_by_passing_time():
    receiver = DigitReceiver()
    heard(packets("7")[:4], receiver)
    assert receiver.pass_time(START + 640 + 4000) == []
    assert receiver.pass_time(START + 640 + 4001) == [Press("7", 80)]
    assert receiver.pass_time(START + 640 + 8000) == []
    assert heard(packets("7")[4:], receiver) == []  # they were only late


def test_time_passes_without_a_press():
    assert DigitReceiver().pass_time(123456) == []


def test_late_packets_of_the_press_before_change_nothing():
    first, second = packets("1"), packets("2", START + 1600)
    assert heard(first[:3] + second[:2] + first[3:] + second[2:]) == [Press("1", 60), Press("2", 100)]


def test_a_new_timeline_far_back_is_not_taken_for_late():
    assert heard(packets("1", 900_000) + packets("2", 5_000)) == [Press("1", 100), Press("2", 100)]


def test_the_timestamp_may_wrap():
    start = 2**32 - 100
    assert heard(packets("1", start) + packets("2", start + 1600 & 0xFFFF_FFFF)) == [Press("1", 100), Press("2", 100)]


@pytest.mark.parametrize("duration_ms", [8180, 8191, 8192, 8200, 9000, 20_000])
def test_a_long_press_goes_on_in_segments_and_is_one(duration_ms):
    series = packets("*", duration_ms=duration_ms)
    assert len({timestamp for timestamp, _ in series}) == duration_ms * 8 // 0xFFFF + 1
    assert heard(series) == [Press("*", duration_ms)]
    assert all(parse(payload).duration <= 0xFFFF for _, payload in series)


def test_a_long_press_survives_a_lost_segment_end():
    series = [each for each in packets("*", duration_ms=9000) if parse(each[1]).duration < 0xFFFF - 1000]
    assert heard(series) == [Press("*", 9000)]


def test_a_phone_that_counts_the_timestamp_on_presses_once():
    odd = [(START + 160 * n, payload) for n, (_, payload) in enumerate(packets("3"))]
    assert [told.digit for told in heard(odd)] == ["3"]


def test_flash_is_no_digit_but_ends_one():
    flash = build(Event(16, True, 10, 160))
    assert heard([*packets("1")[:3], (START + 1600, flash), (START + 1600, flash)]) == [Press("1", 60)]


def test_description():
    receiver = DigitReceiver()
    assert receiver.describe()["pressed"] is None
    receiver.feed(*packets("9")[0])
    assert receiver.describe() == {"pressed": "9", "begin": START, "clock_hz": 8000}
    heard(packets("9"), receiver)
    assert receiver.describe()["pressed"] is None


@settings(max_examples=150)
@given(st.lists(st.sampled_from(DIGITS), max_size=8), st.integers(0, 2**32 - 1), st.integers(0, 10_000))
def test_on_a_bad_network_each_press_comes_once_and_in_order(digits, start, seed):
    """Duplicates, reordering within a press and loss of all but two packets of each."""
    chance = random.Random(seed)
    series = []
    for n, digit in enumerate(digits):
        left = packets(digit, start + 1600 * n & 0xFFFF_FFFF, duration_ms=120)
        left = sorted(chance.sample(left, chance.randint(2, len(left))), key=lambda each: parse(each[1]).duration)
        doubled = [each for each in left for _ in range(chance.randint(1, 3))]
        chance.shuffle(doubled)
        series += doubled
    receiver = DigitReceiver()
    told = heard(series, receiver) + receiver.pass_time(start + 1600 * len(digits) + 8000 & 0xFFFF_FFFF)
    assert [each.digit for each in told] == digits


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=8)), max_size=20))
def test_noise_is_taken_or_refused(series):
    receiver = DigitReceiver()
    told = 0
    for timestamp, payload in series:
        try:
            told += len(receiver.feed(timestamp, payload))
        except BadEvent:
            assert len(payload) < 4
    assert told <= len(series)


@given(st.integers(0, 255), st.booleans(), st.integers(0, 63), st.integers(0, 0xFFFF))
def test_events_read_back(code, end, volume, duration):
    assert parse(build(Event(code, end, volume, duration))) == Event(code, end, volume, duration)
