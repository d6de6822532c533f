"""Each reason to refuse a call, what the phone hears of it, and that nothing is left of the call."""

from __future__ import annotations

import pytest

from confserver.contract import OpenLeg, Overloaded
from confserver.focus import outputs as out
from confserver.sip.doorkeeper import Identity
from rooms.commands import CreateRoom, End, Lock
from tests.focus.house import OUTSIDE, House, every, sdp, the

STRANGER = ("93.184.217.34", 5060)


def refusal(house: House, body: str | None = None, **how: object) -> tuple[int, str]:
    """Status and Warning of a call that must be refused, and leave nothing."""
    before = len(house.scene.legs.by_id), len(house.scene.places), sum(len(room.places) for room in house.rooms)
    call, outputs = house.invite(body, **how)
    refused = the(out.Refuse, outputs)
    assert refused.call == call and not every(OpenLeg, outputs)
    after = len(house.scene.legs.by_id), len(house.scene.places), sum(len(room.places) for room in house.rooms)
    assert after == before
    return refused.status, dict(refused.headers).get("Warning", "")


# ---------------------------------------------------------------- by the room
def test_a_full_room() -> None:
    house = House(most=2)
    house.enter()
    reserved, _ = house.invite()
    status, warning = refusal(house)
    assert status == 486 and "full" in warning
    assert house.options().status == 486
    house.cancel(reserved)
    house.enter()


def test_too_many_rooms() -> None:
    house = House(most_rooms=1)
    house.enter(room="one")
    assert refusal(house, room="two")[0] == 486


def test_a_locked_room() -> None:
    house = House()
    house.enter()
    house.order(Lock("standup"))
    assert refusal(house) == (403, '399 confserver "standup is locked"')
    assert house.options().status == 403


def test_a_room_that_does_not_exist() -> None:
    house = House(on_demand=False)
    assert refusal(house)[0] == 404
    assert house.options().status == 404
    house.order(CreateRoom("standup"))
    assert house.options().status == 200
    house.enter()


@pytest.mark.parametrize("room", ["", "-", "a%20b", "a/b", "x" * 65, "%00", "%ff%fe", "caf%c3%a9", "*", "%22"])
def test_what_is_no_name_of_a_room(room: str) -> None:
    assert refusal(House(), room=room)[0] == 404


def test_a_room_that_is_ending() -> None:
    house = House()
    call, _ = house.invite()
    house.opened(call)
    house.order(End("standup"))
    assert refusal(house)[0] == 480
    assert house.options().status == 480
    house.ack(call)
    assert house.is_empty()
    house.enter()


# ---------------------------------------------------------------- by the caller
def test_a_caller_from_outside() -> None:
    house = House()
    status, warning = refusal(house, source=STRANGER)
    assert status == 403 and "trusted_networks" in warning and STRANGER[0] in warning
    assert house.options(source=STRANGER).status == 403
    assert house.options("", source=STRANGER).status == 403


def test_a_user_of_ours_comes_in_from_anywhere() -> None:
    """The stack has seen the password; the room shows who it is, not what the phone says."""
    house = House()
    house.enter(source=STRANGER, name='"The Boss" <sip:alice@example.com>', identity=Identity("alice", "Alice"))
    [person] = house.focus.room("standup", house.now)["participants"]  # type: ignore[misc]
    assert (person["name"], person["address"], person["user"]) == ("Alice", "sip:alice@example.com", "alice")  # type: ignore[index]


def test_a_caller_from_a_listed_network() -> None:
    house = House()
    house.enter(source=(OUTSIDE, 5060))
    assert house.options(source=(OUTSIDE, 5060)).status == 200


