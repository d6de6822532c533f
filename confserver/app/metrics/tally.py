"""What is counted as it happens: calls, their set-up times, what their media were worth, dial-outs, refusals."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable

from confserver.app.metrics.exposition import Histogram
from confserver.app.metrics.media import RunningMedia
from confserver.focus.outputs import Audited, Measured, Recorded
from confserver.sip import outputs as sip
from rooms import events as tell

SETUP_S = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
MOS = (1.5, 2.0, 2.5, 3.0, 3.5, 3.75, 4.0, 4.25, 4.5)
MOST_SETTING_UP = 10_000
OUTCOMES = ("answered", "refused", "cancelled", "failed")
RESULTS = ("answered", "busy", "no answer", "declined", "unreachable", "refused", "failed")
_DIALLED_TO: dict[int, str] = {
    486: "busy", 600: "busy", 408: "no answer", 480: "no answer", 487: "no answer", 603: "declined",
    404: "unreachable", 484: "unreachable", 604: "unreachable", 403: "refused", 401: "refused", 407: "refused",
}  # fmt: skip


class Tally:
    """Counts since the server's start."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.calls: Counter[str] = Counter()
        """Incoming calls by outcome."""
        self.setup = Histogram(SETUP_S)
        self.dialled: Counter[str] = Counter()
        """Calls of ours by result."""
        self.fenced = 0
        self.kicked = 0
        self.recordings: Counter[str] = Counter()
        """Started and failed ones."""
        self.meetings = 0
        self.mos_in, self.mos_out = Histogram(MOS), Histogram(MOS)
        self.media = RunningMedia()
        self.findings: Counter[str] = Counter()
        """What is wrong now, by kind."""
        self._setting_up: OrderedDict[int, float] = OrderedDict()
        self._dialling: set[str] = set()

    # ------------------------------------------------------------------ calls
    def follow(self, event: sip.Output) -> None:
        """What the stack says of calls."""
        match event:
            case sip.CallArrived(call=call):
                self._setting_up[call] = self._now()
                if len(self._setting_up) > MOST_SETTING_UP:
                    self._setting_up.popitem(last=False)
            case sip.CallAcknowledged(call=call):
                began = self._setting_up.pop(call, None)
                if began is not None:
                    self.calls["answered"] += 1
                    self.setup.add(self._now() - began)
            case sip.CallEnded(call=call, status=status):
                if self._setting_up.pop(call, None) is not None:
                    self.calls[_outcome(status)] += 1

    # ------------------------------------------------------------------ rooms
    def hear(self, events: tuple[tell.Event, ...]) -> None:
        """What has happened in the rooms."""
        for event in events:
            self._hear(event)

    def _hear(self, event: tell.Event) -> None:
        match event:
            case tell.RoomOpened():
                self.meetings += 1
            case tell.Dialled(participant=who):
                self._dialling.add(who)
            case tell.ParticipantArrived(participant=who) if who in self._dialling:
                self._dialling.discard(who)
                self.dialled["answered"] += 1
            case tell.DialFailed(participant=who, status=status):
                self._dialling.discard(who)
                self.dialled[_DIALLED_TO.get(status, "failed")] += 1
            case tell.PlaceReleased(participant=who):
                self._dialling.discard(who)
            case tell.DialRefused():
                self.fenced += 1
            case tell.ParticipantKicked():
                self.kicked += 1
            case tell.RecordingStarted():
                self.recordings["started"] += 1
            case tell.RecordingFailed():
                self.recordings["failed"] += 1
            case tell.QualityChanged(kind=kind, is_wrong=is_wrong):
                self.findings[kind] += 1 if is_wrong else -1

    # ------------------------------------------------------------------ media
    def note(self, word: Measured | Recorded | Audited) -> None:
        """What a call was worth, at the worker's last word on it."""
        if not isinstance(word, Measured) or not word.is_last:
            return
        figures = word.figures
        if figures.mos_in is not None:
            self.mos_in.add(figures.mos_in)
        if figures.mos_out is not None:
            self.mos_out.add(figures.mos_out)


def _outcome(status: int) -> str:
    """Of a call that was never acknowledged, by the last answer."""
    if status == 487:
        return "cancelled"
    return "refused" if 300 <= status < 500 or status >= 600 else "failed"
