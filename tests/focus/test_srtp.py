"""Encrypted media in a call: refused by default, taken where the setting says so, re-keyed, and never shown."""

from __future__ import annotations

import base64

import pytest

from confserver.contract import MediaPlan, OpenLeg, SetLeg, packed
from confserver.focus import outputs as out
from confserver.focus.reoffers import MOST_TRIES, RETRY_S
from confserver.sip import outputs as sip
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


@pytest.fixture
def careful(house: House) -> House:
    """As a server is unless a setting says otherwise."""
    house.scene._keys_in_the_open = False
    return house


@pytest.mark.parametrize("transport", ["TLS", "WSS"])
def test_keys_are_taken_by_a_flow_that_nobody_can_read(careful: House, transport: str) -> None:
    call, outputs = careful.invite(savp(line()), transport=transport)
    assert keys_of(the(OpenLeg, outputs).plan)[0] == THEIRS
    assert "RTP/SAVP" in the(out.Accept, careful.opened(call)).body.decode()


@pytest.mark.parametrize("transport", ["UDP", "TCP", "WS"])
def test_keys_that_others_can_read_are_refused(careful: House, transport: str) -> None:
    _, outputs = careful.invite(savp(line()), transport=transport)
    refusal = the(out.Refuse, outputs)
    assert refusal.status == 488 and "TLS or WSS" in dict(refusal.headers)["Warning"]
    assert careful.is_empty()


def test_a_protected_call_does_not_show_its_keys_by_another_way_later(careful: House) -> None:
    call, _ = careful.invite(savp(line()), transport="TLS")
    careful.opened(call)
    careful.ack(call)
    outputs = careful.reinvite(call, savp(line(OTHER), version=2))
    assert the(out.RefuseOffer, outputs).status == 488 and not every(SetLeg, outputs)
    outputs = careful.reinvite(call, savp(line(OTHER), version=3), transport="TLS")
    assert keys_of(the(SetLeg, outputs).plan)[0] == OTHER


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


def test_a_plain_call_with_a_crypto_line_is_protected_as_the_settings_say(house: House) -> None:
    _, outputs = house.invite(sdp("192.0.2.9", 4000, line()))
    assert keys_of(the(OpenLeg, outputs).plan) == (THEIRS, b"\x01" * 30)
    house.scene.best_effort = False
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


# ---------------------------------------------------------------- another worker, another key
def heir(house: House) -> list[out.Output]:
    """A worker is lost, and another stands in its place."""
    assert house.lose(0) == []
    return house.play(house.focus.worker_ready(0))


def told(house: House, call: int, status: int, body: str = "") -> list[out.Output]:
    """The final answer to our re-INVITE."""
    return house.play(
        house.focus.hear_call(sip.OfferAnswered(call, status, body.encode(), "application/sdp"), house.now)
    )


def test_a_protected_call_goes_on_with_another_key_of_ours(house: House) -> None:
    """Counters that began anew under the same key would give the sound away (RFC 3711 section 9.1)."""
    sealed, plain = house.enter(savp(line(tag=3))), house.enter(sdp("192.0.2.9", 4100))
    outputs = heir(house)
    opened = {each.leg: each for each in every(OpenLeg, outputs)}
    assert set(opened) == {house.leg(sealed).id, house.leg(plain).id}
    assert keys_of(opened[house.leg(sealed).id].plan) == (THEIRS, b"\x02" * 30)
    asked = the(out.Offer, outputs)
    body = asked.body.decode()
    assert asked.call == sealed and f"a={line(b'%c' % 2 * 30, 3)}\r\n" in body and "RTP/SAVP" in body
    assert " 1 IN IP4" in body.splitlines()[1], "the description is another: its version counts on (RFC 3264 section 8)"
    assert every(SetLeg, told(house, sealed, 200, savp(line(OTHER, 3), version=2))), "its answer may have another key"
    assert keys_of(house.leg(sealed).plan) == (OTHER, b"\x02" * 30)
    assert set(house.acked) == {sealed, plain} and house.focus.next_deadline() is None


