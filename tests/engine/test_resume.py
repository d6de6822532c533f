"""A leg goes on at another worker: what its phone sees goes forward and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.contract import Incoming, LegFailed, LegOpened, MediaPlan, OpenLeg, OpenRoom, Resume
from confserver.engine.batch import Batch
from confserver.engine.legs import RESUME_MARGIN, going_on
from confserver.engine.tick import Engine

NOW = 1_800_000_000.0
PHONE = ("192.0.2.9", 4000)


def plan(**more) -> MediaPlan:
    fields = {"remote": PHONE, "incoming": [Incoming(payload_type=0, format="PCMU")], **more}
    return MediaPlan(**fields, outgoing_payload_type=0, outgoing_format="PCMU")


def resume(**more) -> Resume:
    return Resume(**{"port": 20000, "ssrc": 77, "sequence": 500, "timestamp": 80_000, "at": NOW, **more})


@given(passed=st.floats(0, 3600), sequence=st.integers(0, 65535), timestamp=st.integers(0, 2**32 - 1))
@settings(max_examples=200)
def test_it_is_ahead_of_whatever_the_lost_worker_can_have_sent(passed, sequence, timestamp):
    """A worker that lived until just now has sent one packet in each 20 ms since its report, and one at its end."""
    sent = int(passed / 0.02) + 1
    new_sequence, new_timestamp = going_on(resume(sequence=sequence, timestamp=timestamp), None, NOW + passed)
    ahead = (new_sequence - sequence - sent) & 0xFFFF
    assert 0 < ahead <= RESUME_MARGIN + 2
    samples = (new_timestamp - timestamp - (sent - 1) * 160) & 0xFFFFFFFF
    assert 0 < samples <= 3 * 160, "and time stays with the clock"


def test_a_report_from_the_future_never_leads_back():
    assert going_on(resume(), None, NOW - 60) == (500 + 1 + RESUME_MARGIN, 80_000 + 160)


def seated(command: OpenLeg) -> tuple[Engine, list]:
    engine = Engine("test@confserver", lambda: 1234)
    engine.open_room(OpenRoom(room=1))
    engine.open_leg(command, 0, 20_000, NOW + 1)
    return engine, engine.take_events()


def test_a_known_source_is_known_again_and_gets_its_packets_at_once():
    nat = ("198.51.100.7", 33_000)
    command = OpenLeg(
        leg=3, room=1, plan=plan(remote=None, symmetric=True),
        resume=resume(latched=nat, sent=900, received=800, lost=7),
    )  # fmt: skip
    engine, (opened,) = seated(command)
    assert isinstance(opened, LegOpened) and (opened.port, opened.ssrc, opened.at) == (20_000, 77, NOW + 1)
    leg = engine.legs.by_id[3]
    assert engine.sources.of(leg.row).latched == nat and engine.seats.sends[leg.row]
    report = engine.legs.report(leg)
    assert (report.ssrc, report.sent, report.received, report.lost) == (77, 900, 800, 7)
    assert (
        (report.sequence, report.timestamp)
        == (opened.sequence, opened.timestamp)
        == going_on(command.resume, None, NOW + 1)
    )
    assert not engine.seats.has_ssrc[leg.row], "the phone's SSRC is learned from its next packet"


def test_without_a_known_source_it_is_as_a_new_leg():
    engine, (opened,) = seated(OpenLeg(leg=3, room=1, plan=plan(), resume=resume()))
    assert isinstance(opened, LegOpened)
    source = engine.sources.of(engine.legs.by_id[3].row)
    assert (source.latched, source.named) == (None, PHONE)


def test_before_its_first_answer_it_has_no_plan():
    engine, (opened,) = seated(OpenLeg(leg=3, room=1, resume=resume()))
    assert isinstance(opened, LegOpened) and not engine.seats.sends.any()


@pytest.mark.parametrize("bad", [{"room": 2}, {"plan": plan(incoming=[Incoming(payload_type=0, format="morse")])}])
def test_what_cannot_be_carried_on_fails_as_any_leg_does(bad):
    engine, (failed,) = seated(OpenLeg(**{"leg": 3, "room": 1, "resume": resume(), **bad}))
    assert isinstance(failed, LegFailed) and not engine.legs.by_id and not np.any(engine.seats.in_use)


def test_a_report_says_when_it_was_so():
    engine, _ = seated(OpenLeg(leg=3, room=1, plan=plan(), resume=resume()))
    engine.tick(Batch(8), NOW + 2)
    reports = engine.leg_reports(0.1)
    assert reports.at == NOW + 2 and reports.reports[0].sequence == engine.legs.report(engine.legs.by_id[3]).sequence
