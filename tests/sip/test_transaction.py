"""Transactions: each timer of each table fires here, by datagram and by stream (RFC 3261 17, RFC 6026)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from confserver.sip.outputs import CallArrived, CallEnded, OpenFlow, ProbeAnswered, RequestArrived
from confserver.sip.stack import WrongMoment
from confserver.sip.timers import Timer
from confserver.sip.transaction import TABLES
from tests.kit.sip_play import SDP, Wire, at_rest, methods, none_of, sent, statuses, tcp, the

FIRED: dict[tuple[str, Timer], Callable[[], None]] = {}


def fires(table: str, timer: Timer) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def note(play: Callable[[], None]) -> Callable[[], None]:
        FIRED[table, timer] = play
        return play

    return note


def fire_times(wire: Wire, seconds: float) -> list[tuple[float, list[int | str]]]:
    """What the stack sends by itself, and when, since now."""
    start, end, found = wire.now, wire.now + seconds, []
    while (at := wire.stack.next_deadline()) is not None and at <= end:
        wire.now = at
        outputs = wire.stack.fire(at)
        if words := [*statuses(outputs), *methods(outputs)]:
            found.append((round(at - start, 3), words))
    wire.now = end
    return found


# ---------------------------------------------------------------- INVITE server
@fires("INVITE server", Timer.G)
def refusal_is_repeated_by_g_until_h() -> None:
    wire = Wire()
    call = wire.arrive()
    wire.stack.refuse(call, 486, wire.now)
    again = fire_times(wire, 32.0)
    assert [at for at, _ in again] == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert all(words == [486] for _, words in again)


@fires("INVITE server", Timer.H)
def h_ends_what_is_never_acknowledged() -> None:
    wire = Wire()
    wire.stack.refuse(wire.arrive(), 486, wire.now)
    wire.pass_time(31.9)
    assert not at_rest(wire.stack)
    wire.pass_time(0.1)
    assert at_rest(wire.stack)
    assert wire.stack.describe()["unconfirmed answers"] == 1


@fires("INVITE server", Timer.I)
def i_absorbs_late_acks() -> None:
    wire = Wire()
    call = wire.arrive(branch="z9hG4bKone")
    wire.stack.refuse(call, 486, wire.now)
    assert wire.hear(wire.request("ACK", branch="z9hG4bKone")) == []
    assert wire.hear(wire.request("ACK", branch="z9hG4bKone")) == []
    assert wire.hear(wire.request("INVITE", branch="z9hG4bKone")) == []
    assert fire_times(wire, 4.9) == [] and not at_rest(wire.stack)
    wire.pass_time(0.2)
    assert at_rest(wire.stack) and wire.stack.describe()["dropped"] == 0


@fires("INVITE server", Timer.L)
def l_absorbs_late_invites() -> None:
    wire = Wire()
    _, tag = wire.establish(branch="z9hG4bKone")
    wire.hear(wire.request("BYE", to_tag=tag, cseq=2))
    wire.pass_time(31.0)
    assert wire.invite(branch="z9hG4bKone") == []
    wire.pass_time(1.1)
    assert wire.stack.describe()["merged"] == 0
    the(CallArrived, wire.invite(branch="z9hG4bKone"))  # nothing remembers it: as good as new


# ---------------------------------------------------------------- INVITE client
@fires("INVITE client", Timer.A)
def invite_is_repeated_by_a() -> None:
    wire = Wire()
    wire.dial()
    assert fire_times(wire, 31.9) == [(at, ["INVITE"]) for at in (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)]


@fires("INVITE client", Timer.B)
def b_gives_up() -> None:
    wire = Wire()
    call, *_ = wire.dial()
    ended = the(CallEnded, wire.pass_time(32.0))
    assert ended == CallEnded(call, "no answer", True, 408)
    assert at_rest(wire.stack)


@fires("INVITE client", Timer.D)
def d_acknowledges_late_refusals() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    for _ in range(3):
        assert methods(wire.answer(invite, 486)) == ["ACK"]
        wire.pass_time(10.0)
    wire.pass_time(2.6)
    assert at_rest(wire.stack)
    assert wire.answer(invite, 486) == []


@fires("INVITE client", Timer.M)
def m_keeps_acknowledging_2xx() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    first = sent(wire.answer(invite, 200))
    wire.stack.hang_up(call, wire.now)
    wire.pass_time(31.0)
    assert sent(wire.answer(invite, 200)) == first
    wire.pass_time(1.1)
    assert wire.answer(invite, 200) == [] and at_rest(wire.stack)


@fires("INVITE client", Timer.CANCELLED)
def a_cancelled_invite_ends_without_an_answer() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    wire.answer(invite, 180)
    assert methods(wire.stack.hang_up(call, wire.now, "changed my mind")) == ["CANCEL"]
    outputs = wire.pass_time(32.0)
    assert the(CallEnded, outputs) == CallEnded(call, "changed my mind", False, 408)
    wire.pass_time(5)
    assert at_rest(wire.stack)


# ---------------------------------------------------------------- server
@fires("server", Timer.J)
def j_repeats_the_answer_for_late_requests() -> None:
    wire = Wire()
    text = wire.request("OPTIONS")
    number = the(RequestArrived, wire.hear(text)).transaction
    assert wire.hear(text) == []
    assert statuses(wire.stack.respond(number, 200, wire.now)) == [200]
    wire.pass_time(31.0)
    assert statuses(wire.hear(text)) == [200]
    wire.pass_time(1.1)
    assert at_rest(wire.stack)


@fires("server", Timer.UNANSWERED)
def a_request_that_nobody_answers_is_let_go() -> None:
    wire = Wire()
    number = the(RequestArrived, wire.hear(wire.request("OPTIONS"))).transaction
    assert [at for at, _ in fire_times(wire, 32.0)] == [3.5] and at_rest(wire.stack)
    assert wire.stack.respond(number, 200, wire.now) == []
    assert wire.stack.describe()["answers too late"] == 1


@fires("server", Timer.LATE)
def a_request_that_is_not_answered_yet_gets_100_when_the_other_side_asks_more_seldom() -> None:
    """RFC 4320 4.1: never before, and once; then the final answer, never 408."""
    wire = Wire()
    text = wire.request("OPTIONS")
    number = the(RequestArrived, wire.hear(text)).transaction
    assert wire.pass_time(3.4) == [] and wire.hear(text) == []
    assert statuses(wire.pass_time(0.2)) == [100]
    assert statuses(wire.hear(text)) == [100], "and whenever it is asked again"
    assert wire.pass_time(10) == []
    assert statuses(wire.stack.respond(number, 200, wire.now)) == [200]
    wire.pass_time(33)
    assert at_rest(wire.stack)


def test_no_100_where_the_answer_came_in_time() -> None:
    wire = Wire()
    number = the(RequestArrived, wire.hear(wire.request("OPTIONS"))).transaction
    assert statuses(wire.stack.respond(number, 200, wire.now)) == [200]
    assert wire.pass_time(40) == [] and at_rest(wire.stack)


# ---------------------------------------------------------------- client
@fires("client", Timer.E)
def a_request_is_repeated_by_e() -> None:
    wire = Wire()
    call, _ = wire.establish()
    wire.stack.probe(call, wire.now)
    again = fire_times(wire, 8.0)
    assert [at for at, _ in again] == [0.5, 1.5, 3.5, 7.5] and again[0][1] == ["OPTIONS"]


def test_e_keeps_to_t2_once_a_provisional_answer_came() -> None:
    wire = Wire()
    call, _ = wire.establish()
    options = sent(wire.stack.probe(call, wire.now))[0]
    wire.hear(wire_answer(options, 100))
    assert [at for at, _ in fire_times(wire, 13.0)] == [0.5, 4.5, 8.5, 12.5]


@fires("client", Timer.F)
def f_gives_up() -> None:
    wire = Wire()
    call, _ = wire.establish()
    wire.stack.probe(call, wire.now)
    outputs = wire.pass_time(32.0)
    assert the(ProbeAnswered, outputs) == ProbeAnswered(call, 408)


@fires("client", Timer.K)
def k_absorbs_late_answers() -> None:
    wire = Wire()
    call, _ = wire.establish()
    options = sent(wire.stack.probe(call, wire.now))[0]
    assert the(ProbeAnswered, wire.hear(wire_answer(options, 200))).status == 200
    assert wire.hear(wire_answer(options, 200)) == [] and wire.hear(wire_answer(options, 100)) == []
    wire.pass_time(4.9)
    assert wire.stack.describe()["client transactions"] == 1
    wire.pass_time(0.2)
    assert wire.stack.describe()["client transactions"] == 0 and wire.stack.describe()["dropped"] == 0


@pytest.mark.parametrize("place", FIRED, ids=lambda place: f"{place[0]} {place[1].name}")
def test_timer(place: tuple[str, Timer]) -> None:
    FIRED[place]()


def test_no_timer_of_a_table_is_left_out() -> None:
    assert FIRED.keys() == {
        (name, what) for name, table in TABLES.items() for _, what in table if isinstance(what, Timer)
    }


# ---------------------------------------------------------------- streams
def wire_answer(request: object, status: int) -> str:
    from confserver.sip.message import Request
    from tests.kit.sip_play import answer_to

    assert isinstance(request, Request)
    return answer_to(request, status, tag="")


def test_on_a_stream_nothing_is_repeated_and_nothing_lingers() -> None:
    wire = Wire(tcp())
    call = wire.arrive(branch="z9hG4bKone")
    wire.stack.refuse(call, 486, wire.now)
    assert fire_times(wire, 20.0) == []
    wire.hear(wire.request("ACK", branch="z9hG4bKone"))
    assert at_rest(wire.stack)  # Timer I is zero
    number = the(RequestArrived, wire.hear(wire.request("OPTIONS"))).transaction
    wire.stack.respond(number, 200, wire.now)
    assert at_rest(wire.stack)  # Timer J is zero


def test_on_a_stream_our_requests_leave_at_their_answer() -> None:
    wire = Wire(tcp())
    _, invite, _ = wire.dial("sip:bob@192.0.2.9:5062;transport=tcp")
    assert fire_times(wire, 20.0) == []
    assert methods(wire.answer(invite, 404)) == ["ACK"]
    assert at_rest(wire.stack)  # Timer D is zero
    call, _ = wire.establish()
    options = sent(wire.stack.probe(call, wire.now))[0]
    wire.hear(wire_answer(options, 200))
    assert wire.stack.describe()["client transactions"] == 0  # Timer K is zero


def test_h_runs_on_a_stream_too() -> None:
    wire = Wire(tcp())
    wire.stack.refuse(wire.arrive(), 486, wire.now)
    wire.pass_time(32.0)
    assert at_rest(wire.stack)


# ---------------------------------------------------------------- the rest of the rows
def test_a_repeated_invite_gets_the_last_answer_and_makes_no_second_call() -> None:
    wire = Wire()
    text = wire.request("INVITE", body=SDP)
    call = the(CallArrived, wire.hear(text)).call
    assert statuses(wire.hear(text)) == [100]
    wire.stack.ring(call, wire.now)
    assert statuses(wire.hear(text)) == [180]
    wire.stack.refuse(call, 480, wire.now)
    assert statuses(wire.hear(text)) == [480]
    assert wire.stack.describe()["calls"] == 0


def test_a_request_in_progress_is_answered_again_with_its_progress() -> None:
    wire = Wire()
    text = wire.request("OPTIONS")
    number = the(RequestArrived, wire.hear(text)).transaction
    wire.stack.respond(number, 100, wire.now)
    assert statuses(wire.hear(text)) == [100]
    wire.stack.respond(number, 200, wire.now)
    with pytest.raises(WrongMoment):
        wire.stack.respond(number, 200, wire.now)


def test_requests_without_the_cookie_are_matched_as_in_rfc_2543() -> None:
    wire = Wire()
    text = wire.request("INVITE", branch="1", body=SDP)
    call = the(CallArrived, wire.hear(text)).call
    assert statuses(wire.hear(text)) == [100]
    refused = sent(wire.stack.refuse(call, 486, wire.now))[0]
    wire.hear(wire.request("ACK", branch="1", to_tag=refused.to.tag))
    assert fire_times(wire, 4.0) == []
    other = wire.request("INVITE", branch="1", cseq=2, body=SDP)
    the(CallArrived, wire.hear(other))  # another CSeq, another transaction, though the branch is the same


def test_a_cookie_branch_of_another_sender_is_another_transaction() -> None:
    wire = Wire()
    wire.arrive(branch="z9hG4bKsame")
    via = "SIP/2.0/UDP 192.0.2.77:5060;rport;branch=z9hG4bKsame"
    the(CallArrived, wire.invite(via=via, call_id="other"))


def test_answers_to_nothing_are_dropped() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    stray = wire_answer(invite, 486)
    assert wire.hear(stray.replace("branch=z9hG4bK", "branch=z9hG4bKx")) == []
    assert wire.hear(stray.replace("Via: SIP/2.0/UDP 192.0.2.1", "Via: SIP/2.0/UDP 192.0.2.66")) == []
    via = f"Via: {invite.headers.get('Via')}"
    assert wire.hear(stray.replace(via, f"{via}\r\n{via}")) == []  # RFC 3261 8.1.3.3
    assert wire.hear(stray.replace("CSeq: 1 INVITE", "CSeq: 1 BYE")) == []
    assert wire.stack.describe()["dropped"] == 4
    assert methods(wire.hear(stray)) == ["ACK"]


def test_a_lost_connection_fails_what_waits_for_an_answer() -> None:
    wire = Wire(tcp())
    _call, _invite, _ = wire.dial("sip:bob@192.0.2.9:5062;transport=tcp")
    ended = the(CallEnded, wire.stack.flow_lost(wire.flow, wire.now))
    assert (ended.status, ended.cause) == (503, "no connection")
    assert at_rest(wire.stack) and wire.stack.describe()["connections"] == 0


def test_a_lost_connection_does_not_fail_a_call_that_rings() -> None:
    wire = Wire(tcp())
    _, invite, _ = wire.dial("sip:bob@192.0.2.9:5062;transport=tcp")
    wire.answer(invite, 180)
    assert wire.stack.flow_lost(wire.flow, wire.now) == []
    outputs = wire.hear(wire_answer(invite, 486), tcp(number=7))  # the answer comes by another connection (18.2.2)
    assert the(CallEnded, outputs).status == 486


def test_an_answer_whose_connection_is_lost_goes_by_a_new_one() -> None:
    wire = Wire(tcp(remote=("192.0.2.9", 40123)))
    via = "SIP/2.0/TCP phone.example.com:5070;branch=z9hG4bKlost"
    call = wire.arrive(via=via)
    wire.stack.flow_lost(wire.flow, wire.now)
    opened = the(OpenFlow, wire.stack.refuse(call, 486, wire.now))
    assert opened.remote == ("192.0.2.9", 5070) and opened.transport == "TCP"
    assert statuses(wire.stack.flow_opened(opened.token, tcp(("192.0.2.9", 5070), 2), wire.now)) == [486]


def test_an_answer_without_any_connection_is_given_up() -> None:
    wire = Wire(tcp())
    number = the(RequestArrived, wire.hear(wire.request("OPTIONS"))).transaction
    wire.stack.flow_lost(wire.flow, wire.now)
    opened = the(OpenFlow, wire.stack.respond(number, 200, wire.now))
    assert none_of(OpenFlow, wire.stack.flow_failed(opened.token, "refused", wire.now))
    assert at_rest(wire.stack)