@pytest.mark.parametrize("status", [408, 481, 488, 500, 503])
def test_who_does_not_take_it_is_hung_up_on(house: House, status: int) -> None:
    call = house.enter(savp(line()))
    heir(house)
    assert the(out.HangUp, told(house, call, status)).call == call
    assert house.is_empty() and not len(house.focus._reoffers)


@pytest.mark.parametrize("body", ["", sdp("192.0.2.9", 4000), savp(line(tag=9))], ids=["none", "plain", "other tag"])
def test_an_answer_that_cannot_be_used_ends_the_call_too(house: House, body: str) -> None:
    call = house.enter(savp(line()))
    heir(house)
    assert the(out.HangUp, told(house, call, 200, body)).call == call


def test_while_another_offer_is_under_way_it_waits_and_tries_again(house: House) -> None:
    call = house.enter(savp(line()))
    heir(house)
    assert told(house, call, 491) == []
    assert [each.call for each in every(out.Offer, house.pass_time(RETRY_S))] == [call]
    assert every(out.HangUp, told(house, call, 200, savp(line(), version=2))) == []
    assert house.focus.next_deadline() is None


def test_but_not_for_ever(house: House) -> None:
    call = house.enter(savp(line()))
    heir(house)
    for _ in range(MOST_TRIES - 1):
        assert told(house, call, 491) == []
        the(out.Offer, house.pass_time(RETRY_S))
    the(out.HangUp, told(house, call, 491))


def test_a_worker_lost_again_meanwhile_means_a_third_key_once_the_phone_has_answered(house: House) -> None:
    """One offer at a time (RFC 3261 section 14.1)."""
    call = house.enter(savp(line()))
    heir(house)
    outputs = heir(house)
    assert keys_of(the(OpenLeg, outputs).plan) == (THEIRS, b"\x03" * 30) and not every(out.Offer, outputs)
    outputs = told(house, call, 200, savp(line(), version=2))
    assert line(b"\x03" * 30) in the(out.Offer, outputs).body.decode()
    assert keys_of(house.leg(call).plan) == (THEIRS, b"\x03" * 30), "never a key that it has had before"
    assert not every(out.HangUp, told(house, call, 200, savp(line(), version=3)))
    assert not len(house.focus._reoffers)


def test_a_phone_on_hold_stays_there(house: House) -> None:
    call = house.enter(savp(line()))
    house.reinvite(call, savp(line(), "sendonly", version=2))
    heir(house)
    told(house, call, 200, savp(line(), "sendonly", version=3))
    assert house.leg(call).agreed.held
    told(house, call, 200, savp(line(), version=3))


def test_before_the_ack_there_is_no_way_to_tell_it(house: House) -> None:
    waiting, _ = house.invite(savp(line()))
    house.opened(waiting)
    assert [hung.call for hung in every(out.HangUp, house.lose(0))] == [waiting]
    assert not every(OpenLeg, house.play(house.focus.worker_ready(0)))


def test_a_call_that_ends_meanwhile_is_forgotten(house: House) -> None:
    call = house.enter(savp(line()))
    heir(house)
    told(house, call, 491)
    house.bye(call)
    assert not every(out.Offer, house.pass_time(2 * RETRY_S)) and house.focus.next_deadline() is None
    assert told(house, call, 200, savp(line())) == [] and house.is_empty()


def test_no_key_is_in_any_repr(house: House) -> None:
    call, outputs = house.invite(savp(line()))
    plan = the(OpenLeg, outputs).plan
    assert plan is not None
    shown = repr((outputs, plan, house.leg(call)))
    for key in keys_of(plan):
        assert base64.b64encode(key).decode()[:10] not in shown
        assert repr(key)[2:20] not in shown
    assert THEIRS in packed(OpenLeg(leg=1, room=1, plan=plan)), "but the worker gets it"
