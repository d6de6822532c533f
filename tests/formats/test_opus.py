"""The parameters of Opus: each is read by itself, and none that is wrong spoils another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.formats import OPUS, OpusParameters, opus

GOOD = [
    ("", OpusParameters()),
    (
        "maxplaybackrate=16000;sprop-maxcapturerate=16000; maxaveragebitrate=20000; stereo=1; useinbandfec=1;usedtx=0",
        OpusParameters(
            maxplaybackrate=16000, sprop_maxcapturerate=16000, maxaveragebitrate=20000, stereo=True, useinbandfec=True
        ),
    ),
    ("minptime=10;useinbandfec=1", OpusParameters(useinbandfec=True)),
    ("stereo=1;sprop-stereo=1;cbr=1;usedtx=1", OpusParameters(stereo=True, sprop_stereo=True, cbr=True, usedtx=True)),
    ("useinbandfec=1; ptime=20; minptime=10; maxptime=40", OpusParameters(useinbandfec=True, ptime=20, maxptime=40)),
    (" UseInbandFEC = 1 ;; CBR=1;", OpusParameters(useinbandfec=True, cbr=True)),
    ("maxaveragebitrate=6000", OpusParameters(maxaveragebitrate=6000)),
    ("maxaveragebitrate=510000", OpusParameters(maxaveragebitrate=510_000)),
    ("cbr=1;cbr=0", OpusParameters(cbr=True)),
    ("cbr=yes;cbr=1", OpusParameters(cbr=True)),
]

BAD = [
    "maxplaybackrate=7999", "maxplaybackrate=48001", "maxplaybackrate=-16000", "maxplaybackrate=16000.0",
    "maxplaybackrate=", "maxplaybackrate", "maxplaybackrate=0x3e80", "maxplaybackrate=1" + "0" * 5000,
    "maxplaybackrate=٨٠٠٠", "sprop-maxcapturerate=0", "sprop_maxcapturerate=8000", "maxaveragebitrate=5999",
    "maxaveragebitrate=510001", "maxaveragebitrate=24k", "useinbandfec=2", "useinbandfec=true", "useinbandfec",
    "usedtx=-1", "cbr=01", "stereo=on", "sprop-stereo= 1 1", "ptime=0", "ptime=121", "maxptime=20.5",
    "x" * 5000, "=1", "=", "\0=1",
]  # fmt: skip


@pytest.mark.parametrize(("text", "parameters"), GOOD)
def test_parameters_are_read(text: str, parameters: OpusParameters) -> None:
    assert opus.read(text) == parameters


@pytest.mark.parametrize("bad", BAD)
def test_what_is_wrong_is_passed_over_by_itself(bad: str) -> None:
    assert opus.read(bad) == OpusParameters()
    assert opus.read(f"cbr=1;{bad}; usedtx=1") == OpusParameters(cbr=True, usedtx=True)


def test_a_list_without_end_is_read_as_far_as_is_reasonable() -> None:
    assert opus.read("x=1;" * 100_000 + "cbr=1") == OpusParameters()


@pytest.mark.parametrize(
    ("stated", "ours"),
    [(8000, 8000), (11025, 8000), (12000, 8000), (15999, 8000), (16000, 16000), (24000, 16000), (44100, 16000),
     (47999, 16000), (48000, 48000), (4000, 8000)],
)  # fmt: skip
def test_rates_are_folded_to_those_at_which_we_work(stated: int, ours: int) -> None:
    assert opus.folded_hz(stated) == ours
    if stated >= 8000:
        assert opus.read(f"maxplaybackrate={stated}").playback_hz == ours
        assert opus.read(f"sprop-maxcapturerate={stated}").capture_hz == ours


def test_what_nobody_states_has_no_limit() -> None:
    assert (OpusParameters().playback_hz, OpusParameters().capture_hz) == (48000, 48000)


def test_defaults_are_not_written() -> None:
    assert opus.write(OpusParameters(ptime=20, maxptime=40)) == ""
    full = OpusParameters(
        maxplaybackrate=16000, sprop_maxcapturerate=8000, maxaveragebitrate=24000, useinbandfec=True, usedtx=True,
        cbr=True, stereo=True, sprop_stereo=True,
    )  # fmt: skip
    assert opus.write(full) == (
        "maxplaybackrate=16000;sprop-maxcapturerate=8000;maxaveragebitrate=24000;useinbandfec=1;usedtx=1;cbr=1;"
        "stereo=1;sprop-stereo=1"
    )


def test_an_answer_mirrors_nothing() -> None:
    assert OPUS.is_declarative and OPUS.answer_fmtp("cbr=1") == "" and OPUS.fmtp == "useinbandfec=1"


PARAMETERS = st.builds(
    OpusParameters,
    maxplaybackrate=st.integers(8000, 48000),
    sprop_maxcapturerate=st.integers(8000, 48000),
    maxaveragebitrate=st.none() | st.integers(6000, 510_000),
    useinbandfec=st.booleans(),
    usedtx=st.booleans(),
    cbr=st.booleans(),
    stereo=st.booleans(),
    sprop_stereo=st.booleans(),
)


@given(PARAMETERS)
def test_what_is_written_is_read_again(parameters: OpusParameters) -> None:
    assert opus.read(opus.write(parameters)) == parameters


@given(PARAMETERS, st.lists(st.text(alphabet=st.characters(exclude_characters=";="), max_size=12), max_size=4))
def test_strangers_among_the_parameters_change_nothing(parameters: OpusParameters, strangers: list[str]) -> None:
    words = [f"x-{stranger}=1" for stranger in strangers] + [opus.write(parameters)]
    assert opus.read("; ".join(words)) == parameters


NAMES = st.sampled_from(
    ["maxplaybackrate", "maxaveragebitrate", "cbr", "stereo", "ptime", "usedtx", "sprop-stereo", ""]
)


@given(st.lists(st.tuples(NAMES, st.text(max_size=8) | st.integers().map(str))))
def test_whatever_is_stated_has_a_sound_meaning(pairs: list[tuple[str, str]]) -> None:
    found = opus.read(";".join(f"{name}={value}" for name, value in pairs))
    assert found.playback_hz in opus.RATES_HZ and found.capture_hz in opus.RATES_HZ
    assert found.maxaveragebitrate is None or 6000 <= found.maxaveragebitrate <= 510_000
    assert opus.read(opus.write(found)).maxaveragebitrate == found.maxaveragebitrate
