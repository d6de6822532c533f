"""Route, Record-Route and flow tokens: requests in a dialog find their way, and only those (RFC 3261 16.4, 16.6)."""

from __future__ import annotations

import pytest

from confserver.sip.flow import Flow
from confserver.sip.message import Request, Response
from confserver.sip.proxy.routes import Tokens
from tests.kit.sip_play import SDP
from tests.sip.proxy.house import ALICE, BOB, CAROL, Relaying, route_set, route_set_of_called, to

CONTACT = "sip:bob@192.0.2.20:5060"


@pytest.fixture
def proxy() -> Relaying:
    return Relaying()


def in_dialog(answer: Response) -> dict[str, str]:
    return {"uri": CONTACT, "to": f"<sip:bob@example.com>;tag={answer.to.tag}"}


# ------------------------------------------------------------------ who may have requests sent
def test_without_our_record_route_nothing_is_sent(proxy: Relaying) -> None:
    _, answer = proxy.talks()
    proxy.sends("BYE", **in_dialog(answer))
    assert proxy.statuses() == [481] and not proxy.takes(BOB)


@pytest.mark.parametrize("forged", ["<sip:192.0.2.1;lr>", "<sip:00112233445566778899aabb@192.0.2.1;lr>"])
def test_a_made_up_record_route_sends_nothing(proxy: Relaying, forged: str) -> None:
    _, answer = proxy.talks()
    proxy.sends("BYE", f"Route: {forged}, {forged}", **in_dialog(answer))
    assert proxy.statuses() == [481] and not proxy.takes(BOB)


def test_our_record_route_is_good_for_its_own_call_only(proxy: Relaying) -> None:
    _, answer = proxy.talks()
    proxy.sends("BYE", *route_set(answer), call_id="another", **in_dialog(answer))
    assert proxy.statuses() == [481] and not proxy.takes(BOB)


def test_nobody_else_can_write_it() -> None:
    flow = Flow("TCP", ("192.0.2.1", 5060), ("192.0.2.9", 4711), 7)
    token = Tokens("one").write("call", flow)
    side = Tokens("one").read("call", token)
    assert side is not None and side.flow == flow
    assert Tokens("one").read("call", token[:-1]) is None
    assert Tokens("one").read("other", token) is None and Tokens("two").read("call", token) is None
    plain = Tokens("one").read("call", Tokens("one").write("call", None))
    assert plain is not None and plain.flow is None


@pytest.mark.parametrize("user", ["", "-", "\u00e9" * 30, "a" * 24, "a" * 24 + "-%%%", "x" * 5000])
def test_other_users_are_none_of_ours(user: str) -> None:
    assert Tokens("one").read("call", user) is None


def test_dialogs_outlive_a_restart(proxy: Relaying) -> None:
    _, answer = proxy.talks()
    anew = Relaying()
    anew.sends("BYE", *route_set(answer), **in_dialog(answer))
    assert anew.request_to(BOB, "BYE")
    other = Relaying(secret="another")
    other.sends("BYE", *route_set(answer), **in_dialog(answer))
    assert other.statuses() == [481]


def test_strangers_are_refused_before_anybody_is_asked() -> None:
    proxy = Relaying(unwelcome=lambda flow: "a stranger" if flow.remote == CAROL else "")
    proxy.forks("bob", (to(BOB),))
    proxy.invites(source=CAROL)
    assert proxy.statuses(CAROL) == [403] and not proxy.asked and not proxy.takes(BOB)


def test_who_is_called_outside_may_use_the_dialog() -> None:
    """What began with one of us goes on from the other side."""
    proxy = Relaying(unwelcome=lambda flow: "a stranger" if flow.remote == BOB else "")
    invite, answer = proxy.talks()
    ends = {"from_": f"<sip:bob@example.com>;tag={answer.to.tag}", "to": "<sip:alice@example.com>;tag=alice"}
    proxy.sends("BYE", *route_set_of_called(invite), uri="sip:alice@192.0.2.9:5062", source=BOB, **ends)
    assert proxy.request_to(ALICE, "BYE")


# ------------------------------------------------------------------ the way
def test_our_own_route_is_taken_off(proxy: Relaying) -> None:
    """A phone with an outbound proxy (RFC 3261 16.4)."""
    proxy.forks("bob", (to(BOB),))
    proxy.invites("Route: <sip:example.com;lr>")
    assert "Route" not in proxy.request_to(BOB, "INVITE").headers


