"""The formats: what they are called, and on which parameters they agree."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.formats import FORMATS, PCMA, PCMU, TELEPHONE_EVENT, Format, named


def test_names_are_unique_and_lead_back():
    assert [named(format.name) for format in FORMATS] == list(FORMATS)
    assert len({format.name for format in FORMATS}) == len(FORMATS)


def test_a_name_of_no_format_is_an_error():
    with pytest.raises(KeyError):
        named("pcmu")  # the contract's names are exact


def test_static_numbers_are_those_of_rfc_3551():
    assert (PCMU.static_payload_type, PCMA.static_payload_type) == (0, 8)
    assert TELEPHONE_EVENT.static_payload_type is None


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
