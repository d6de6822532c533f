"""A room's sound by its policy and the settings, and Opus between what we state and what a phone states."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.contract import OpusTerms, RoomSound
from confserver.focus.terms import BITRATES, MediaTerms, opus_class
from confserver.formats import FORMATS, L16_8, L16_16, L16_48, OFFERED, OPUS, PCMA, PCMU, opus
from confserver.sdp.negotiation import negotiate
from confserver.sdp.text import parse
from rooms.policy import CODECS, PACKETS_MS, RATES_HZ, NoiseGuard, RoomPolicy

PLAIN = RoomPolicy()


def opus_terms(
    fmtp: str, policy: RoomPolicy = PLAIN, terms: MediaTerms | None = None, formats: str = "111"
) -> OpusTerms:
    lines = ["v=0", "o=- 1 1 IN IP4 h", "s=-", "c=IN IP4 192.0.2.9", "t=0 0", f"m=audio 4000 RTP/AVP {formats}"]
    lines += ["a=rtpmap:111 opus/48000/2", f"a=fmtp:111 {fmtp}", ""]
    return (terms or MediaTerms()).of(policy).opus_for(negotiate(parse("\n".join(lines).encode())))


# ---------------------------------------------------------------- the room
def test_where_the_policy_says_nothing_the_settings_hold() -> None:
    terms = MediaTerms(
        codecs=("G722",), talkers=3, rate_hz=8000, max_rate_hz=48000, ptime_ms=40, levelling=True, comfort_noise=False,
        guard=NoiseGuard.OFF,
    )  # fmt: skip
    room = terms.of(PLAIN)
    assert room.sound == RoomSound(
        talkers=3, rate_hz=8000, max_rate_hz=48000, stereo=False, levelling=True, comfort_noise=False, guard=False
    )
    assert (room.codecs, room.ptime_ms) == (("G722",), 40)


def test_a_policy_goes_before_the_settings() -> None:
    policy = RoomPolicy(
        rate_hz=0, stereo=True, talkers=5, ptime_ms=10, levelling=False, comfort_noise=True, guard=NoiseGuard.MUTE,
        codecs=("PCMA", "opus"),
    )  # fmt: skip
    terms = MediaTerms(talkers=3, rate_hz=8000, ptime_ms=40, levelling=True, comfort_noise=False, guard=NoiseGuard.OFF)
    room = terms.of(policy)
    assert room.sound == RoomSound(
        talkers=5, rate_hz=0, max_rate_hz=16000, stereo=True, levelling=False, comfort_noise=True, guard=True
    )
    assert (set(room.codecs), room.ptime_ms) == ({"PCMA", "opus"}, 10)


def test_all_codecs_of_policies_are_formats() -> None:
    assert {format.encoding for format in FORMATS if format.is_audio} == set(CODECS)
    assert {length for format in FORMATS for length in format.packets_ms} == set(PACKETS_MS)
    assert {0, *opus.RATES_HZ} == set(RATES_HZ)


# ---------------------------------------------------------------- formats
def test_l16_is_taken_but_not_offered() -> None:
    room = MediaTerms().of(PLAIN)
    assert room.taken() == FORMATS and room.offered() == OFFERED


def test_a_room_that_wants_l16_offers_it() -> None:
    room = MediaTerms().of(RoomPolicy(codecs=("L16", "PCMU")))
    assert [format for format in room.offered() if format.is_audio] == [PCMU, L16_16, L16_8]
    by_10_ms = MediaTerms().of(RoomPolicy(codecs=("L16", "PCMU"), ptime_ms=10))
    assert [format for format in by_10_ms.offered() if format.is_audio] == [PCMU, L16_48, L16_16, L16_8]


def test_settings_without_l16_take_none() -> None:
    room = MediaTerms(codecs=("opus", "PCMU")).of(PLAIN)
    assert [format for format in room.taken() if format.is_audio] == [OPUS, PCMU]
    assert [format for format in room.offered() if format.is_audio] == [OPUS, PCMU]


def test_a_call_keeps_what_it_has() -> None:
    text = "v=0\no=- 1 1 IN IP4 h\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\nm=audio 4000 RTP/AVP 8 97\na=rtpmap:97 L16/16000\n"
    agreed = negotiate(parse(text.encode()))
    room = MediaTerms(codecs=("PCMU",)).of(PLAIN)
    assert [format for format in room.taken(agreed) if format.is_audio] == [PCMU, PCMA, L16_16]
    assert [format for format in room.offered(agreed) if format.is_audio] == [PCMU, PCMA, L16_16]


# ---------------------------------------------------------------- Opus
def test_what_our_sdp_states() -> None:
    said = "maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=40000;useinbandfec=1"
    assert MediaTerms().of(PLAIN).stated == {"opus": said}


@pytest.mark.parametrize(
    ("policy", "terms", "said"),
    [
        (RoomPolicy(rate_hz=8000), MediaTerms(),
         "maxplaybackrate=8000;sprop-maxcapturerate=8000;maxaveragebitrate=40000;useinbandfec=1"),
        (RoomPolicy(rate_hz=48000), MediaTerms(), "maxaveragebitrate=40000;useinbandfec=1"),
        (PLAIN, MediaTerms(max_rate_hz=48000, opus_bitrate=64000), "maxaveragebitrate=64000;useinbandfec=1"),
        (PLAIN, MediaTerms(opus_dtx=True, opus_bitrate=16000),
         "maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=24000;useinbandfec=1;usedtx=1"),
        (RoomPolicy(stereo=True, rate_hz=48000), MediaTerms(),
         "maxaveragebitrate=64000;useinbandfec=1;stereo=1;sprop-stereo=1"),
    ],
)  # fmt: skip
def test_what_it_states_of_other_rooms(policy: RoomPolicy, terms: MediaTerms, said: str) -> None:
    assert terms.of(policy).stated == {"opus": said}


WIDE = MediaTerms(max_rate_hz=48000, opus_bitrate=64000)


@pytest.mark.parametrize(
    ("fmtp", "terms", "expected"),
    [
        ("", MediaTerms(), OpusTerms(in_hz=16000, out_hz=16000, bitrate=24000)),
        ("", WIDE, OpusTerms(in_hz=48000, out_hz=48000, bitrate=64000, fec_bitrate=64000)),
        ("maxplaybackrate=8000", WIDE, OpusTerms(in_hz=48000, out_hz=8000, bitrate=64000, fec_bitrate=64000)),
        ("maxplaybackrate=12000", WIDE, OpusTerms(in_hz=48000, out_hz=8000, bitrate=64000, fec_bitrate=64000)),
        ("maxplaybackrate=24000", WIDE, OpusTerms(in_hz=48000, out_hz=16000, bitrate=64000, fec_bitrate=64000)),
        ("sprop-maxcapturerate=24000", WIDE, OpusTerms(in_hz=16000, out_hz=48000, bitrate=64000, fec_bitrate=64000)),
        ("sprop-maxcapturerate=8000", MediaTerms(), OpusTerms(in_hz=8000, out_hz=16000)),
        ("maxplaybackrate=48000;sprop-maxcapturerate=48000", MediaTerms(), OpusTerms()),
        ("maxaveragebitrate=20000", MediaTerms(), OpusTerms(bitrate=16000, fec_bitrate=16000)),
        ("maxaveragebitrate=30000", MediaTerms(), OpusTerms(bitrate=24000, fec_bitrate=24000)),
        ("maxaveragebitrate=13000", MediaTerms(), OpusTerms(bitrate=12000, fec_bitrate=12000)),
        ("maxaveragebitrate=6000", MediaTerms(), OpusTerms(bitrate=6000, fec_bitrate=6000)),
        ("maxaveragebitrate=5999", MediaTerms(), OpusTerms()),
        ("maxaveragebitrate=510000", WIDE, OpusTerms(in_hz=48000, out_hz=48000, bitrate=64000, fec_bitrate=64000)),
        ("useinbandfec=1;usedtx=1;cbr=1", MediaTerms(), OpusTerms(fec=True, dtx=True, cbr=True)),
        ("stereo=1;sprop-stereo=1", MediaTerms(), OpusTerms()),
        ("useinbandfec=yes;maxplaybackrate=8 kHz;usedtx=1", MediaTerms(), OpusTerms(dtx=True)),
    ],
)  # fmt: skip
def test_what_a_phone_states_limits_us(fmtp: str, terms: MediaTerms, expected: OpusTerms) -> None:
    assert opus_terms(fmtp, terms=terms) == expected


def test_two_channels_only_to_those_who_would_rather_have_them() -> None:
    stereo = RoomPolicy(stereo=True)
    assert opus_terms("stereo=1", stereo) == OpusTerms(stereo=True, bitrate=40000, fec_bitrate=64000)
    assert not opus_terms("sprop-stereo=1", stereo).stereo


def test_our_own_dtx_is_about_what_comes() -> None:
    assert not opus_terms("", terms=MediaTerms(opus_dtx=True)).dtx


def test_opus_is_ready_where_the_phone_begins_with_something_else() -> None:
    assert opus_terms("sprop-maxcapturerate=8000", formats="0 111").in_hz == 8000
    assert opus_terms("cbr=1", formats="0") == OpusTerms(), "it has no Opus"


@pytest.mark.parametrize(("bitrate", "found"), [(0, 6000), (6000, 6000), (11999, 6000), (24000, 24000), (10**6, 64000)])
def test_classes_of_bitrates(bitrate: int, found: int) -> None:
    assert opus_class(bitrate) == found


STATED = st.lists(
    st.builds(
        lambda name, value: f"{name}={value}",
        st.sampled_from(["maxplaybackrate", "sprop-maxcapturerate", "maxaveragebitrate", "stereo", "usedtx"]),
        st.integers(-1, 600_000) | st.sampled_from([0, 1]),
    ),
    max_size=5,
).map(";".join)
POLICIES = [RoomPolicy(rate_hz=rate, stereo=stereo) for rate, stereo in product((None, *RATES_HZ), (False, True))]


@given(STATED, st.sampled_from(POLICIES), st.sampled_from([8000, 16000, 48000]))
def test_nobody_gets_more_than_either_side_states(fmtp: str, policy: RoomPolicy, most_hz: int) -> None:
    found = opus_terms(fmtp, policy, MediaTerms(max_rate_hz=most_hz))
    theirs, limit = opus.read(fmtp), policy.rate_hz or most_hz
    assert found.out_hz <= min(theirs.playback_hz, limit) and found.in_hz <= min(theirs.capture_hz, limit)
    assert found.out_hz in opus.RATES_HZ and found.in_hz in opus.RATES_HZ and found.bitrate in BITRATES
    assert found.bitrate <= found.fec_bitrate <= (theirs.maxaveragebitrate or 64000)
    assert found.stereo == (policy.stereo and theirs.stereo)