def test_routes_beyond_us_are_not_followed_outside_of_dialogs(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.invites("Route: <sip:example.com;lr>, <sip:203.0.113.7;lr>")
    assert proxy.statuses() == [403] and not proxy.takes(BOB)


@pytest.mark.parametrize("route", ["nonsense", "<sip:example.com;lr", "<sip:a@@b>"])
def test_a_route_that_cannot_be_read(proxy: Relaying, route: str) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.invites(f"Route: {route}")
    assert proxy.statuses() == [400] and not proxy.takes(BOB)


def test_a_strict_router_has_put_us_where_the_target_was(proxy: Relaying) -> None:
    """RFC 3261 16.4: our Record-Route is the Request-URI, and the target the last Route."""
    _, answer = proxy.talks()
    first, second = answer.headers.get_all("Record-Route")[::-1]
    uri = first.strip("<>")
    proxy.sends("BYE", f"Route: {second}, <{CONTACT}>", uri=uri, to=in_dialog(answer)["to"])
    bye = proxy.request_to(BOB, "BYE")
    assert str(bye.uri) == CONTACT and "Route" not in bye.headers


def test_the_next_hop_is_a_strict_router(proxy: Relaying) -> None:
    """RFC 3261 16.6, step 6."""
    proxy.forks("bob", (to(BOB, routes=("<sip:192.0.2.30>",)),))
    proxy.invites()
    invite = proxy.request_to(CAROL, "INVITE")
    assert str(invite.uri) == "sip:192.0.2.30" and invite.headers.get_all("Route") == [f"<{CONTACT}>"]


def test_a_phone_behind_a_proxy(proxy: Relaying) -> None:
    """The Path of its registration (RFC 3327 5.4)."""
    proxy.forks("bob", (to(BOB, routes=("<sip:192.0.2.30;lr>",)),))
    proxy.invites()
    invite = proxy.request_to(CAROL, "INVITE")
    assert str(invite.uri) == CONTACT and invite.headers.get_all("Route") == ["<sip:192.0.2.30;lr>"]


def test_a_route_of_a_target_that_cannot_be_read_costs_that_target_alone(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB, routes=("nonsense <",)), to(CAROL)))
    proxy.invites()
    assert proxy.request_to(CAROL, "INVITE") and not proxy.takes(BOB)


def test_proxies_behind_us_are_followed_in_the_dialog(proxy: Relaying) -> None:
    _, answer = proxy.talks()
    proxy.sends("BYE", *route_set(answer), "Route: <sip:192.0.2.30;lr>", **in_dialog(answer))
    bye = proxy.request_to(CAROL, "BYE")
    assert bye.headers.get_all("Route") == ["<sip:192.0.2.30;lr>"] and str(bye.uri) == CONTACT


# ------------------------------------------------------------------ connections and NATs
def test_a_phone_that_can_be_reached_by_its_connection_alone(proxy: Relaying) -> None:
    """RFC 5626 5.3: the flow's token brings requests in the dialog to it, whatever its Contact says."""
    flow = proxy.is_there(BOB)
    proxy.forks("bob", (to(BOB, flow=flow),))
    proxy.invites()
    invite = proxy.request_to(BOB, "INVITE")
    proxy.replies(BOB, invite, 200, body=SDP)
    answer = proxy.answer_at()
    proxy.sends("BYE", *route_set(answer), uri="sip:bob@x7.invalid;transport=tcp", to=in_dialog(answer)["to"])
    assert proxy.request_to(BOB, "BYE").via.transport == "TCP"


def test_its_connection_is_lost(proxy: Relaying) -> None:
    flow = proxy.connect(BOB, "TCP", 3)
    proxy.forks("bob", (to(BOB, user="x", flow=flow),))
    proxy.unreachable.add(BOB)
    proxy.invites()
    assert proxy.statuses() == [100, 480]


def test_its_connection_is_lost_while_it_rings(proxy: Relaying) -> None:
    flow = proxy.is_there(BOB)
    proxy.forks("bob", (to(BOB, flow=flow),))
    proxy.invites()
    proxy.request_to(BOB, "INVITE")
    proxy.perform(proxy.stack.flow_lost(flow, proxy.now))
    assert proxy.statuses() == [100, 480]
    proxy.pass_time(60)
    assert proxy.is_at_rest()


def test_the_caller_sits_behind_a_nat(proxy: Relaying) -> None:
    """His Contact is a private address: requests to him go where his INVITE came from."""
    invite, answer = proxy.talks(contact="<sip:alice@10.0.0.5:5060>")
    ends = {"from_": f"<sip:bob@example.com>;tag={answer.to.tag}", "to": "<sip:alice@example.com>;tag=alice"}
    proxy.sends("BYE", *route_set_of_called(invite), uri="sip:alice@10.0.0.5:5060", source=BOB, **ends)
    assert str(proxy.request_to(ALICE, "BYE").uri) == "sip:alice@10.0.0.5:5060"


