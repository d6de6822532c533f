"""pjsua2 that talks by SRTP or not at all, and phones that know nothing of it, in one room."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import need
from tests.interop.test_three_phones import ANNA, BOB, OF_MEDIA, SILENT_DB, assert_hears
from tests.kit.baresip import Baresip
from tests.kit.pjsua import Pjsua
from tests.kit.server import Server
from tests.kit.tones import LEVEL_DB

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@pytest.fixture
def srtp_server(tmp_path: Path) -> Iterator[Server]:
    need("baresip", "pjsua2")
    with Server(tmp_path, rtp={"srtp_without_tls": True}) as started:
        yield started


def test_a_protected_and_a_plain_phone_hear_each_other(srtp_server: Server, tmp_path: Path) -> None:
    before = srtp_server.counts()
    with Pjsua(tmp_path, "bob", BOB, srtp=True) as bob, Baresip(tmp_path, "anna", ANNA) as anna:
        bob.dial(srtp_server.uri("standup"))
        anna.dial(srtp_server.uri("standup"))
        srtp_server.wait_until_in("standup", "anna", "bob")
        time.sleep(0.5)
        bob.record()
        time.sleep(2.5)
        assert_hears(bob.heard(), [ANNA], BOB, 0.2, 2.3, "pjsua2")
        bob.hold()
        time.sleep(1.0)
        bob.resume()
        time.sleep(0.5)
        bob.record()
        time.sleep(2.0)
        assert_hears(bob.heard(), [ANNA], BOB, 0.3, 1.8, "pjsua2 after the hold")
        anna.hang_up()
        srtp_server.wait_until_in("standup", "bob")
        heard = anna.heard()
        spans = heard.spans(BOB, LEVEL_DB, 100.0)
        assert len(spans) == 2, f"baresip hears pjsua2 at {spans}"
        assert min(end - start for start, end in spans) > 1.5
        assert heard.highest_db(ANNA, spans[0][0], spans[0][1]) < SILENT_DB
        bob.hang_up()
    srtp_server.wait_for_counts(before, 5, *OF_MEDIA)
    assert srtp_server.child
    log = srtp_server.child.said()
    assert "inline:" not in log and "crypto" not in log


def test_without_the_setting_the_call_is_refused_with_a_reason(server: Server, tmp_path: Path) -> None:
    need("pjsua2")
    with Pjsua(tmp_path, "bob", BOB, srtp=True) as bob:
        bob.tell("dial", uri=server.uri("standup"))
        ended = bob.wait_for("state", state="DISCONNECTED")
        assert ended["status"] == 488, ended
    assert not server.http("GET", "/rooms")
