"""Sound on its way to programs: the fence, the leg at the worker, its end, a lost worker's heir."""

from __future__ import annotations

import base64
import ipaddress

import pytest

from confserver.contract import CloseLeg, CloseRoom, LegFailed, LegOpened, LegReport, LegReports, OpenLeg, SetHearing
from confserver.focus.forward_plan import ForwardTerms
from confserver.sdp.crypto import SUITES
from rooms import commands as ask
from rooms import events as tell
from rooms.commands.forwards import ForwardCodec
from rooms.errors import Forbidden, Invalid
from tests.focus.house import RTP_PORTS, SERVER, House, events, every, the

THERE = "192.0.2.77"
KEY = base64.b64encode(bytes(range(30))).decode()


def house(*networks: str, own_ports: tuple[int, ...] = (5060, 8070)) -> House:
    stage = House()
    listed = networks or ("192.0.2.0/24", "127.0.0.0/8", "2001:db8::/64", "224.0.0.0/4", "0.0.0.0/8")
    stage.scene.forward_terms = ForwardTerms(tuple(map(ipaddress.ip_network, listed)), own_ports)
    return stage


def forward(stage: House, **more):
    return stage.order(ask.StartForward(**{"room": "standup", "host": THERE, "port": 5004, **more}))


def opened(stage: House, leg: int, worker: int = 0, ssrc: int = 4711, sequence: int = 10):
    said = LegOpened(leg=leg, port=20500, ssrc=ssrc, sequence=sequence, timestamp=20, at=stage.now)
    return stage.tell(said, worker)


def report(stage: House, leg: int, *, sent: int = 0, refused: int = 0, sequence: int = 10):
    stage.now += 5
    told = LegReport(
        leg=leg, received=0, sent=sent, lost=0, late=0, concealed=0, discarded=0, jitter_ms=0.0, playout_ms=0.0,
        rtt_ms=-1.0, ssrc=4711, sequence=sequence, timestamp=20, refused=refused,
    )  # fmt: skip
    return stage.tell(LegReports(reports=[told], load=0.1, at=stage.now))


def shown(stage: House) -> dict:
    [only] = stage.focus.room("standup", stage.now)["forwards"]
    return only


def test_a_leg_that_only_hears_the_room() -> None:
    stage = house()
    first, second = stage.enter(), stage.enter()
    outputs = forward(stage, codec=ForwardCodec.PCMU, ssrc=99)
    leg = the(OpenLeg, outputs)
    plan = leg.plan
    assert (plan.remote, plan.remote_rtcp, plan.rtcp_mux) == ((THERE, 5004), (THERE, 5005), False)
    assert (plan.receives, plan.sends, plan.incoming, plan.symmetric) == (False, True, [], False)
    assert (plan.outgoing_format, plan.outgoing_payload_type, plan.ptime_ms) == ("PCMU", 0, 20)
    assert (leg.alone, leg.ssrc, leg.ipv6, leg.resume) == (True, 99, False, None)
    hearing = the(SetHearing, outputs)
    people = {stage.leg(first).id, stage.leg(second).id}
    assert (leg.leg, 1) in hearing.listeners and set(hearing.mixes[1].legs) == people
    assert outputs.index(next(each for each in outputs if getattr(each, "command", None) is leg)) < outputs.index(
        next(each for each in outputs if getattr(each, "command", None) is hearing)
    )
    assert shown(stage)["media"]["port"] is None
    opened(stage, leg.leg, ssrc=99)
    assert (shown(stage)["media"]["port"], shown(stage)["media"]["ssrc"]) == (20500, 99)
    assert len(stage.people()) == 2 and stage.focus.describe()["forwards"] == 1


def test_one_voice_alone_is_a_mix_without_what_plays() -> None:
    stage = house()
    call, _ = stage.enter(), stage.enter()
    hearing = the(SetHearing, forward(stage, voice="p1", codec=ForwardCodec.L16))
    [mix] = hearing.bare
    assert hearing.mixes[mix].legs == [stage.leg(call).id]
    assert {index for _, index in hearing.listeners} == {1, mix}