def test_a_caller_who_can_be_reached_is_called_where_he_says(proxy: Relaying) -> None:
    """A re-INVITE may have moved him (RFC 3261 12.2)."""
    invite, answer = proxy.talks()
    ends = {"from_": f"<sip:bob@example.com>;tag={answer.to.tag}", "to": "<sip:alice@example.com>;tag=alice"}
    proxy.sends("BYE", *route_set_of_called(invite), uri="sip:alice@192.0.2.30", source=BOB, **ends)
    assert proxy.request_to(CAROL, "BYE")


def test_sips_stays_sips(proxy: Relaying) -> None:
    """RFC 3261 16.6, step 4."""
    proxy.is_there(ALICE, "TLS")
    proxy.forks("bob", (to(BOB, flow=proxy.is_there(BOB, "TLS", 2)),))
    proxy.invites(uri="sips:bob@example.com")
    routes = proxy.request_to(BOB, "INVITE").headers.get_all("Record-Route")
    assert all(route.startswith("<sips:") for route in routes)


# ------------------------------------------------------------------ in the dialog
def test_a_re_invite_and_its_ack(proxy: Relaying) -> None:
    _, answer = proxy.talks()
    proxy.sends("INVITE", *route_set(answer), cseq=2, body=SDP, **in_dialog(answer))
    again = proxy.request_to(BOB, "INVITE")
    assert again.cseq.number == 2 and "Record-Route" not in again.headers
    proxy.replies(BOB, again, 200, body=SDP)
    assert 200 in proxy.statuses()
    proxy.sends("ACK", *route_set(answer), cseq=2, **in_dialog(answer))
    assert proxy.request_to(BOB, "ACK").cseq.number == 2


def test_prack_info_and_update_follow_the_routes(proxy: Relaying) -> None:
    _, answer = proxy.talks()
    for number, method in enumerate(("PRACK", "UPDATE", "INFO", "MESSAGE", "REFER"), 2):
        proxy.sends(method, *route_set(answer), cseq=number, **in_dialog(answer))
        request = proxy.request_to(BOB, method)
        proxy.replies(BOB, request, 200)
        assert proxy.statuses() == [200]


def test_an_ack_with_the_branch_of_its_invite(proxy: Relaying) -> None:
    """RFC 2543; RFC 3261 13.2.2.4 wants another, yet some phones do not know."""
    proxy.forks("bob", (to(BOB),))
    branch = proxy.invites()
    proxy.replies(BOB, proxy.request_to(BOB, "INVITE"), 200)
    answer = proxy.answer_at_last()
    proxy.sends("ACK", *route_set(answer), branch=branch, **in_dialog(answer))
    assert proxy.request_to(BOB, "ACK")


def test_acks_of_nothing_are_dropped(proxy: Relaying) -> None:
    proxy.sends("ACK", "Route: <sip:example.com;lr>", uri=CONTACT, to="<sip:bob@example.com>;tag=x")
    proxy.sends("ACK", "Route: <broken", uri=CONTACT, to="<sip:bob@example.com>;tag=x")
    assert not proxy.takes(BOB) and not proxy.takes(ALICE)


def test_an_ack_that_has_gone_too_far(proxy: Relaying) -> None:
    _, answer = proxy.talks()
    proxy.sends("ACK", *route_set(answer), forwards=0, **in_dialog(answer))
    assert not proxy.takes(BOB)


