"""Phones of every codec in one room: each hears all others at their level and pitch, without gaps, and not himself.

The wideband ones send a second tone above the telephone band, which only wideband phones can hear.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.interop.conftest import need
from tests.interop.test_three_phones import MOST_GAP_MS, SILENT_DB, assert_hears
from tests.kit.baresip import Baresip
from tests.kit.listen import Recording
from tests.kit.pjsua import Pjsua
from tests.kit.server import Server
from tests.kit.tones import HIGH_DB, LEVEL_DB

pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.alone]

TONES = {"opus": 400.0, "wide": 650.0, "narrow": 900.0, "secret": 1150.0}
HIGH = {"opus": 5000.0, "wide": 4700.0, "secret": 5600.0}
CODECS = {"opus": "opus/48000/2,G722/16000/1,PCMU/8000/1", "wide": "G722/16000/1", "narrow": "PCMU/8000/1"}
BITRATE = 64000
"""So that Opus has bits for a lonely tone at 5 kHz: at 24 kbit/s libopus sends it 9 dB too soft, baresip's too."""
G722_SETTLES_S = 1.0
"""pjsua2 sends G.722 at half its level until what it hears clips (PJMEDIA_G722_STOP_PCM_SHIFT_ON_CLIPPING)."""
BARESIP_SETTLES_S = 0.2
"""Its playout may have a gap at the start of a sound whose packets have come without one (seen on the wire)."""
USES = {"opus": "opus", "wide": "G722", "narrow": "PCMU", "secret": "G722"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    need("baresip", "pjsua2")
    opus = {"opus_bitrate": BITRATE}
    with Server(tmp_path, rtp={"srtp_without_tls": True}, media={"workers": 1, "spare": False, **opus}) as started:
        yield started
        assert_no_faults(started)


def assert_no_faults(server: Server) -> None:
    """Nothing in its log that somebody would have to look into."""
    log = server.said()
    assert "Traceback" not in log and '"level": "error"' not in log and " [error" not in log, log[-6000:]


def assert_pitch(heard: Recording, hz: float, start: float, end: float, who: str) -> None:
    """The tone is where it should be: half as loud already 8 Hz beside it (Goertzel over 100 ms)."""
    level = heard.level_db(hz, start, end)
    for beside in (hz - 15, hz + 15):
        assert heard.level_db(beside, start, end) < level - 6, f"{who} hears {beside} Hz rather than {hz} Hz"


def assert_hears_all(heard: Recording, name: str, start: float, end: float) -> None:
    tones = [hz for each, hz in TONES.items() if each != name]
    assert_hears(heard, tones, TONES[name], start, end, name)
    for hz in tones:
        assert_pitch(heard, hz, start, end, name)
    if name not in HIGH:
        return
    for each, hz in HIGH.items():
        level = heard.level_db(hz, start, end)
        if each == name:
            assert heard.highest_db(hz, start, end) < SILENT_DB, f"{name} hears himself at {hz} Hz"
        else:
            assert abs(level - HIGH_DB) <= 3, f"{name} hears {hz} Hz at {level:.1f} dB, not {HIGH_DB} dB"
            assert_pitch(heard, hz, start, end, name)


def baresip(folder: Path, name: str) -> Baresip:
    more = f"opus_bitrate {BITRATE}"
    return Baresip(folder, name, TONES[name], codecs=CODECS[name], high_hz=HIGH.get(name), more=more)


def test_opus_g722_and_pcmu_in_one_room_with_srtp(server: Server, tmp_path: Path) -> None:
    with ExitStack() as stack:
        phones = {name: stack.enter_context(baresip(tmp_path, name)) for name in CODECS}
        secret = stack.enter_context(
            Pjsua(tmp_path, "secret", TONES["secret"], srtp=True, codecs=("G722/16000",), high_hz=HIGH["secret"])
        )
        for phone in (*phones.values(), secret):
            phone.dial(server.uri("standup"))
        server.wait_until_in("standup", *TONES)
        secret.record()
        time.sleep(4.5)
        people = server.participants("standup")
        assert {name: people[name]["media"]["codec"] for name in USES} == USES
        hears = {"secret": (secret.heard(), G722_SETTLES_S, 4.2)}
        secret.hang_up()
        for name, phone in phones.items():
            heard = phone.heard()
            spans = heard.spans(TONES["secret"], LEVEL_DB, MOST_GAP_MS)
            start, end = spans[-1]
            begins_late = start - spans[0][0] > BARESIP_SETTLES_S
            assert end - start > 3.0 and not begins_late, f"{name} hears pjsua2 at {spans}"
            hears[name] = heard, start + G722_SETTLES_S, end - 0.3
        for name, (heard, start, end) in hears.items():
            tones = [*TONES.values(), *HIGH.values()]
            print(name, heard.rate, {hz: round(heard.level_db(hz, start, end), 1) for hz in tones})
        for name, (heard, start, end) in hears.items():
            assert_hears_all(heard, name, start, end)