# ---------------------------------------------------------------- by the offer
BAD = {
    "no version": "s=-\r\n",
    "garbage": "\x00\x01\x02",
    "a port that is none": sdp().replace("m=audio 4000", "m=audio 400000"),
    "no connection": sdp().replace("c=IN IP4 192.0.2.9\r\n", ""),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_description(kind: str) -> None:
    status, warning = refusal(House(), BAD[kind])
    assert status == 400 and warning


UNUSABLE = {
    "no codec of ours": (sdp(formats="96", maps=("rtpmap:96 SPEEX/8000",)), "305"),
    "keys without sound": (sdp(formats="101"), "305"),
    "SRTP only": (sdp(proto="RTP/SAVP"), "302"),
    "DTLS-SRTP only": (sdp(proto="UDP/TLS/RTP/SAVPF"), "302"),
    "no audio": (sdp().replace("m=audio", "m=video"), "304"),
    "audio switched off": (sdp(port=0), "304"),
    "a name": (sdp().replace("c=IN IP4 192.0.2.9", "c=IN IP4 phone.example.com"), "301"),
    "another network": (sdp().replace("c=IN IP4", "c=ATM NSAP"), "300"),
    "multicast": (sdp("224.2.1.1"), "301"),
    "multicast of IPv6": (sdp("ff0e::1"), "301"),
    "broadcast": (sdp("255.255.255.255"), "301"),
    "broadcast of our network": (sdp("192.0.2.255"), "301"),
    "nobody's": (sdp("240.0.0.1"), "301"),
    "IPv4 dressed as IPv6": (sdp("::ffff:192.0.2.9"), "301"),
    "DNS": (sdp(port=53), "301"),
    "a port below 1024": (sdp(port=1023), "301"),
    "our own media": (sdp("192.0.2.1", 20000), "301"),
    "our own media by loopback": (sdp("127.0.0.1", 20999), "301"),
    "our own media by another loopback": (sdp("127.9.9.9", 20500), "301"),
    "our own media by IPv6": (sdp("2001:db8::1", 20500), "301"),
    "RTCP to DNS": (sdp("192.0.2.9", 4000, "rtcp:53 IN IP4 192.0.2.7"), "301"),
    "RTCP to many": (sdp("192.0.2.9", 4000, "rtcp:4001 IN IP4 224.2.1.1"), "301"),
    "RTCP to our own media": (sdp("192.0.2.1", 19999), "301"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_offer_that_cannot_be(kind: str) -> None:
    body, code = UNUSABLE[kind]
    status, warning = refusal(House(), body)
    assert status == 488 and warning.startswith(f"{code} confserver ")


@pytest.mark.parametrize(
    "body",
    [sdp("192.0.2.1", 21000), sdp("192.0.2.1", 19998), sdp("192.0.2.8", 20000), sdp(port=1024), sdp("192.0.2.254")],
)
def test_offers_beside_those(body: str) -> None:
    house = House()
    house.enter(body)
    assert house.people() == ["p1"]


def test_loopback_of_ipv6_is_reserved_but_ours() -> None:
    house = House()
    call, outputs = house.invite(sdp("::1"), source=("::1", 5062), local="::1")
    plan = the(OpenLeg, outputs).plan
    assert plan is not None and plan.remote == ("::1", 4000) and not plan.symmetric and plan.send_first
    house.bye(call)


def test_a_family_that_we_have_not() -> None:
    house = House()
    house.street.hosts[True] = None  # type: ignore[assignment]
    status, warning = refusal(house, sdp("2001:db8::9"))
    assert status == 488 and "IPv6" in warning
    house.enter()


# ---------------------------------------------------------------- by the workers
def test_no_worker() -> None:
    house = House(workers=0)
    call, outputs = house.invite()
    refused = the(out.Refuse, outputs)
    assert (refused.call, refused.status) == (call, 503) and "Retry-After" in dict(refused.headers)
    assert house.is_empty()
    assert house.options().status == 200, "it comes back within a second"


def test_workers_that_are_overloaded() -> None:
    house = House(workers=2)
    house.enter(room="one")
    house.tell(Overloaded(load=0.9), 0)
    assert refusal(house, room="one")[0] == 503, "also where the room is there already"
    house.enter(room="two")
    assert house.scene.places["two"].worker == 1
    house.tell(Overloaded(load=0.9), 1)
    assert refusal(house, room="three")[0] == 503


def test_a_server_that_stops() -> None:
    house = House()
    house.enter()
    opening, _ = house.invite()
    unanswered, _ = house.invite()
    house.opened(unanswered)
    outputs = house.play(house.focus.close())
    refused = the(out.Refuse, outputs)
    assert (refused.call, refused.status) == (opening, 503)
    assert len(every(out.HangUp, outputs)) == 2
    house.focus.worker_ready(0)
    assert refusal(house)[0] == 503, "the room is still there, for one that has not sent its ACK"
    assert refusal(house, room="other")[0] == 503
    assert house.options().status == house.options("").status == 503
    house.ack(unanswered)
    assert house.is_empty()


# ---------------------------------------------------------------- OPTIONS
@pytest.mark.parametrize("room", ["standup", ""])
def test_options(room: str) -> None:
    house = House()
    assert house.options(room).status == 200
    assert house.is_empty() and len(house.rooms) == 0, "asking makes no room"


def test_options_for_what_is_no_room() -> None:
    answer = House().options("a%20b")
    assert answer.status == 404 and answer.headers[0][0] == "Warning"


def test_warnings_are_plain() -> None:
    """What a caller writes comes back in a header: quotes, line breaks and other alphabets must not harm it."""
    _, warning = refusal(House(), room="%22%0d%0aEvil:%20%c3%a9%5c")
    assert warning.count('"') == 2 and "\r" not in warning and "\n" not in warning
    assert warning.isascii() and "\\" not in warning.replace("\\\\", "")
