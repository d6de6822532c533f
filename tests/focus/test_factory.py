"""A name that makes rooms, and what OPTIONS tells of a room."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

import pytest

from confserver.focus import outputs as out
from confserver.focus.conference_info import NAMESPACE, TYPE
from confserver.focus.factory import Factory
from confserver.sip import outputs as sip
from confserver.sip.flow import Address, Flow
from confserver.sip.message import Request, parse
from rooms.commands import Lock
from tests.focus.house import OUTSIDE, PHONE, SERVER, House, every, the


def house_with(*names: str, **how: object) -> House:
    house = House(**how)  # type: ignore[arg-type]
    fresh = itertools.cycle(names or ("room-a",))
    house.scene.factory = Factory("new-room", lambda: next(fresh))
    return house


# ------------------------------------------------------------------ the factory (RFC 4579 5.4)
def test_each_call_to_it_makes_a_room() -> None:
    house = house_with("room-a", "room-b")
    first, outputs = house.invite(room="New-Room")
    assert the(out.NameRoom, outputs) == out.NameRoom(first, "room-a")
    assert list(map(type, outputs)).index(out.NameRoom) < list(map(type, outputs)).index(out.TellWorker) + 2
    second, outputs = house.invite(room="new-room")
    assert the(out.NameRoom, outputs).user == "room-b"
    assert (house.leg(first).room, house.leg(second).room) == ("room-a", "room-b")
    assert "new-room" not in house.rooms


def test_others_come_by_the_name_that_it_was_given() -> None:
    house = house_with("room-a")
    house.enter(room="new-room")
    call, outputs = house.invite(room="room-a", name="<sip:b@b>")
    assert every(out.NameRoom, outputs) == [] and house.leg(call).room == "room-a"
    house.opened(call)
    house.ack(call)
    assert house.people("room-a") == ["p1", "p2"]


def test_no_room_is_made_twice() -> None:
    house = house_with("room-a", "new-room", "room-b")
    house.enter(room="room-a")
    call, _ = house.invite(room="new-room")
    assert house.leg(call).room == "room-b"


def test_where_calls_make_no_rooms() -> None:
    house = house_with(on_demand=False)
    _, outputs = house.invite(room="new-room")
    assert the(out.Refuse, outputs).status == 404 and house.is_empty()


def test_without_a_factory_it_is_a_room_like_any_other() -> None:
    house = House()
    call, outputs = house.invite(room="new-room")
    assert house.leg(call).room == "new-room" and every(out.NameRoom, outputs) == []


def test_a_room_in_other_letters_is_named_as_it_is_called() -> None:
    house = House()
    _, outputs = house.invite(room="StandUp")
    assert every(out.NameRoom, outputs) == []


# ------------------------------------------------------------------ OPTIONS (RFC 3261 11.2)
def asked(house: House, *lines: str, room: str = "standup", source: Address = PHONE) -> out.Respond:
    head, flow = house.request(
        "OPTIONS", room, "", source, name="<sip:anna@example.com>", vias=1, transport="UDP", local=SERVER
    )  # fmt: skip
    text = head.encode().decode().replace("\r\n\r\n", "\r\n" + "".join(f"{each}\r\n" for each in lines) + "\r\n")
    request = parse(text.encode())
    assert isinstance(request, Request)
    assert isinstance(flow, Flow)
    return the(out.Respond, house.focus.hear_call(sip.RequestArrived(7, request, flow), house.now))


def test_what_a_room_would_agree_on() -> None:
    """RFC 3264 section 9: all formats, port 0, no address."""
    answer = asked(House())
    body = answer.body.decode()
    assert (answer.status, answer.content_type) == (200, "application/sdp")
    assert "m=audio 0 RTP/AVP " in body and "c=IN IP4 0.0.0.0" in body
    assert all(name in body for name in ("PCMU/8000", "opus/48000/2", "telephone-event/8000"))


@pytest.mark.parametrize("accept", ["text/plain", "application/pidf+xml"])
def test_who_reads_no_sdp_gets_none(accept: str) -> None:
    answer = asked(House(), f"Accept: {accept}")
    assert (answer.status, answer.body) == (200, b"")


def test_the_server_itself_has_no_sdp() -> None:
    answer = asked(House(), room="")
    assert (answer.status, answer.body) == (200, b"")


def test_the_factory_would_take_a_call() -> None:
    answer = asked(house_with(), room="new-room")
    assert answer.status == 200 and b"m=audio 0" in answer.body


def test_how_a_room_stands() -> None:
    house = House()
    house.enter()
    answer = asked(house, f"Accept: {TYPE}, application/sdp")
    assert answer.content_type == TYPE
    root = ET.fromstring(answer.body)
    assert root.findtext(f"{{{NAMESPACE}}}conference-state/{{{NAMESPACE}}}user-count") == "1"
    assert asked(house, f"Accept: application/sdp, {TYPE}").content_type == "application/sdp"


def test_is_not_told_to_everybody() -> None:
    house = House()
    house.enter()
    answer = asked(house, f"Accept: {TYPE}", source=(OUTSIDE, 5060))
    assert (answer.status, answer.body) == (200, b"")
    house.enter(source=(OUTSIDE, 4000))
    assert asked(house, f"Accept: {TYPE}", source=(OUTSIDE, 5060)).body, "but to those in it"
    assert asked(house, f"Accept: {TYPE}", room="empty").body == b""


def test_it_is_answered_as_an_invite_would_be() -> None:
    house = House()
    house.enter()
    house.order(Lock("standup"))
    assert asked(house).status == 403
