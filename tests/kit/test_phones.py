"""The real phones among themselves, without any server: what a test of the server may rely on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.kit import baresip, pjsua, sipp
from tests.kit.baresip import Baresip
from tests.kit.pjsua import Pjsua
from tests.kit.sipp import Sipp
from tests.kit.tones import LEVEL_DB

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@pytest.mark.skipif(not (baresip.is_installed() and pjsua.is_installed()), reason="needs baresip and pjsua2")
def test_baresip_and_pjsua_hear_each_other(tmp_path: Path) -> None:
    with Pjsua(tmp_path, "bob", 650) as bob, Baresip(tmp_path, "anna", 400) as anna:
        bob.record()
        anna.dial(f"sip:bob@127.0.0.1:{bob.port}")
        time.sleep(3)
        at_bob, at_anna = bob.heard(), anna.heard()
        assert at_bob.level_db(400, 1) == pytest.approx(LEVEL_DB, abs=1)
        assert at_anna.level_db(650, 1) == pytest.approx(LEVEL_DB, abs=1)
        assert at_bob.level_db(650, 1) < -60 and at_anna.level_db(400, 1) < -60
        assert at_bob.longest_gap_ms(400, LEVEL_DB, 1) <= 40
        bob.hold()
        bob.resume()
        bob.record()
        time.sleep(1.5)
        assert bob.heard().level_db(400, 0.5) == pytest.approx(LEVEL_DB, abs=1)
        anna.hang_up()
        bob.wait_for("state", state="DISCONNECTED")


@pytest.mark.skipif(not (sipp.is_installed() and pjsua.is_installed()), reason="needs sipp and pjsua2")
def test_pjsua_hears_sipp(tmp_path: Path) -> None:
    with Pjsua(tmp_path, "bob", 650) as bob:
        bob.record()
        with Sipp(tmp_path, "carl", ("127.0.0.1", bob.port), "bob", 400, 2.5) as carl:
            carl.finish(10)
        heard = bob.heard()
        onset = heard.onset_s(400, LEVEL_DB - 3)
        assert onset is not None
        assert heard.level_db(400, onset, onset + 2) == pytest.approx(LEVEL_DB, abs=1)