# ------------------------------------------------------------------ what is looked at first
def test_max_forwards_ends(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.invites(forwards=0)
    assert proxy.statuses() == [483] and not proxy.takes(BOB)
    proxy.invites(forwards=1)
    assert proxy.request_to(BOB, "INVITE").max_forwards == 0


def test_max_forwards_is_written_where_it_is_missing(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.invites(forwards=None)
    assert proxy.request_to(BOB, "INVITE").max_forwards == 70


def test_proxy_require(proxy: Relaying) -> None:
    proxy.forks("bob", (to(BOB),))
    proxy.invites("Proxy-Require: privacy, sec-agree")
    answer = proxy.answer_at()
    assert answer.status == 420 and answer.headers.get_all("Unsupported") == ["privacy", "sec-agree"]
    assert not proxy.takes(BOB)


def comes_back(proxy: Relaying, request: Request, uri: str) -> None:
    """Somebody sends us what we have sent."""
    text = request.encode().decode().replace(f"INVITE {request.uri} ", f"INVITE {uri} ")
    via = f"Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKb{len(proxy.asked)}\r\n"
    proxy.hear(text.replace("\r\n", f"\r\n{via}", 1), BOB)


def test_a_loop_is_seen(proxy: Relaying) -> None:
    """RFC 5393 4.2."""
    proxy.forks("bob", (to(BOB),))
    proxy.invites()
    comes_back(proxy, proxy.request_to(BOB, "INVITE"), "sip:bob@example.com")
    assert proxy.statuses(BOB) == [482]


def test_a_spiral_is_none(proxy: Relaying) -> None:
    """The same call by another name (RFC 3261 section 6)."""
    proxy.forks("bob", (to(BOB),))
    proxy.forks("carol", (to(CAROL),))
    proxy.invites()
    comes_back(proxy, proxy.request_to(BOB, "INVITE"), "sip:carol@example.com")
    assert proxy.statuses(BOB) == [100] and len(proxy.request_to(CAROL, "INVITE").vias) == 4


def test_our_own_marks_cannot_be_guessed(proxy: Relaying) -> None:
    """Else a stranger could have a call refused as a loop."""
    proxy.forks("bob", (to(BOB),))
    proxy.invites("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKt0.0011223344556677")
    assert proxy.request_to(BOB, "INVITE")


def test_a_server_under_load_refuses(proxy: Relaying) -> None:
    busy = Relaying(most_transactions=1)
    busy.forks("bob", (to(BOB),))
    busy.invites()
    busy.invites(call_id="call-2")
    refused = [each for each in busy.takes(ALICE) if isinstance(each, Response) and each.status == 503]
    assert len(refused) == 1 and refused[0].headers.get("Retry-After")


def test_a_gruu_of_ours_is_a_remote_target(proxy: Relaying) -> None:
    """RFC 5627 section 5: the planner knows where it leads, in a dialog as well."""
    proxy.forks("bob", (to(BOB),))
    proxy.invites()
    proxy.replies(BOB, proxy.request_to(BOB, "INVITE"), 200)
    answer = proxy.answer_at_last()
    proxy.sends("BYE", *route_set(answer), uri="sip:bob@example.com;gr=urn:uuid:f81d4fae", to=in_dialog(answer)["to"])
    assert proxy.request_to(BOB, "BYE")


# ------------------------------------------------------------------ discretion
OURS = 'Digest username="alice", realm="confserver", nonce="1", uri="sip:bob@example.com", response="' + "0" * 32 + '"'
THEIRS = OURS.replace("confserver", "elsewhere")


def test_credentials_for_us_go_no_further() -> None:
    """RFC 3261 22.3; those for others do."""
    proxy = Relaying(realm="confserver")
    proxy.forks("bob", (to(BOB),))
    proxy.invites(f"Proxy-Authorization: {OURS}", f"Proxy-Authorization: {THEIRS}", f"Authorization: {OURS}")
    invite = proxy.request_to(BOB, "INVITE")
    assert invite.headers.get_all("Proxy-Authorization") == [THEIRS] and "Authorization" not in invite.headers
    proxy.replies(BOB, invite, 200)
    answer = proxy.answer_at_last()
    for method in ("ACK", "BYE"):
        proxy.sends(method, *route_set(answer), f"Proxy-Authorization: {OURS}", **in_dialog(answer))
        assert "Proxy-Authorization" not in proxy.request_to(BOB, method).headers


@pytest.mark.parametrize("value", ["Bearer x", "Digest", "nonsense"])
def test_credentials_that_cannot_be_read_are_for_others(value: str) -> None:
    proxy = Relaying(realm="confserver")
    proxy.forks("bob", (to(BOB),))
    proxy.invites(f"Authorization: {value}")
    assert proxy.request_to(BOB, "INVITE").headers.get("Authorization") == value


@pytest.mark.parametrize("is_believed", [True, False])
def test_an_identity_is_sent_on_by_who_is_believed_alone(is_believed: bool) -> None:
    """RFC 3325 section 5, both ways."""
    proxy = Relaying(believes=lambda flow: is_believed)
    proxy.forks("bob", (to(BOB),))
    proxy.invites("P-Asserted-Identity: <sip:boss@example.com>")
    invite = proxy.request_to(BOB, "INVITE")
    assert ("P-Asserted-Identity" in invite.headers) is is_believed
    proxy.takes(ALICE)
    for status in (180, 200):
        proxy.replies(BOB, invite, status, "P-Asserted-Identity: <sip:bob@example.com>")
        assert ("P-Asserted-Identity" in proxy.answer_at().headers) is is_believed
