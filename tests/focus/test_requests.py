"""Requests beside INVITE find who deals with them; the answers to ours find who asked."""

from __future__ import annotations

from confserver.focus import outputs as out
from confserver.focus.requests import Requests
from confserver.routing.dialplan import Target
from confserver.sip import outputs as sip
from confserver.sip.headers import Headers, NameAddr
from confserver.sip.message import Response
from confserver.sip.uri import parse_uri
from tests.focus.house import PHONE, House, the


def test_a_method_that_nobody_deals_with() -> None:
    """RFC 3261 21.4.6."""
    house = House()
    call = house.enter()
    request, flow = house.request(
        "PUBLISH", "standup", "", PHONE, name="<sip:a@a>", vias=1, transport="UDP", local="192.0.2.1"
    )  # fmt: skip
    for event in (sip.RequestInCall(call, 7, request, flow), sip.RequestArrived(7, request, flow)):
        answer = the(out.Respond, house.focus.hear_call(event, house.now))
        assert (answer.transaction, answer.status) == (7, 405) and "INVITE" in dict(answer.headers)["Allow"]


def test_an_answer_finds_who_asked() -> None:
    house = House()
    requests, heard = Requests(house.scene), []
    requests.ask(3, "INFO", lambda response, now: heard.append(("first", response.status)), body=b"x")
    target = Target(parse_uri("sip:bob@b"))
    requests.send("OPTIONS", target, NameAddr("", target.uri), lambda response, now: heard.append(("second", now)))
    first, second = house.scene.taken()
    assert isinstance(first, out.Ask) and isinstance(second, out.Send)
    assert (first.call, first.method, first.body) == (3, "INFO", b"x")
    requests.sent(first.key, 11)
    requests.sent(second.key, 12)
    requests.answered(sip.RequestAnswered(12, Response(200, "", Headers())), 5.0)
    requests.answered(sip.RequestAnswered(11, Response(415, "", Headers())), 6.0)
    requests.answered(sip.RequestAnswered(11, Response(200, "", Headers())), 7.0)
    assert heard == [("second", 5.0), ("first", 415)] and len(requests) == 0