@pytest.mark.parametrize(
    ("codec", "rate_hz", "format", "ptime_ms", "opus_hz"),
    [
        (ForwardCodec.OPUS, None, "opus", 20, 16000),
        (ForwardCodec.OPUS, 48000, "opus", 20, 48000),
        (ForwardCodec.G722, None, "G722", 20, None),
        (ForwardCodec.L16, None, "L16-16", 20, None),
        (ForwardCodec.L16, 8000, "L16-8", 20, None),
        (ForwardCodec.L16, 48000, "L16-48", 10, None),
    ],
)
def test_codecs_and_rates(codec, rate_hz, format, ptime_ms, opus_hz) -> None:
    stage = house()
    stage.enter()
    plan = the(OpenLeg, forward(stage, codec=codec, codec_rate_hz=rate_hz)).plan
    assert (plan.outgoing_format, plan.ptime_ms) == (format, ptime_ms)
    assert opus_hz is None or plan.opus.out_hz == opus_hz


def test_ipv6_and_one_port_for_both() -> None:
    stage = house()
    stage.enter()
    leg = the(OpenLeg, forward(stage, host="2001:db8::7", rtcp_port=5004))
    assert leg.ipv6 and leg.plan.rtcp_mux and leg.plan.remote_rtcp == ("2001:db8::7", 5004)


# ------------------------------------------------------------------ the fence
def test_nothing_goes_anywhere_unless_it_is_listed() -> None:
    stage = House()
    stage.enter()
    with pytest.raises(Forbidden, match=r"forward.networks is empty; list there .* 192.0.2.77/32"):
        forward(stage)
    stage.scene.forward_terms = ForwardTerms((ipaddress.ip_network("10.0.0.0/8"),))
    with pytest.raises(Forbidden, match=r"none of the networks .*10.0.0.0/8"):
        forward(stage)
    assert forward(stage, host="10.1.2.3")
    assert len(stage.focus.room("standup", stage.now)["forwards"]) == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"host": "recorder.example.com"}, "must be an IP address"),
        ({"host": "[2001:db8::7]"}, "must be an IP address"),
        ({"host": "::ffff:192.0.2.7"}, "plain IP address"),
        ({"host": "fe80::1%eth0"}, "plain IP address"),
        ({"host": "0.0.0.0"}, "cannot go to 0.0.0.0"),
        ({"host": "224.0.0.1"}, "cannot go to 224.0.0.1"),
        ({"host": "192.0.2.255"}, "cannot go to 192.0.2.255"),
        ({"port": 53}, "below 1024"),
        ({"rtcp_port": 53}, "below 1024"),
        ({"host": SERVER, "port": RTP_PORTS[0]}, "own media ports"),
        ({"host": SERVER, "port": RTP_PORTS[0] - 1}, "own media ports"),
        ({"host": "127.0.0.1", "port": RTP_PORTS[1]}, "own media ports"),
        ({"host": "127.0.0.9", "port": RTP_PORTS[1]}, "own media ports"),
        ({"host": SERVER, "port": 5060}, "this server's own"),
        ({"host": "127.0.0.1", "port": 8069}, "port 8070 of 127.0.0.1 is this server's own"),
        ({"srtp_suite": "AES_CM_128_HMAC_SHA1_80"}, "wants an srtp_key"),
        ({"srtp_suite": "NULL", "srtp_key": KEY}, "srtp_suite must be one of"),
        ({"srtp_key": "not base64!"}, "must be base64"),
        ({"srtp_key": KEY[:-4]}, "must hold 30 octets .*, not 27"),
    ],
)
def test_no_floods_no_loops_no_nonsense(more, words) -> None:
    stage = house()
    stage.enter()
    version = stage.focus.room("standup", stage.now)["version"]
    with pytest.raises((Invalid, Forbidden), match=words) as refused:
        forward(stage, **more)
    assert stage.focus.room("standup", stage.now)["version"] == version and KEY not in str(refused.value)
    assert stage.scene.forwards == {}


@pytest.mark.parametrize("suite", SUITES)
def test_keys_protect_both_ways(suite) -> None:
    stage = house()
    stage.enter()
    key = base64.b64encode(bytes(range(SUITES[suite]))).decode()
    plan = the(OpenLeg, forward(stage, srtp_suite=suite.lower(), srtp_key=f"inline:{key}")).plan
    assert plan.outgoing_key == plan.incoming_key and plan.outgoing_key.suite == suite
    assert plan.outgoing_key.key == bytes(range(SUITES[suite])) and key not in repr(plan)


# ------------------------------------------------------------------ how it goes, and ends
def test_it_ends_with_the_room() -> None:
    stage = house()
    call = stage.enter()
    leg = the(OpenLeg, forward(stage)).leg
    opened(stage, leg)
    outputs = stage.bye(call)
    closed = [each.leg for each in every(CloseLeg, outputs)]
    assert leg in closed and every(CloseRoom, outputs) and the(tell.ForwardEnded, outputs).cause == "the room is empty"
    assert stage.is_empty() and stage.scene.forwards == {} and len(stage.focus._forwarding) == 0


