"""Stacks joined through a proxy by a bad network, and a proxy that is sent rubbish: all come to rest."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable

import pytest

from confserver.sip.flow import Flow
from confserver.sip.message import Request
from confserver.sip.outputs import CallAccepted, CallArrived, CallEnded, Output
from confserver.sip.proxy.plan import Plan, Relay, Target
from confserver.sip.stack import UnknownCall, WrongMoment
from confserver.sip.uri import Uri, parse_uri
from tests.kit.sip_play import SDP, Party, Play, Weather, accepting, at_rest
from tests.sip.proxy.house import BOB, BOB_2, Relaying, route_set, to

CALM, BAD = Weather(), Weather(lost=0.2, doubled=0.2, late=0.3)
Answers = Callable[[Party, Output], None]


def refusing(party: Party, output: Output) -> None:
    if isinstance(output, CallArrived):
        party.do(party.stack.ring(output.call, party.play.now))
        party.do(party.stack.refuse(output.call, 486, party.play.now))


def ringing(party: Party, output: Output) -> None:
    if isinstance(output, CallArrived):
        party.do(party.stack.ring(output.call, party.play.now))


def street(play: Play, *callees: Answers, transport: str = "") -> tuple[Party, Party, list[Party]]:
    """The caller, the proxy, and those who are called all at once."""
    parties = [play.party(f"192.0.2.{20 + at}") for at in range(len(callees))]
    for party, plays in zip(parties, callees, strict=True):
        party.plays = plays
    targets = tuple(Target(parse_uri(f"sip:bob@{party.address[0]}:5060{transport}")) for party in parties)

    def planner(request: Request, flow: Flow, now: float) -> Plan | None:
        return Relay((targets,))

    def is_ours(uri: Uri) -> bool:
        return uri.host == "192.0.2.1"

    proxy = play.party("192.0.2.1", planner=planner, is_ours=is_ours)
    return play.party("192.0.2.9"), proxy, parties


def all_are_at_rest(play: Play) -> None:
    play.run(400)
    for party in play.parties.values():
        assert at_rest(party.stack), (party.address, party.stack.describe())
        assert not party.stack.describe()["relayed requests"]


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize("weather", [CALM, BAD], ids=["calm", "bad"])
@pytest.mark.parametrize("seed", range(6))
def test_a_call_through_the_proxy(seed: int, weather: Weather, transport: str) -> None:
    play = Play(seed, weather)
    ours, proxy, [theirs] = street(play, accepting, transport=";transport=tcp" if seed % 2 else "")
    call = ours.dial(proxy, transport)
    play.run(40)
    assert len(ours.of(CallAccepted)) >= 1 and len(theirs.of(CallArrived)) == 1
    side = ours if seed % 3 else theirs
    number = call if side is ours else theirs.of(CallArrived)[0].call
    side.do(side.stack.offer(number, SDP, play.now))
    play.run(40)
    side.do(side.stack.hang_up(number, play.now))
    play.run(60)
    assert len(ours.of(CallEnded)) == len(theirs.of(CallEnded)) == 1
    assert not proxy.of(CallArrived), "nothing of it is for the proxy itself"
    all_are_at_rest(play)


@pytest.mark.parametrize("seed", range(6))
def test_three_phones_in_bad_weather(seed: int) -> None:
    """One takes the call, one is busy, one is cancelled: one call stands."""
    play = Play(seed, BAD)
    ours, proxy, theirs = street(play, accepting, refusing, ringing)
    call = ours.dial(proxy)
    play.run(45)
    assert len({each.response.to.tag for each in ours.of(CallAccepted)}) == 1
    assert theirs[2].of(CallEnded)[0].cause == "cancelled: Call completed elsewhere (SIP 200)"
    ours.do(ours.stack.hang_up(call, play.now))
    all_are_at_rest(play)


@pytest.mark.parametrize("seed", range(6))
def test_the_caller_gives_up_in_bad_weather(seed: int) -> None:
    play = Play(seed, BAD)
    ours, proxy, theirs = street(play, ringing, ringing)
    call = ours.dial(proxy)
    play.run(3)
    ours.do(ours.stack.hang_up(call, play.now))
    all_are_at_rest(play)
    assert len(ours.of(CallEnded)) == 1
    assert all(len(party.of(CallEnded)) == len(party.of(CallArrived)) for party in theirs)


# ------------------------------------------------------------------ rubbish
def mutated(data: bytes, dice: random.Random) -> bytes:
    """Some bytes changed, lost, doubled."""
    text = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(text))
        match dice.randrange(4):
            case 0:
                text[at] = dice.randrange(256)
            case 1:
                del text[at : at + dice.randrange(1, 12)]
            case 2:
                text[at:at] = text[at : at + dice.randrange(1, 40)]
            case 3:
                text[at:at] = dice.choice((b";", b"<", b">", b",", b"\r\n", b"%", b"@", b"\xff", b"lr", b"0" * 30))
    return bytes(text)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_messages_on_both_sides(seed: int) -> None:
    dice, proxy = random.Random(seed), Relaying()
    proxy.is_lenient = True
    proxy.forks("bob", (to(BOB), to(BOB_2)))
    for at in range(150):
        proxy.invites("Route: <sip:example.com;lr>", "Max-Breadth: 7", call_id=f"c{at}", source=BOB_2)
        for who in (BOB, BOB_2):
            for message in proxy.takes(who):
                data = message.encode()
                proxy.hear(mutated(data, dice), BOB)
                if isinstance(message, Request) and message.method == "INVITE":
                    proxy.replies(who, message, dice.choice((180, 200, 302, 407, 486, 503, 603)))
        proxy.pass_time(0.3)
    for arrived in [each for each in proxy.heard if isinstance(each, CallArrived)]:
        with contextlib.suppress(UnknownCall, WrongMoment):  # a name that is none of the proxy's: its own user refuses
            proxy.perform(proxy.stack.refuse(arrived.call, 404, proxy.now))
    proxy.pass_time(400)
    assert proxy.is_at_rest(), proxy.stack.describe()


@pytest.mark.parametrize("seed", range(4))
def test_mutated_requests_in_a_dialog(seed: int) -> None:
    """Whatever is done to our Record-Routes, nothing goes where it should not."""
    dice, proxy = random.Random(seed), Relaying()
    _, answer = proxy.talks()
    routes = "\r\n".join(route_set(answer))
    for at in range(300):
        bad = mutated(routes.encode(), dice).decode("latin-1").replace("\r", " ").replace("\n", " ")
        route = f"Route: {bad.removeprefix('Route: ')}"
        proxy.sends("BYE", route, uri="sip:eve@203.0.113.66", to=str(answer.to), cseq=at + 2)
    assert not proxy.takes(BOB)
    proxy.pass_time(400)
    assert proxy.is_at_rest()
