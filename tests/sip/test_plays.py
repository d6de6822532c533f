"""Two and more stacks joined by a bad network: whatever is lost, doubled or late, both sides end up agreeing."""

from __future__ import annotations

import pytest

from confserver.sip.message import Request, Response
from confserver.sip.outputs import (
    CallAccepted,
    CallAcknowledged,
    CallArrived,
    CallEnded,
    OfferAcknowledged,
    OfferAnswered,
    Output,
)
from tests.kit.sip_play import SDP, Party, Play, Weather, accepting, at_rest

CALM = Weather()
BAD = Weather(lost=0.2, doubled=0.2, late=0.3)
STORM = Weather(lost=0.45, doubled=0.1, late=0.5, lateness=2.0)


def pair(play: Play) -> tuple[Party, Party]:
    ours, theirs = play.party("192.0.2.1"), play.party("192.0.2.2")
    theirs.plays = accepting
    return ours, theirs


def all_end_and_nothing_is_left(play: Play) -> None:
    play.run(200)
    for party in play.parties.values():
        calls = {o.call for o in party.heard if isinstance(o, CallArrived | CallAccepted)}
        ended = [o.call for o in party.of(CallEnded)]
        assert calls <= set(ended), "a call without an end"
        assert len(ended) == len(set(ended)), "two ends of one call"
        assert at_rest(party.stack), party.stack.describe()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("weather", [CALM, BAD, STORM], ids=["calm", "bad", "storm"])
def test_a_call_in_any_weather(seed: int, weather: Weather) -> None:
    play = Play(seed, weather)
    ours, theirs = pair(play)
    call = ours.dial(theirs)
    play.run(100)
    assert len(theirs.of(CallArrived)) <= 1, "a repeated INVITE made a second call"
    if weather is not STORM:
        assert len(ours.of(CallAccepted)) == len(theirs.of(CallAcknowledged)) == 1
    if ours.of(CallAccepted) and not ours.of(CallEnded):
        ours.do(ours.stack.hang_up(call, play.now))
    all_end_and_nothing_is_left(play)


@pytest.mark.parametrize("seed", range(6))
def test_every_2xx_of_one_call_has_one_to_tag(seed: int) -> None:
    play = Play(seed, BAD)
    ours, theirs = pair(play)
    ours.dial(theirs)
    play.run(60)
    accepted = [m for _, who, m in play.wire if who == theirs.address and isinstance(m, Response) and m.status == 200]
    assert len({m.to.tag for m in accepted if m.cseq.method == "INVITE"}) == 1


@pytest.mark.parametrize("seed", range(6))
def test_a_call_cancelled_in_bad_weather(seed: int) -> None:
    play = Play(seed, BAD)
    ours, theirs = pair(play)
    theirs.plays = ringing
    call = ours.dial(theirs)
    play.run(3)
    ours.do(ours.stack.hang_up(call, play.now, "no more"))
    play.run(100)
    assert ours.of(CallEnded)[-1].cause == "no more"
    if theirs.of(CallArrived):
        assert theirs.of(CallEnded)[-1].cause == "cancelled: no more"
    all_end_and_nothing_is_left(play)


def ringing(party: Party, output: Output) -> None:
    if isinstance(output, CallArrived):
        party.do(party.stack.ring(output.call, party.play.now))


@pytest.mark.parametrize("seed", range(6))
def test_offers_that_meet_are_both_settled(seed: int) -> None:
    """Glare: both sides send a re-INVITE at once; 491 and the waits of RFC 3261 14.1 sort it out."""
    play = Play(seed, CALM if seed < 3 else BAD)
    ours, theirs = pair(play)
    call = ours.dial(theirs)
    play.run(40)
    ours.plays = accepting
    their_call = theirs.of(CallArrived)[0].call
    ours.do(ours.stack.offer(call, SDP, play.now))
    theirs.do(theirs.stack.offer(their_call, SDP, play.now))
    play.run(60)
    for party in (ours, theirs):
        assert [o.status for o in party.of(OfferAnswered)] == [200]
        assert len(party.of(OfferAcknowledged)) == 1
    assert any(isinstance(m, Response) and m.status == 491 for _, _, m in play.wire)
    ours.do(ours.stack.hang_up(call, play.now))
    all_end_and_nothing_is_left(play)


@pytest.mark.parametrize("seed", range(4))
def test_both_hang_up_at_once(seed: int) -> None:
    play = Play(seed, BAD if seed else CALM)
    ours, theirs = pair(play)
    call = ours.dial(theirs)
    play.run(40)
    their_call = theirs.of(CallArrived)[0].call
    ours.do(ours.stack.hang_up(call, play.now))
    theirs.do(theirs.stack.hang_up(their_call, play.now))
    all_end_and_nothing_is_left(play)


def test_a_call_by_tcp_is_not_repeated() -> None:
    play = Play()
    ours, theirs = pair(play)
    call = ours.dial(theirs, "TCP")
    play.run(40)
    assert len(ours.of(CallAccepted)) == 1 and len(theirs.of(CallAcknowledged)) == 1
    invites = [m for _, _, m in play.wire if isinstance(m, Request) and m.method == "INVITE"]
    assert len(invites) == 1
    their_call = theirs.of(CallArrived)[0].call
    theirs.do(theirs.stack.hang_up(their_call, play.now))  # by the connection that they did not open
    play.run(1)
    assert ours.of(CallEnded) == [CallEnded(call, "hung up", True, 0)]
    all_end_and_nothing_is_left(play)


def test_the_peer_that_vanishes_is_found_out_by_a_probe() -> None:
    play = Play()
    ours, theirs = pair(play)
    call = ours.dial(theirs)
    play.run(40)
    del play.parties[theirs.address]
    ours.do(ours.stack.probe(call, play.now))
    play.run(200)
    assert ours.of(CallEnded) == [CallEnded(call, "no answer", True, 0)] and at_rest(ours.stack)


def test_a_peer_that_started_anew_does_not_know_the_call() -> None:
    play = Play()
    ours, theirs = pair(play)
    call = ours.dial(theirs)
    play.run(40)
    play.party("192.0.2.2")
    ours.do(ours.stack.probe(call, play.now))
    play.run(200)
    assert ours.of(CallEnded)[0].cause == "unknown to the peer" and at_rest(ours.stack)


def test_many_calls_leave_nothing_behind() -> None:
    play = Play(1, Weather(lost=0.1, doubled=0.1, late=0.1))
    ours, theirs = pair(play)
    calls = [ours.dial(theirs) for _ in range(50)]
    play.run(40)
    for call in calls[::2]:
        ours.do(ours.stack.hang_up(call, play.now))
    play.run(40)
    for call in {o.call for o in theirs.of(CallArrived)} - {o.call for o in theirs.of(CallEnded)}:
        theirs.do(theirs.stack.hang_up(call, play.now))
    all_end_and_nothing_is_left(play)
    assert len(theirs.of(CallArrived)) == 50
