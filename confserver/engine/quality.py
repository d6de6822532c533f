"""What each leg's call is worth, each way: our own counts and the participant's reports, by the E-model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from confserver.contract import MediaPlan
from confserver.engine.levels import UNKNOWN_DB, Levels
from confserver.engine.reception import Reception
from confserver.engine.seats import Seats
from confserver.formats import FORMATS
from confserver.rtp import emodel, rtcp, xr

CLOCK_HZ = {format.name: format.clock_hz for format in FORMATS}
TELEPHONY_HZ = 8000
MOST_DELAY_MS = 120.0
"""What our playout grows to (``depth``)."""
DBM0 = 6.15
"""Of a level on the scale of overload (G.711: a full-scale sine, -3.01 there, is +3.14 dBm0)."""
CLEAN = 0.01
"""Loss on the way to a participant below which encoders need not prepare for it."""
LOSS_CLASSES = ((0.20, 20), (0.03, 5), (0.0, 0))
"""From which loss on encoders are told of how many per cent. libopus makes its redundancy by that: with 10 for a tenth
speech sounds worse than with 5, whether packets are lost or not, up to a fifth of them (measured by P.862)."""
CLEAN_REPORTS = 3
"""In a row, before they prepare for less: some 15 s."""
_UNKNOWN_BUFFER = 2.0
"""Where a participant does not tell the delay of its playout: twice the jitter that it reports."""


class Figures(TypedDict):
    """The fields of a ``LegReport`` that are found here."""

    mos_in: float
    mos_out: float
    lost_out: int
    jitter_out_ms: float
    level_db: float
    noise_db: float


@dataclass(slots=True)
class Worth:
    """Of one leg, as of the last reports."""

    codec: emodel.Codec = emodel.CONCEALED
    clock_hz: int = TELEPHONY_HZ
    packet_ms: float = 20.0
    rating_in: float = -1.0
    """R; below 0: unknown. ``heard_in``: without delay."""
    heard_in: float = -1.0
    rating_out: float = -1.0
    lost_out: int = -1
    jitter_out_ms: float = -1.0
    theirs: xr.VoipMetrics | None = None
    loss_percent: int = 0
    """Of its loss class."""
    clean: int = 0
    """Reports in a row that told of less; to be of no loss class, of hardly any."""


class Quality:
    """Judges the legs. delay_s: of the playout of a row."""

    def __init__(self, seats: Seats, delay_s: Callable[[int], float]) -> None:
        self._seats = seats
        self._delay_s = delay_s
        self.reception = Reception(seats)
        self.levels = Levels(seats)
        self._worth: dict[int, Worth] = {}

    def add(self, row: int) -> None:
        self._worth[row] = Worth()
        self.reception.add(row)
        self.levels.begin(row)

    def remove(self, row: int) -> None:
        self._worth.pop(row, None)
        self.reception.remove(row)

    def follow(self, row: int, plan: MediaPlan) -> None:
        worth = self._worth[row]
        worth.codec = emodel.codec_of(plan.outgoing_format)
        worth.clock_hz = CLOCK_HZ.get(plan.outgoing_format, TELEPHONY_HZ)
        worth.packet_ms = plan.ptime_ms

    def listen(self) -> None:
        """Once a tick."""
        self.reception.look()
        self.levels.listen()

    # ------------------------------------------------------------------ judging
    def judge(self, row: int, rtt_s: float) -> None:
        """An interval is over: say what came in it was worth. Where nothing came, what was said last stands."""
        worth, interval = self._worth[row], self.reception.interval(row)
        if interval.expected <= 0:
            return
        loss = min(max(interval.lost, 0) / interval.expected, 1.0)
        mean_run = interval.lost / interval.runs if interval.runs else 0.0
        burstiness = emodel.burst_ratio(loss, mean_run)
        delay_ms = self._delay_ms(row) + max(rtt_s, 0.0) * 500
        worth.rating_in = emodel.rating(worth.codec, loss, delay_ms, burstiness)
        worth.heard_in = emodel.rating(worth.codec, loss, 0, burstiness)

    def _delay_ms(self, row: int) -> float:
        return self._delay_s(row) * 1000 + self._worth[row].packet_ms

    def hear(self, row: int, block: rtcp.ReportBlock | None, theirs: xr.VoipMetrics | None, rtt_s: float) -> None:
        """The participant has said how it hears us."""
        worth = self._worth[row]
        worth.theirs = theirs or worth.theirs
        if block is not None:
            worth.lost_out = max(block.lost, 0)
            worth.jitter_out_ms = block.jitter * 1000 / worth.clock_hz
            _note_loss(worth, block.fraction_lost / 256)
        metrics = worth.theirs
        if metrics is not None and metrics.rating is not None:
            worth.rating_out = metrics.rating
        elif block is not None:
            loss = block.fraction_lost / 256 + (metrics.discarded if metrics else 0.0)
            buffer_ms = _UNKNOWN_BUFFER * worth.jitter_out_ms + worth.packet_ms
            end_ms = metrics.end_system_ms if metrics and metrics.end_system_ms else buffer_ms
            worth.rating_out = emodel.rating(worth.codec, loss, end_ms + max(rtt_s, 0.0) * 500)

    def loss_percent(self, row: int) -> int:
        """How much of what the participant is sent gets lost, in classes and with hysteresis."""
        return self._worth[row].loss_percent

    # ------------------------------------------------------------------ telling
    def figures(self, row: int) -> Figures:
        worth = self._worth.get(row) or Worth()
        return Figures(
            mos_in=_mos(worth.rating_in),
            mos_out=_mos(worth.rating_out),
            lost_out=worth.lost_out,
            jitter_out_ms=worth.jitter_out_ms,
            level_db=self.levels.speech_db(row),
            noise_db=self.levels.noise_db(row),
        )

    def metrics(self, row: int, rtt_s: float) -> xr.VoipMetrics:
        """How we hear the participant, in the words of RFC 3611 section 4.7."""
        seats, worth, bursts = self._seats, self._worth[row], self.reception.bursts(row)
        expected, measured, delay_ms = max(bursts.expected, 1), bursts.measured(), self._delay_s(row) * 1000
        late = min(int(seats.late[row]), bursts.lost)
        speech = self.levels.speech_db(row)
        is_rated = worth.rating_in >= 0
        return xr.VoipMetrics(
            ssrc=int(seats.ssrc[row]),
            loss=(bursts.lost - late) / expected,
            discarded=late / expected,
            burst_density=measured.burst_density,
            gap_density=measured.gap_density,
            burst_ms=measured.burst_length * worth.packet_ms,
            gap_ms=measured.gap_length * worth.packet_ms,
            round_trip_ms=max(rtt_s, 0.0) * 1000,
            end_system_ms=self._delay_ms(row),
            signal_db=round(speech + DBM0) if speech > UNKNOWN_DB else None,
            noise_db=round(self.levels.noise_db(row) + DBM0),
            rating=round(worth.rating_in) if is_rated else None,
            mos_lq=emodel.mos(worth.heard_in) if is_rated else None,
            mos_cq=emodel.mos(worth.rating_in) if is_rated else None,
            plc=xr.PLC_ENHANCED,
            jb_adaptive=xr.JB_ADAPTIVE,
            jb_nominal_ms=delay_ms,
            jb_maximum_ms=delay_ms,
            jb_most_ms=MOST_DELAY_MS,
        )


def _note_loss(worth: Worth, loss: float) -> None:
    wanted = next(percent for least, percent in LOSS_CLASSES if loss >= least)
    calm = wanted < worth.loss_percent and (wanted or loss < CLEAN)
    worth.clean = worth.clean + 1 if calm else 0
    if wanted > worth.loss_percent or worth.clean >= CLEAN_REPORTS:
        worth.loss_percent, worth.clean = wanted, 0


def _mos(rating: float) -> float:
    return emodel.mos(rating) if rating >= 0 else 0.0
