"""Where media may go: what a worker is told for callers from here, from there and from behind a NAT."""

from __future__ import annotations

import pytest

from confserver.contract import MediaPlan, OpenLeg
from tests.focus.house import OUTSIDE, House, sdp, the


def plan(body: str, source: str = "192.0.2.9", **how: object) -> MediaPlan:
    house = House()
    _, outputs = house.invite(body, source=(source, 5062), **how)
    found = the(OpenLeg, outputs).plan
    assert found is not None
    return found


def test_a_phone_in_our_network() -> None:
    found = plan(sdp("192.0.2.9"))
    assert found.remote == ("192.0.2.9", 4000) and found.remote_rtcp == ("192.0.2.9", 4001)
    assert found.signalling_host == "192.0.2.9"
    assert not found.symmetric and found.send_first and not found.rtcp_mux
    assert found.sends and found.receives and found.ptime_ms == 20


def test_rtcp_beside_the_media() -> None:
    assert plan(sdp("192.0.2.9", 4000, "rtcp-mux")).rtcp_mux
    assert plan(sdp("192.0.2.9", 4000, "rtcp:5001")).remote_rtcp == ("192.0.2.9", 5001)
    assert plan(sdp("192.0.2.9", 4000, "rtcp:5001 IN IP4 192.0.2.7")).remote_rtcp == ("192.0.2.7", 5001)


def test_private_media_elsewhere_than_the_signalling() -> None:
    """Behind a router of ours: the address may be the phone's own, or one that only its side of the router knows."""
    found = plan(sdp("192.168.1.7"))
    assert found.remote == ("192.168.1.7", 4000) and found.symmetric and found.send_first


def test_public_media_elsewhere_than_the_signalling() -> None:
    found = plan(sdp("198.41.0.4"))
    assert found.remote == ("198.41.0.4", 4000) and not found.symmetric


def test_a_call_through_a_proxy() -> None:
    found = plan(sdp("198.41.0.4"), vias=2)
    assert found.symmetric and found.signalling_host == ""


def test_a_broken_via_below_the_top_is_nobody_s_business() -> None:
    house = House()
    request, flow = house.request(
        "INVITE", "standup", sdp(), ("192.0.2.9", 5062), name="<sip:a@b>", vias=1, transport="UDP", local="192.0.2.1"
    )  # fmt: skip
    request.headers.add("Via", "rubbish")
    from confserver.sip.outputs import CallArrived

    house.acked[1] = False
    found = the(OpenLeg, house.play(house.focus.hear_call(CallArrived(1, request, flow), house.now))).plan
    assert found is not None and found.symmetric


PRIVATE = ["10.0.0.1", "172.16.0.1", "192.168.1.7", "169.254.1.1", "127.0.0.1", "100.64.0.1", "192.0.2.7", "198.18.0.1"]


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_named_from_outside_are_never_sent_to(host: str) -> None:
    found = plan(sdp(host), source=OUTSIDE)
    assert found.remote is None and found.remote_rtcp is None
    assert found.symmetric and not found.send_first
    assert found.signalling_host == OUTSIDE


@pytest.mark.parametrize("host", ["::1", "fd00::1", "fe80::1", "2001:db8::7"])
def test_the_same_in_ipv6(host: str) -> None:
    assert plan(sdp(host), source=OUTSIDE).remote is None


@pytest.mark.parametrize("rtcp", ["10.0.0.1", "127.0.0.1"])
def test_nor_by_rtcp(rtcp: str) -> None:
    found = plan(sdp(OUTSIDE, 4000, f"rtcp:4001 IN IP4 {rtcp}"), source=OUTSIDE)
    assert found.remote == (OUTSIDE, 4000) and found.remote_rtcp is None


def test_public_addresses_from_outside() -> None:
    found = plan(sdp(OUTSIDE), source=OUTSIDE)
    assert found.remote == (OUTSIDE, 4000) and not found.symmetric and found.send_first


@pytest.mark.parametrize("source", ["192.0.2.9", OUTSIDE])
def test_loopback_only_from_loopback(source: str) -> None:
    found = plan(sdp("127.0.0.1"), source=source)
    assert found.remote is None and found.symmetric and not found.send_first
    assert plan(sdp("127.0.0.1"), source="127.0.0.1").remote == ("127.0.0.1", 4000)
    assert plan(sdp("127.0.0.1"), source="127.0.0.2").symmetric, "maybe a NAT"


@pytest.mark.parametrize("zone", ["", "%eth0"])
def test_link_local_needs_a_zone_which_sdp_cannot_name(zone: str) -> None:
    found = plan(sdp("fe80::9"), source=f"fe80::9{zone}", local="2001:db8::1")
    assert found.remote is None and found.symmetric


def test_an_address_that_is_none() -> None:
    """The old hold, from the first."""
    found = plan(sdp("0.0.0.0"))
    assert found.remote is None and not found.sends and not found.send_first


def test_our_host_is_asked_for_where_media_go() -> None:
    house = House()
    asked = house.street.asked
    house.invite(sdp("192.168.1.7"))
    assert asked[-1][1:] == ("192.168.1.7", False)
    house.invite(sdp("10.0.0.1"), source=(OUTSIDE, 5060))
    assert asked[-1][1:] == (None, False), "nobody knows where; as for its signalling"
    house.invite(sdp("2001:db8::9"))
    assert asked[-1][1:] == ("2001:db8::9", True), "signalling by IPv4, media by IPv6"
    house.invite("", source=("2001:db8::9", 5060), local="2001:db8::1")
    assert asked[-1][1:] == (None, True)
