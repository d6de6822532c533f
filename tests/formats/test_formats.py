"""The formats: what they are called, and on which parameters they agree."""

import re

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
    named,
)


def test_names_are_unique_and_lead_back():
    assert [named(format.name) for format in FORMATS] == list(FORMATS)
    assert len({format.name for format in FORMATS}) == len(FORMATS)


def test_a_name_of_no_format_is_an_error():
    with pytest.raises(KeyError):
        named("pcmu")  # the contract's names are exact


def test_static_numbers_are_those_of_rfc_3551():
    assert (PCMU.static_payload_type, PCMA.static_payload_type) == (0, 8)
    assert (G722.static_payload_type, COMFORT_NOISE.static_payload_type) == (9, 13)
    assert TELEPHONE_EVENT.static_payload_type is None


def test_the_rtpmaps() -> None:
    assert {format.name: format.rtpmap for format in FORMATS} == {
        "opus": "opus/48000/2", "G722": "G722/8000", "PCMU": "PCMU/8000", "PCMA": "PCMA/8000", "L16-8": "L16/8000",
        "L16-16": "L16/16000", "L16-48": "L16/48000", "CN": "CN/8000", "telephone-event": "telephone-event/8000",
        "telephone-event-48": "telephone-event/48000",
    }  # fmt: skip


@pytest.mark.parametrize("rtpmap", [("opus", 48000, 1), ("opus", 16000, 2), ("G722", 16000, 1), ("L16", 16000, 2),
                                    ("L16", 44100, 1), ("CN", 16000, 1), ("red", 48000, 2)])  # fmt: skip
def test_their_bad_twins_are_no_format_of_ours(rtpmap: tuple[str, int, int]) -> None:
    assert not any(format.is_called(*rtpmap) for format in FORMATS)


def test_our_offers_begin_with_the_best_and_name_nothing_large() -> None:
    assert OFFERED == (OPUS, G722, PCMU, PCMA, TELEPHONE_EVENT, TELEPHONE_EVENT_48)


FIXED = [format for format in FORMATS if format.is_audio and format is not OPUS]  # its packets follow its bitrate


@pytest.mark.parametrize("format", FIXED, ids=lambda format: format.name)
def test_no_packet_is_larger_than_an_ethernet_frame(format: Format) -> None:
    """Of 1500 octets IPv6 and UDP take 48, RTP with the levels of a mix some 40, SRTP 16."""
    octets_a_ms = 2 * format.clock_hz // 1000 if format.encoding == "L16" else 8
    assert format.packets_ms[-1] * octets_a_ms <= 1500 - 48 - 40 - 16


@pytest.mark.parametrize(
    ("format", "wanted", "most", "sent"),
    [
        (PCMU, 20, 60, 20), (PCMU, 35, 60, 30), (PCMU, 60, 60, 60), (PCMU, 200, 60, 60), (PCMU, 40, 20, 20),
        (PCMU, 5, 60, 10), (PCMU, 20, 5, 10), (OPUS, 30, 60, 20), (OPUS, 50, 60, 40), (OPUS, 60, 60, 60),
        (OPUS, 2.5, 60, 10), (L16_48, 20, 60, 10), (L16_16, 60, 60, 40), (L16_16, 20, 60, 20), (L16_8, 60, 60, 60),
    ],
)  # fmt: skip
def test_packets_are_as_long_as_the_format_can_have_them(format: Format, wanted: float, most: float, sent: int) -> None:
    assert format.packet_ms(wanted, most) == sent


@pytest.mark.parametrize("encoding", ["PCMU", "pcmu", "Pcmu"])
def test_encodings_are_known_in_any_case(encoding):
    assert PCMU.is_called(encoding, 8000, 1)


@pytest.mark.parametrize("rtpmap", [("PCMU", 16000, 1), ("PCMU", 8000, 2), ("PCMA", 8000, 1), ("PCM", 8000, 1)])
def test_other_sound_is_not_taken_for_pcmu(rtpmap):
    assert not PCMU.is_called(*rtpmap)


def test_the_rtpmap_names_channels_only_where_there_are_several():
    stereo = Format(name="L16/44100/2", encoding="L16", clock_hz=44100, channels=2)
    assert (PCMU.rtpmap, stereo.rtpmap) == ("PCMU/8000", "L16/44100/2")


def test_g711_has_no_parameters_to_disagree_on():
    assert PCMU.answer_fmtp("vad=yes") == "" and PCMA.answer_fmtp("") == ""


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        ("0-15", "0-15"),
        ("0-16", "0-16"),
        ("", "0-15"),
        ("0-11", "0-11"),
        ("0-11,16,66", "0-11,16"),
        (" 0 - 15 ", "0-15"),
        ("3,1,2,9", "1-3,9"),
        ("events=0-15", "0-15"),  # cannot be read: as if not said
        ("15-0", "0-15"),
        ("0-999", "0-15"),
        (",".join(["1"] * 200), "0-15"),
    ],
)
def test_events_agreed_on(offered, answered):
    assert TELEPHONE_EVENT.answer_fmtp(offered) == answered


@pytest.mark.parametrize("offered", ["66", "17-255", "32-36,70"])
def test_events_without_a_key_are_no_agreement(offered):
    assert TELEPHONE_EVENT.answer_fmtp(offered) is None


@given(st.text(max_size=300) | st.text(alphabet="0123456789,-", max_size=60))
def test_any_list_of_events_has_a_sound_answer(offered):
    answered = TELEPHONE_EVENT.answer_fmtp(offered)
    assert answered is None or re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", answered)
    if answered is not None:
        assert TELEPHONE_EVENT.answer_fmtp(answered) == answered
