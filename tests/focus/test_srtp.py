"""Encrypted media in a call: refused by default, taken where the setting says so, re-keyed, and never shown."""

from __future__ import annotations

import base64

import pytest

from confserver.contract import MediaPlan, OpenLeg, SetLeg, packed
from confserver.focus import outputs as out
from tests.focus.house import House, every, sdp, the

CM80 = "AES_CM_128_HMAC_SHA1_80"
THEIRS, OTHER = bytes(range(30)), bytes(range(30, 60))


def line(key: bytes = THEIRS, tag: int = 1) -> str:
    return f"crypto:{tag} {CM80} inline:{base64.b64encode(key).decode()}"


def savp(*lines: str, version: int = 1) -> str:
    return sdp("192.0.2.9", 4000, *lines, proto="RTP/SAVP", version=version)


@pytest.fixture
def house() -> House:
    made = House()
    numbers = iter(range(1, 100))
    made.scene.secrets = lambda octets: bytes([next(numbers)]) * octets
    return made


def keys_of(plan: MediaPlan | None) -> tuple[bytes, bytes]:
    assert plan is not None and plan.incoming_key and plan.outgoing_key
    assert plan.incoming_key.suite == plan.outgoing_key.suite == CM80
    return plan.incoming_key.key, plan.outgoing_key.key


def test_by_default_it_is_refused_and_the_warning_says_why() -> None:
    house = House()
    _, outputs = house.invite(savp(line()))
    refusal = the(out.Refuse, outputs)
    assert refusal.status == 488
    assert dict(refusal.headers)["Warning"].startswith("302 ") and "TLS" in dict(refusal.headers)["Warning"]
    assert house.is_empty()


def test_without_a_line_that_can_be_used_it_is_refused(house: House) -> None:
    for body in (savp(), savp("crypto:1 NOSUCH inline:AAAA"), savp(line()[:-4])):
        _, outputs = house.invite(body)
        refusal = the(out.Refuse, outputs)
        assert refusal.status == 488 and "a=crypto" in dict(refusal.headers)["Warning"]


def test_both_keys_reach_the_worker_and_ours_the_phone(house: House) -> None:
    call, outputs = house.invite(savp(line(tag=7)))
    theirs, ours = keys_of(the(OpenLeg, outputs).plan)
    assert (theirs, ours) == (THEIRS, b"\x01" * 30)
    body = the(out.Accept, house.opened(call)).body.decode()
    assert "RTP/SAVP" in body and f"a={line(ours, 7)}\r\n" in body


def test_a_plain_call_has_no_keys_even_with_a_crypto_line(house: House) -> None:
    _, outputs = house.invite(sdp("192.0.2.9", 4000, line()))
    plan = the(OpenLeg, outputs).plan
    assert plan is not None and plan.incoming_key is None and plan.outgoing_key is None


def test_a_re_invite_keeps_the_keys_or_changes_both(house: House) -> None:
    call = house.enter(savp(line()))
    kept = house.reinvite(call, savp(line(), "sendonly", version=2))
    assert keys_of(the(SetLeg, kept).plan) == (THEIRS, b"\x01" * 30)
    changed = house.reinvite(call, savp(line(OTHER), version=3))
    assert keys_of(the(SetLeg, changed).plan) == (OTHER, b"\x02" * 30)
    assert line(b"\x02" * 30) in the(out.AcceptOffer, changed).body.decode()


def test_a_re_invite_without_a_usable_key_changes_nothing(house: House) -> None:
    call = house.enter(savp(line()))
    outputs = house.reinvite(call, savp(version=2))
    assert the(out.RefuseOffer, outputs).status == 488 and not every(SetLeg, outputs)
    assert house.leg(call).agreed.crypto.theirs == THEIRS


def test_our_offer_in_the_call_is_no_step_back_to_plain(house: House) -> None:
    call = house.enter(savp(line()))
    body = the(out.AcceptOffer, house.reinvite(call, "")).body.decode()
    assert "RTP/SAVP" in body and f"a={line(b'%c' % 1 * 30)}\r\n" in body
    assert not every(SetLeg, house.ack_offer(call, sdp("192.0.2.9", version=2))), "a plain answer is none"
    followed = house.ack_offer(call, savp(line(OTHER), version=2))
    assert keys_of(the(SetLeg, followed).plan) == (OTHER, b"\x01" * 30)


def test_a_lost_worker_ends_its_protected_calls_and_no_other(house: House) -> None:
    """Counters that began anew under the same key would give the sound away (RFC 3711 section 9.1)."""
    sealed, plain = house.enter(savp(line())), house.enter(sdp("192.0.2.9", 4100))
    assert [hung.call for hung in every(out.HangUp, house.lose(0))] == [sealed]
    outputs = house.play(house.focus.worker_ready(0))
    assert [opened.leg for opened in every(OpenLeg, outputs)] == [house.leg(plain).id]


def test_no_key_is_in_any_repr(house: House) -> None:
    call, outputs = house.invite(savp(line()))
    plan = the(OpenLeg, outputs).plan
    assert plan is not None
    shown = repr((outputs, plan, house.leg(call)))
    for key in keys_of(plan):
        assert base64.b64encode(key).decode()[:10] not in shown
        assert repr(key)[2:20] not in shown
    assert THEIRS in packed(OpenLeg(leg=1, room=1, plan=plan)), "but the worker gets it"