def test_it_is_stopped() -> None:
    stage = house()
    stage.enter()
    leg = the(OpenLeg, forward(stage)).leg
    outputs = stage.order(ask.StopForward("standup"))
    assert the(CloseLeg, outputs).leg == leg and leg not in dict(the(SetHearing, outputs).listeners)
    assert opened(stage, leg) == [] and report(stage, leg, refused=3) == [], "its worker's last words are of nobody"


def test_a_worker_that_cannot_or_does_not_answer() -> None:
    stage = house()
    stage.enter()
    leg = the(OpenLeg, forward(stage)).leg
    outputs = stage.tell(LegFailed(leg=leg, reason="no free RTP port from 1 to 2"))
    assert the(tell.ForwardEnded, outputs).cause == "no free RTP port from 1 to 2"
    forward(stage)
    assert the(tell.ForwardEnded, stage.pass_time(2.1)).cause == "no word from the media worker"
    assert len(stage.people()) == 1 and stage.scene.forwards == {}


def test_refusals_are_told_once_and_their_end() -> None:
    stage = house()
    stage.enter()
    leg = the(OpenLeg, forward(stage)).leg
    opened(stage, leg)
    assert events(report(stage, leg, sent=250)) == []
    troubled = the(tell.ForwardTroubled, report(stage, leg, sent=500, refused=200))
    assert "refuses" in troubled.trouble and shown(stage)["trouble"] == troubled.trouble
    assert shown(stage)["media"]["refused"] == 200
    assert events(report(stage, leg, sent=750, refused=400)) == []
    assert events(report(stage, leg, sent=1000, refused=400)) == []
    assert the(tell.ForwardTroubled, report(stage, leg, sent=1250, refused=400)).trouble == ""


def test_it_goes_on_at_the_heir_of_a_lost_worker() -> None:
    """Same leg, port, SSRC; sequence and timestamp as they were last known; it hears the same."""
    stage = house()
    stage.enter()
    leg = the(OpenLeg, forward(stage)).leg
    opened(stage, leg)
    report(stage, leg, sent=500, refused=400, sequence=510)
    assert every(OpenLeg, stage.lose(0)) == []
    outputs = stage.play(stage.focus.worker_ready(0))
    orders = every(OpenLeg, outputs)
    again = orders[0]
    assert again.leg == leg, "before others, lest they get its port"
    assert again.alone and (again.resume.port, again.resume.ssrc, again.resume.sequence) == (20500, 4711, 510)
    assert again.resume.at == stage.now and again.resume.sent == 500
    assert (leg, 1) in the(SetHearing, outputs).listeners
    opened(stage, leg, sequence=600)
    assert shown(stage)["media"]["ssrc"] == 4711
    assert events(report(stage, leg, sent=250, refused=0)) == [], "whose counts begin anew"


def test_one_that_was_being_opened_is_opened_by_the_heir() -> None:
    stage = house()
    stage.enter()
    leg = the(OpenLeg, forward(stage, ssrc=77)).leg
    stage.lose(0)
    assert events(stage.pass_time(3.0)).count(tell.ForwardEnded) == 0
    again = next(each for each in every(OpenLeg, stage.play(stage.focus.worker_ready(0))) if each.leg == leg)
    assert again.resume is None and again.ssrc == 77


def test_stopped_while_nobody_serves_it() -> None:
    stage = house()
    stage.enter()
    leg = the(OpenLeg, forward(stage)).leg
    stage.lose(0)
    stage.order(ask.StopForward("standup"))
    assert leg not in [each.leg for each in every(OpenLeg, stage.play(stage.focus.worker_ready(0)))]


def test_no_heir_ends_it_with_its_room() -> None:
    stage = house()
    stage.enter()
    forward(stage)
    stage.lose(0)
    outputs = stage.pass_time(11.0)
    assert the(tell.ForwardEnded, outputs).cause == "the room is empty"
    assert stage.scene.forwards == {} and len(stage.focus._forwarding) == 0


def test_other_networks_from_now_on() -> None:
    stage = house()
    stage.enter()
    forward(stage)
    stage.scene.use_terms(stage.scene._terms, ForwardTerms())
    with pytest.raises(Forbidden):
        forward(stage, port=6000)
    assert len(stage.focus.room("standup", stage.now)["forwards"]) == 1, "what goes there already is not cut off"
