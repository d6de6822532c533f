"""Which formats are agreed on under which numbers, what is stated of them, and how long packets are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.formats import (
    COMFORT_NOISE,
    FORMATS,
    G722,
    L16_8,
    L16_16,
    L16_48,
    OFFERED,
    OPUS,
    PCMA,
    PCMU,
    TELEPHONE_EVENT,
    TELEPHONE_EVENT_48,
    Format,
)
from confserver.sdp.agreement import Agreed, Local, Rejected
from confserver.sdp.description import Description
from confserver.sdp.negotiation import accept, answer, negotiate, offer
from confserver.sdp.text import parse
from tests.sdp.offers import CHROMIUM, FREESWITCH, LINPHONE, US

THEM = Local(host="198.51.100.7", port=5004, session_id=1)
MAPS = {
    "opus": "opus/48000/2", "event": "telephone-event/8000", "event48": "telephone-event/48000", "cn16": "CN/16000",
    "event16": "telephone-event/16000", "l8": "L16/8000", "l16": "L16/16000", "l48": "L16/48000", "cn": "CN/8000",
}  # fmt: skip


def sdp(formats: str, *lines: str) -> Description:
    """``0 111=opus 101=event``"""
    pairs = [word.partition("=") for word in formats.split()]
    maps = [f"a=rtpmap:{number} {MAPS[name]}" for number, _, name in pairs if name]
    head = ["v=0", "o=- 1 2 IN IP4 h", "s=-", "c=IN IP4 198.51.100.7", "t=0 0"]
    media = f"m=audio 5004 RTP/AVP {' '.join(number for number, _, _ in pairs)}"
    return parse("\r\n".join([*head, media, *maps, *lines, ""]).encode())


def settle(formats: str, *lines: str, ptime_ms: int = 20, known: tuple[Format, ...] = FORMATS) -> Agreed:
    return negotiate(sdp(formats, *lines), known, ptime_ms=ptime_ms)


def said(description: Description, name: str) -> list[str]:
    return list(description.media[0].values(name))


# ------------------------------------------------------------------ which
@pytest.mark.parametrize(
    ("formats", "incoming", "event"),
    [
        ("9 0", ((9, G722), (0, PCMU)), None),
        ("9 101=event", ((9, G722), (101, TELEPHONE_EVENT)), 101),
        ("111=opus 101=event", ((111, OPUS),), None),
        ("111=opus 101=event48", ((111, OPUS), (101, TELEPHONE_EVENT_48)), 101),
        ("0 101=event48 102=event", ((0, PCMU), (102, TELEPHONE_EVENT)), 102),
        ("111=opus 0 101=event 102=event48",
         ((111, OPUS), (0, PCMU), (101, TELEPHONE_EVENT), (102, TELEPHONE_EVENT_48)), 102),
        ("0 111=opus 101=event 102=event48",
         ((0, PCMU), (111, OPUS), (101, TELEPHONE_EVENT), (102, TELEPHONE_EVENT_48)), 101),
        ("111=opus 0 101=event", ((111, OPUS), (0, PCMU), (101, TELEPHONE_EVENT)), None),
        ("0 13", ((0, PCMU), (13, COMFORT_NOISE)), None),
        ("13 8", ((13, COMFORT_NOISE), (8, PCMA)), None),
        ("111=opus 13", ((111, OPUS),), None),
        ("0 105=cn16", ((0, PCMU),), None),
        ("97=l16 96=l8", ((97, L16_16), (96, L16_8)), None),
        ("97=l16 101=event16", ((97, L16_16),), None),
    ],
)  # fmt: skip
def test_events_and_comfort_noise_go_with_sound_of_their_clock(formats, incoming, event):
    agreed = settle(formats)
    assert (agreed.incoming, agreed.telephone_event) == (incoming, event)
    assert agreed.outgoing == next(each for each in incoming if each[1].is_audio)


@pytest.mark.parametrize("formats", ["13", "13 101=event", "111=event48", "97=cn16 13"])
def test_without_sound_there_is_no_call(formats):
    with pytest.raises(Rejected, match="no audio format"):
        settle(formats)


@pytest.mark.parametrize(
    "lines", [("a=ptime:10",), ("a=maxptime:10",), ("a=ptime:20", "a=maxptime:10"), ("a=ptime:5",)]
)
def test_l16_at_48_khz_only_by_10_ms(lines):
    agreed = settle("96=l48 0", *lines)
    assert (agreed.outgoing, agreed.ptime_ms) == ((96, L16_48), 10)
    assert said(answer(sdp("96=l48 0", *lines), agreed, US), "ptime") == ["10"]
    assert said(answer(sdp("96=l48 0", *lines), agreed, US), "maxptime") == ["10"]


@pytest.mark.parametrize("lines", [(), ("a=ptime:20",), ("a=ptime:60",), ("a=ptime:10.5",)])
def test_its_bad_twins(lines):
    assert settle("96=l48 0", *lines).incoming == ((0, PCMU),)
    with pytest.raises(Rejected, match="no audio format"):
        settle("96=l48", *lines)


def test_a_room_may_know_fewer_formats():
    assert settle("111=opus 9 0", known=(G722, TELEPHONE_EVENT)).incoming == ((9, G722),)


def test_no_offer_names_events_that_go_with_no_sound():
    assert offer((OPUS, COMFORT_NOISE, TELEPHONE_EVENT, TELEPHONE_EVENT_48), US).media[0].formats == ("111", "110")
    assert offer((G722, COMFORT_NOISE, TELEPHONE_EVENT, TELEPHONE_EVENT_48), US).media[0].formats == ("9", "13", "101")


# ------------------------------------------------------------------ how long
@pytest.mark.parametrize(
    ("formats", "lines", "ours", "sent"),
    [
        ("0", (), 20, 20), ("0", (), 40, 40), ("0", ("a=ptime:20",), 40, 20), ("0", ("a=maxptime:30",), 40, 30),
        ("0", ("a=ptime:60",), 20, 60), ("0", ("a=ptime:40", "a=maxptime:30"), 20, 30), ("0", (), 10, 10),
        ("111=opus", (), 40, 40), ("111=opus", (), 30, 20), ("111=opus", (), 50, 40),
        ("111=opus", ("a=ptime:30",), 20, 20), ("111=opus", ("a=ptime:120",), 20, 60),
        ("111=opus", ("a=maxptime:10",), 20, 10), ("111=opus", ("a=ptime:3",), 20, 10),
        ("111=opus", ("a=fmtp:111 ptime=40",), 20, 40), ("111=opus", ("a=fmtp:111 ptime=40", "a=ptime:60"), 20, 60),
        ("111=opus", ("a=fmtp:111 maxptime=40",), 60, 40),
        ("111=opus", ("a=fmtp:111 maxptime=40", "a=ptime:60"), 20, 40),
        ("111=opus 0", ("a=fmtp:111 ptime=500;maxptime=0",), 20, 20),
        ("0 111=opus", ("a=fmtp:111 ptime=60",), 20, 20),
        ("97=l16", (), 60, 40), ("97=l16", ("a=ptime:60",), 20, 40), ("96=l8", ("a=ptime:60",), 20, 60),
        ("9", ("a=ptime:30",), 20, 30),
    ],
)  # fmt: skip
def test_packets_are_what_they_ask_for_else_what_we_like(formats, lines, ours, sent):
    assert settle(formats, *lines, ptime_ms=ours).ptime_ms == sent


def test_our_wish_stands_in_offers_and_answers():
    forty = replace(US, ptime_ms=40)
    offered = sdp("0", "a=ptime:20")
    assert said(answer(offered, negotiate(offered, ptime_ms=40), forty), "ptime") == ["40"]
    assert said(offer(OFFERED, forty), "ptime") == ["40"] and said(offer(OFFERED, forty), "maxptime") == []


def test_an_answer_without_a_wish_gets_what_we_asked_for():
    forty = offer(OFFERED, replace(US, ptime_ms=40))
    assert accept(forty, sdp("0")).ptime_ms == 40
    assert accept(forty, sdp("0", "a=ptime:20")).ptime_ms == 20
    ten = offer((L16_48, PCMU), replace(US, ptime_ms=10))
    assert accept(ten, sdp("96=l48")).outgoing == (96, L16_48)
    assert accept(ten, sdp("96=l48 0", "a=ptime:20")).outgoing == (0, PCMU)


def test_large_sound_limits_what_we_take_at_once():
    written = answer(sdp("97=l16 0"), settle("97=l16 0"), replace(US, ptime_ms=60))
    assert (said(written, "ptime"), said(written, "maxptime")) == (["40"], ["40"])


# ------------------------------------------------------------------ what is stated
def test_what_they_state_of_opus_is_kept_and_ours_is_stated():
    offered = parse(FREESWITCH.encode())
    agreed = negotiate(offered)
    theirs = "useinbandfec=1; maxaveragebitrate=30000; maxplaybackrate=48000; ptime=20; minptime=10; maxptime=40"
    assert agreed.parameters == (("opus", theirs),) and agreed.stated_of(OPUS) == theirs
    ours = answer(offered, agreed, replace(US, parameters={"opus": "maxplaybackrate=16000;useinbandfec=1"}))
    assert "102 maxplaybackrate=16000;useinbandfec=1" in said(ours, "fmtp")


def test_a_phone_that_states_nothing():
    agreed = settle("111=opus 0")
    assert agreed.parameters == (("opus", ""),) and agreed.stated_of(OPUS) == ""
    assert settle("0").stated_of(OPUS) == ""


def test_opus_under_two_numbers_goes_by_the_first():
    agreed = settle("111=opus 112=opus", "a=fmtp:111 cbr=1", "a=fmtp:112 stereo=1")
    assert agreed.incoming == ((111, OPUS), (112, OPUS)) and agreed.stated_of(OPUS) == "cbr=1"


def test_their_answer_states_its_own():
    ours = offer(OFFERED, replace(US, parameters={"opus": "stereo=1"}))
    assert "111 stereo=1" in said(ours, "fmtp")
    agreed = accept(ours, sdp("96=opus", "a=fmtp:96 maxplaybackrate=8000", "a=fmtp:111 cbr=1"))
    assert agreed.incoming == ((111, OPUS),) and agreed.outgoing == (96, OPUS)
    assert agreed.stated_of(OPUS) == "maxplaybackrate=8000"


def test_nothing_states_without_parameters_to_state():
    offered = sdp("111=opus")
    assert said(answer(offered, negotiate(offered), replace(US, parameters={"opus": ""})), "fmtp") == []


# ------------------------------------------------------------------ again and again
@pytest.mark.parametrize("text", [CHROMIUM, LINPHONE, FREESWITCH])
def test_our_re_offer_keeps_their_numbers(text):
    agreed = negotiate(parse(text.encode()))
    later = offer(OFFERED, US, previous=agreed)
    kept = [str(number) for number, format in agreed.incoming if format in OFFERED]
    assert list(later.media[0].formats[: len(kept)]) == kept
    assert len(set(later.media[0].formats)) == len(later.media[0].formats)


def test_our_offers_have_the_usual_numbers():
    numbers = {number: each.encoding for number, each in offer(FORMATS, US).media[0].rtpmaps().items()}
    assert [numbers[number] for number in (111, 9, 0, 8, 13, 101, 110)] == [
        "opus", "G722", "PCMU", "PCMA", "CN", "telephone-event", "telephone-event",
    ]  # fmt: skip


ANY = st.lists(st.sampled_from(FORMATS), unique=True).filter(lambda formats: any(each.is_audio for each in formats))


@given(ANY, ANY, st.sampled_from([10, 20, 30, 40, 50, 60]), st.sampled_from([10, 20, 40, 60]))
def test_two_of_us_agree_on_what_both_know(ours, theirs, our_ms, their_ms):
    """Whoever offers: the same formats both ways, and packets that each format can have."""
    offered = offer(tuple(ours), replace(US, ptime_ms=our_ms))
    try:
        there = negotiate(offered, tuple(theirs), ptime_ms=their_ms)
    except Rejected:
        common = [each for each in ours if each in theirs and each.is_audio]
        asked_ms = min([our_ms, *(each.packets_ms[-1] for each in ours if each.is_audio)])
        assert not [each for each in common if each.packets_ms[-1] >= min(asked_ms, 20)]
        return
    here = accept(offered, answer(offered, there, replace(THEM, ptime_ms=their_ms)))
    assert here.incoming == there.incoming and here.outgoing == there.outgoing
    assert here.telephone_event == there.telephone_event
    for agreed in (here, there):
        assert agreed.ptime_ms in agreed.outgoing[1].packets_ms
        clocks = {format.clock_hz for _, format in agreed.incoming if format.is_audio}
        assert all(format.clock_hz in clocks for _, format in agreed.incoming)
