"""Reports of legs, without the rest of the engine: what is told, judged and measured, and when."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import Incoming, MediaPlan
from confserver.engine.protection import Protection
from confserver.engine.reports import COMPOUND_EVERY, Reports
from confserver.engine.seats import Seats
from confserver.rtp import rtcp, xr
from tests.engine.hall import Crowd

START = 1_800_000_000.0
OURS, THEIRS = 0xC0FFEE, 0xBEEF
DELAY_S = 0.030


class Line:
    """One leg whose columns the test fills as arrival would."""

    def __init__(self, seed: int = 1, **plan: object) -> None:
        self.now, self.seats = START, Seats(capacity=8)
        random = np.random.default_rng(seed)
        self.reports = Reports(self.seats, "us@test", Protection(self.seats), lambda row: DELAY_S, random)
        self.row = self.seats.take()
        self.seats.out_ssrc[self.row] = OURS
        self.reports.add(self.row, self.now)
        settings = {"outgoing_format": "PCMU", "outgoing_payload_type": 0, "incoming": [Incoming(0, "PCMU")]}
        self.reports.follow(self.row, MediaPlan(**{"remote": None, **settings, **plan}))
        self.sends = True
        self.next = 1000
        self.said: list[tuple[float, list[rtcp.Packet]]] = []

    def begin(self, ssrc: int = THEIRS) -> None:
        """The first packet of a stream."""
        seats, row = self.seats, self.row
        seats.ssrc[row], seats.has_ssrc[row] = ssrc, True
        seats.first_sequence[row] = seats.top_sequence[row] = self.next & 0xFFFF
        seats.cycles[row], seats.received[row] = 0, 1
        self.tick()

    def hear(self, text: str) -> None:
        """A tick for each sign: "." a packet came, "x" it did not, "<" one that was missing came, "l": too late."""
        seats, row = self.seats, self.row
        for sign in text:
            if sign in ".x":
                self.next += 1
            if sign == ".":
                seats.cycles[row] += 65536 * ((self.next & 0xFFFF) < seats.top_sequence[row])
                seats.top_sequence[row] = self.next & 0xFFFF
            seats.received[row] += sign in ".<l"
            seats.late[row] += sign == "l"
            self.tick()

    def tick(self) -> None:
        self.now += 0.02
        self.seats.sent[self.row] += self.sends
        self.seats.out_octets[self.row] += 160 * self.sends
        for row in self.reports.step(self.now):
            self.said.append((self.now, rtcp.parse(self.reports.write(row, self.now))))

    def tell(self, *packets: rtcp.Packet) -> None:
        self.reports.read(self.row, list(packets), self.now)

    def until_told(self) -> list[rtcp.Packet]:
        known = len(self.said)
        while len(self.said) == known:
            self.tick()
        return self.said[-1][1]

    @property
    def figures(self):
        return self.reports.figures(self.row)

    @property
    def metrics(self) -> xr.VoipMetrics:
        return self.reports.quality.metrics(self.row, -1.0)


def block(lost: int = 0, fraction: int = 0, jitter: int = 0, **more: int) -> rtcp.ReportBlock:
    return rtcp.ReportBlock(ssrc=OURS, lost=lost, fraction_lost=fraction, jitter=jitter, **more)


# ------------------------------------------------------------------ what is said
def test_who_has_not_sent_for_two_intervals_says_so_by_a_receiver_report() -> None:
    """RFC 3550 section 6.4."""
    line = Line()
    assert isinstance(line.until_told()[0], rtcp.SenderReport)
    line.sends = False
    kinds = [type(line.until_told()[0]) for _ in range(3)]
    assert kinds == [rtcp.SenderReport, rtcp.ReceiverReport, rtcp.ReceiverReport]
    line.sends = True
    assert isinstance(line.until_told()[0], rtcp.SenderReport)


def test_the_octets_are_those_that_were_sent() -> None:
    line = Line()
    report = line.until_told()[0]
    assert isinstance(report, rtcp.SenderReport) and report.octets == 160 * report.packets > 0


def test_reduced_size_reports_name_us_now_and_then() -> None:
    line = Line(reduced_rtcp=True)
    line.begin()
    kinds = [tuple(map(type, line.until_told())) for _ in range(2 * COMPOUND_EVERY)]
    whole, short = (rtcp.SenderReport, rtcp.Sdes), (rtcp.SenderReport,)
    assert kinds == [whole, *[short] * (COMPOUND_EVERY - 1)] * 2


def test_without_that_every_report_is_compound() -> None:
    line = Line()
    assert {tuple(map(type, line.until_told())) for _ in range(8)} == {(rtcp.SenderReport, rtcp.Sdes)}


def test_goodbye_is_said_at_once_but_not_by_who_was_never_heard() -> None:
    """RFC 3550 section 6.3.7."""
    line = Line()
    line.sends = False
    line.tick()
    assert line.reports.write_bye(line.row, line.now) == b""
    line.until_told()
    report, sdes, bye = rtcp.parse(line.reports.write_bye(line.row, line.now))
    assert (type(report), type(sdes), bye) == (rtcp.ReceiverReport, rtcp.Sdes, rtcp.Bye((OURS,)))
    quick = Line()
    quick.tick()
    assert quick.reports.write_bye(quick.row, quick.now)


def test_their_goodbye_ends_what_we_repeat_of_their_reports() -> None:
    line = Line()
    line.begin()
    line.tell(rtcp.SenderReport(ssrc=THEIRS, ntp=1 << 40, rtp_timestamp=0, packets=1, octets=1))
    assert line.until_told()[0].blocks[0].lsr == 1 << 24
    line.tell(rtcp.ReceiverReport(ssrc=THEIRS), rtcp.Bye((THEIRS,)))
    assert line.until_told()[0].blocks[0].lsr == 0


# ------------------------------------------------------------------ extended reports
def test_metrics_are_told_to_those_who_want_them_only() -> None:
    plain, wanting = Line(), Line(xr=True)
    for line in (plain, wanting):
        line.begin()
    assert not [packet for packet in plain.until_told() if isinstance(packet, rtcp.ExtendedReport)]
    extended = wanting.until_told()[-1]
    assert isinstance(extended, rtcp.ExtendedReport) and extended.ssrc == OURS
    (metrics,) = extended.blocks
    assert isinstance(metrics, xr.VoipMetrics)
    assert (metrics.ssrc, metrics.loss, metrics.rating, metrics.mos_cq) == (THEIRS, 0, 93, 4.4)
    assert (metrics.jb_nominal_ms, metrics.end_system_ms, metrics.jb_adaptive) == (30, 50, xr.JB_ADAPTIVE)
    assert metrics.signal_db is None, "nobody has spoken"


def test_one_who_only_receives_learns_the_round_trip() -> None:
    """RFC 3611 sections 4.4 and 4.5: its reference time comes back with the time that we kept it."""
    line = Line()
    line.tell(rtcp.ExtendedReport(THEIRS, (xr.ReferenceTime(rtcp.ntp_time(line.now)),)))
    asked = line.now
    extended = line.until_told()[-1]
    assert isinstance(extended, rtcp.ExtendedReport)
    assert extended.blocks == (xr.Heard(THEIRS, rtcp.middle(rtcp.ntp_time(asked)), rtcp.delay_since(asked, line.now)),)


def test_we_learn_it_in_the_same_way_where_we_only_receive() -> None:
    line = Line(xr=True)
    line.sends = False
    told = [packet for packet in line.until_told() if isinstance(packet, rtcp.ExtendedReport)]
    (reference,) = told[0].blocks
    assert isinstance(reference, xr.ReferenceTime)
    line.now += 0.5
    line.tell(rtcp.ExtendedReport(THEIRS, (xr.Heard(OURS, rtcp.middle(reference.ntp), int(0.42 * 65536)),)))
    assert line.reports.rtt_s(line.row) == pytest.approx(0.08, abs=0.001)
    line.tell(rtcp.ExtendedReport(THEIRS, (xr.Heard(OURS + 1, rtcp.middle(reference.ntp), 0),)))
    assert line.reports.rtt_s(line.row) == pytest.approx(0.08, abs=0.001), "of somebody else"


# ------------------------------------------------------------------ what came
def test_losses_are_found_where_they_were_and_packets_out_of_order_are_none() -> None:
    line = Line()
    line.begin()
    line.hear("." * 30 + "x." + "." * 30 + "x.<" + "." * 17)
    metrics = line.metrics
    assert (metrics.loss, metrics.gap_density, metrics.burst_density) == (1 / 82, 1 / 82, 0)
    line.hear("." * 20 + "xx..x." + "." * 20)
    metrics = line.metrics
    assert metrics.loss == 4 / 128
    assert (metrics.burst_density, metrics.burst_ms) == (3 / 5, 100)
    assert metrics.discarded == 0


def test_what_comes_too_late_is_discarded() -> None:
    line = Line()
    line.begin()
    line.hear("." * 50 + "x.l" + "." * 48)
    assert (line.metrics.loss, line.metrics.discarded) == (0, 1 / 101)


def test_counting_goes_on_across_the_wrap_and_begins_anew_with_another_stream() -> None:
    line = Line()
    line.next = 65500
    line.begin()
    line.hear("." * 100 + "x" + "." * 100)
    assert line.metrics.loss == 1 / 202
    line.next = 7
    line.begin(ssrc=THEIRS + 1)
    line.hear("." * 99)
    assert (line.metrics.loss, line.metrics.ssrc) == (0, THEIRS + 1)


# ------------------------------------------------------------------ what it is worth
def test_a_clean_call_is_worth_four_and_a_half_stars_each_way() -> None:
    line = Line()
    line.begin()
    assert line.figures["mos_in"] == line.figures["mos_out"] == 0, "not known yet"
    line.hear("." * 400)
    line.tell(rtcp.ReceiverReport(ssrc=THEIRS, blocks=(block(),)))
    assert line.figures["mos_in"] == line.figures["mos_out"] == pytest.approx(4.41, abs=0.01)


def test_loss_costs_and_is_forgotten_when_it_is_over() -> None:
    line = Line()
    line.begin()
    line.hear("." * 200)
    line.hear(("." * 9 + "x") * 40)
    worst = line.figures["mos_in"]
    assert 3.2 < worst < 3.5, "10 % at random: R 93.2 - 27.1"
    line.hear("." * 900)
    assert line.figures["mos_in"] == pytest.approx(4.41, abs=0.01)
    bursts = Line()
    bursts.begin()
    bursts.hear("." * 200)
    bursts.hear(("." * 45 + "xxxxx") * 8)
    assert bursts.figures["mos_in"] < worst - 0.3, "the same share in bursts is worse"


def test_what_they_report_counts_outward() -> None:
    line = Line(outgoing_format="opus")
    line.tell(rtcp.ReceiverReport(ssrc=THEIRS, blocks=(block(lost=12, fraction=26, jitter=480),)))
    figures = line.figures
    assert (figures["lost_out"], figures["jitter_out_ms"]) == (12, 10), "Opus has a clock of 48 kHz (RFC 7587)"
    assert 2.8 < figures["mos_out"] < 3.4
    line.tell(rtcp.ReceiverReport(ssrc=THEIRS, blocks=(rtcp.ReportBlock(ssrc=OURS + 1, lost=99),)))
    assert line.figures == figures, "about somebody else"


def test_their_own_rating_counts_more_than_ours() -> None:
    line = Line()
    theirs = xr.VoipMetrics(ssrc=OURS, rating=70)
    line.tell(
        rtcp.ReceiverReport(ssrc=THEIRS, blocks=(block(),)), rtcp.ExtendedReport(THEIRS, (theirs,)),
    )  # fmt: skip
    assert line.figures["mos_out"] == pytest.approx(3.6, abs=0.01)


def test_what_they_discard_and_hold_back_counts_too() -> None:
    line, slow = Line(), Line()
    for each, metrics in ((line, {"discarded": 0.1}), (slow, {"end_system_ms": 400})):
        each.tell(
            rtcp.ReceiverReport(ssrc=THEIRS, blocks=(block(),)),
            rtcp.ExtendedReport(THEIRS, (xr.VoipMetrics(ssrc=OURS, **metrics),)),
        )
        assert each.figures["mos_out"] < 3.7


def test_encoders_prepare_for_loss_at_once_and_cease_to_when_it_has_long_been_over() -> None:
    line, told = Line(), []
    line.reports.set_loss = lambda row, percent: told.append(percent)
    for fraction in (0, 4, 8, 4, 0, 0, 3, 0, 0, 0, 4):
        line.tell(rtcp.ReceiverReport(ssrc=THEIRS, blocks=(block(fraction=fraction),)))
    assert told == [0, 0, *[5] * 7, 0, 0]
    told.clear()
    for fraction in (60, 20, 20, 60, 0, 20, 0, 0, 0, 0):
        line.tell(rtcp.ReceiverReport(ssrc=THEIRS, blocks=(block(fraction=fraction),)))
    assert told == [*[20] * 6, 0, 0, 0, 0]


def test_delay_costs_by_half_the_round_trip() -> None:
    line = Line()
    line.begin()
    kept = rtcp.middle(rtcp.ntp_time(line.now - 0.6))
    line.tell(rtcp.ReceiverReport(ssrc=THEIRS, blocks=(block(lsr=kept),)))
    line.hear("." * 400)
    assert line.figures["mos_in"] == pytest.approx(3.75, abs=0.01), "300 + 30 + 20 ms: R 93.2 - 19.9"


def test_the_level_is_of_speech_alone() -> None:
    line = Line()
    seats, row = line.seats, line.row
    assert line.figures["level_db"] == -127
    for number in range(100):
        speaks = number % 20 < 10
        seats.talks[row], seats.quiet_frames[row] = True, 0 if speaks else 5
        seats.energy[row] = 0.01 if speaks else 1e-9
        line.tick()
    assert line.figures["level_db"] == pytest.approx(-20, abs=0.01)


def test_seats_that_grow_are_followed() -> None:
    line = Line()
    line.begin()
    rows = [line.seats.take() for _ in range(20)]
    for row in rows:
        line.reports.add(row, line.now)
        line.seats.talks[row] = True
        line.seats.energy[row] = 0.1
    line.hear("." * 10)
    assert line.reports.figures(rows[-1])["level_db"] == pytest.approx(-10, abs=0.01)
    assert line.metrics.loss == 0
    for row in (line.row, *rows):
        line.reports.remove(row)
    assert not line.reports._exchanges and not len(line.reports.quality.reception) and not line.reports.quality._worth
    assert line.reports.step(line.now + 100) == []


def test_reports_in_parts_are_those_of_all_legs() -> None:
    engine = Crowd(130, 10, 0).engine
    parts = [[report.leg for report in engine.leg_reports(0.0, part, 50).reports] for part in range(50)]
    assert [len(part) for part in parts[:4]] == [49, 50, 31, 0], "seat 0 is nobody's"
    assert (
        [leg for part in parts for leg in part]
        == [report.leg for report in engine.leg_reports(0.0).reports]
        == list(range(130))
    )
