"""What goes over the channel: every message comes back, however it is split; garbage only raises what is said."""

from __future__ import annotations

import itertools
import struct
import typing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver import contract
from confserver.contract import (
    MediaCommand,
    MediaEvent,
    ScribeCommand,
    ScribeEvent,
    Unpacker,
    command_unpacker,
    event_unpacker,
    packed,
    scribe_command_unpacker,
    scribe_event_unpacker,
)

COMMANDS = st.one_of(*(st.from_type(kind) for kind in typing.get_args(MediaCommand)))
EVENTS = st.one_of(*(st.from_type(kind) for kind in typing.get_args(MediaEvent)))
TO_SCRIBE = st.one_of(*(st.from_type(kind) for kind in typing.get_args(ScribeCommand)))
FROM_SCRIBE = st.one_of(*(st.from_type(kind) for kind in typing.get_args(ScribeEvent)))


def _small(value) -> bool:
    """Numbers that msgpack can hold, text that UTF-8 can, no default in place of a value."""
    try:
        packed(value)
    except (OverflowError, TypeError, UnicodeEncodeError):
        return False
    return value == value and "nan" not in repr(value)


def _split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


@settings(max_examples=60, deadline=None)
@given(st.lists(COMMANDS.filter(_small), max_size=5), st.lists(st.integers(0, 10_000), max_size=8))
def test_commands_come_back_however_they_are_split(messages, cuts):
    unpacker = command_unpacker()
    data = b"".join(map(packed, messages))
    assert [message for part in _split(data, cuts) for message in unpacker.feed(part)] == messages


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS.filter(_small), max_size=5), st.lists(st.integers(0, 10_000), max_size=8))
def test_events_come_back_however_they_are_split(messages, cuts):
    unpacker = event_unpacker()
    data = b"".join(map(packed, messages))
    assert [message for part in _split(data, cuts) for message in unpacker.feed(part)] == messages


@settings(max_examples=60, deadline=None)
@given(st.lists(TO_SCRIBE.filter(_small), max_size=5), st.lists(FROM_SCRIBE.filter(_small), max_size=5))
def test_what_goes_to_and_from_the_scribe_comes_back_too(commands, events):
    assert list(scribe_command_unpacker().feed(b"".join(map(packed, commands)))) == commands
    assert list(scribe_event_unpacker().feed(b"".join(map(packed, events)))) == events


def _feed(unpacker: Unpacker, data: bytes) -> None:
    try:
        for message in unpacker.feed(data):
            assert isinstance(message, contract.ToWorker | contract.FromWorker)
    except (msgspec.MsgspecError, ValueError):
        pass


@given(st.binary(max_size=300))
def test_garbage_raises_only_what_is_said(data):
    _feed(command_unpacker(), data)
    _feed(event_unpacker(), struct.pack("!I", len(data)) + data)


@settings(max_examples=60, deadline=None)
@given(COMMANDS.filter(_small), st.integers(0, 10_000), st.integers(0, 255))
def test_a_mutated_command_raises_only_what_is_said(message, at, value):
    data = bytearray(packed(message))
    data[at % len(data)] = value
    _feed(command_unpacker(), bytes(data))


def test_nesting_without_end_raises_what_is_said():
    for body in (b"\x91" * 100_000, b"\x82\xa4type\xa4Ping\xa1x" + b"\x91" * 100_000 + b"\0"):
        with pytest.raises((msgspec.MsgspecError, ValueError)):
            list(command_unpacker().feed(struct.pack("!I", len(body)) + body))


def test_an_absurd_length_is_refused_at_once():
    with pytest.raises(ValueError, match="bytes"):
        list(command_unpacker().feed(b"\xff\xff\xff\xff"))


def test_a_command_is_no_event():
    with pytest.raises(msgspec.MsgspecError):
        list(event_unpacker().feed(packed(contract.Ping(token=1))))


def test_a_report_holds_its_fields_in_order():
    """LegReport goes as an array: a field in the middle would shift those of an older worker."""
    report = contract.LegReport(1, 2, 3, 4, 5, 6, 7, 8.0, 9.0, 10.0, 11, 12, 13)
    told = msgspec.msgpack.decode(msgspec.msgpack.encode(report))
    assert told[:13] == [1, 2, 3, 4, 5, 6, 7, 8.0, 9.0, 10.0, 11, 12, 13]
