"""Quality in words: what is wrong with a participant's sound, since when, on whose side, and what to try.

::

    reports of the worker --> Sample --> Ward.take: windows of some seconds --> RULES, each with hysteresis --> Change

Pure. *In* is what others hear of the participant, *out* what the participant hears. A finding begins when its measure
has been bad for some windows in a row, and ends when it has been good for some; what lies between changes nothing. Of
two findings that say the same the graver one is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from confserver.focus.troubles import LEAST_PACKETS, RULES, Rule, Sample, Window, shown
from rooms.participant import Finding

WINDOW_S = 4.0
"""Shorter reports are put together, so that one lost packet is not a quarter of all."""
MEMORY = 15
"""Windows whose losses are looked back on: a minute. Nothing else is kept of them."""
MANY = 3
"""So many with the same trouble, and most of all: it is not theirs."""


@dataclass(slots=True)
class _State:
    """Of one rule."""

    bad: int = 0
    good: int = 0
    since: float = 0.0
    """Of the first of the bad windows."""
    finding: Finding | None = None


@dataclass(slots=True)
class Patient:
    """One participant, under whatever name."""

    name: str
    first: Sample | None = None
    """Of the window that is being filled."""
    window: Window | None = None
    """The last that was full."""
    ever_received: bool = False
    silent_s: float = 0.0
    states: dict[str, _State] = field(default_factory=dict)

    def take(self, sample: Sample) -> Window | None:
        """Give a window when one is full. Where counts begin anew (another leg, another worker) so does it."""
        first = self.first
        if first is None or sample.received < first.received or sample.sent < first.sent:
            self.first = sample
            return None
        if sample.at - first.at < WINDOW_S:
            return None
        self.first = sample
        self.window = self._window(first, sample)
        return self.window

    def _window(self, first: Sample, last: Sample) -> Window:
        seconds = last.at - first.at
        received, lost = last.received - first.received, max(last.lost - first.lost, 0)
        expected = received + lost
        self.ever_received = self.ever_received or last.received > 0
        is_silent = first.sends and last.sends and not received
        self.silent_s = self.silent_s + seconds if is_silent else 0.0
        sent, known_out = last.sent - first.sent, first.lost_out >= 0 and last.lost_out >= 0
        enough, enough_out = expected >= LEAST_PACKETS and received, sent >= LEAST_PACKETS and known_out
        loss = lost / expected if enough else None
        before = self.window.losses_in if self.window else ()
        return Window(
            seconds,
            last,
            received,
            loss,
            max(last.late - first.late, 0) / expected if enough else None,
            min(max(last.lost_out - first.lost_out, 0) / sent, 1.0) if enough_out else None,
            self.ever_received,
            self.silent_s,
            (*before, loss)[-MEMORY:],
        )

    @property
    def kinds(self) -> set[str]:
        return {kind for kind, state in self.states.items() if state.finding}


@dataclass(frozen=True, slots=True)
class Change:
    """A finding begins (``is_wrong``), or is over."""

    finding: Finding
    is_wrong: bool


class Ward:
    """All participants who are looked after."""

    def __init__(self) -> None:
        self._patients: dict[str, Patient] = {}

    def __len__(self) -> int:
        return len(self._patients)

    def admit(self, who: str, name: str) -> None:
        self._patients.setdefault(who, Patient(name)).name = name

    def discharge(self, who: str) -> None:
        self._patients.pop(who, None)

    def take(self, who: str, sample: Sample) -> list[Change]:
        patient = self._patients.get(who)
        window = patient.take(sample) if patient else None
        if patient is None or window is None:
            return []
        changes = [change for rule in RULES if (change := self._judge(patient, rule, window)) is not None]
        return changes + _hidden(patient, changes)

    def _judge(self, patient: Patient, rule: Rule, window: Window) -> Change | None:
        value = rule.measure(window)
        if value is None:
            return None
        state = patient.states.setdefault(rule.kind, _State())
        if rule.is_bad(value):
            if not state.bad:
                state.since = window.last.at - (value if rule.shows == "seconds" else window.seconds)
            state.bad, state.good = state.bad + 1, 0
            return self._begin(patient, rule, window, state, value)
        state.bad = 0
        state.good = state.good + 1 if rule.is_good(value) else 0
        if state.finding is not None and state.good >= rule.ends:
            over, state.finding = state.finding, None
            return Change(over, is_wrong=False)
        return None

    def _begin(self, patient: Patient, rule: Rule, window: Window, state: _State, value: float) -> Change | None:
        is_hidden = any(rule.kind in other.hides for other in RULES if other.kind in patient.kinds)
        if state.finding is not None or state.bad < rule.begins or is_hidden:
            return None
        state.finding = self._worded(patient, rule, window, state.since, value)
        return Change(state.finding, is_wrong=True)

    def _worded(self, patient: Patient, rule: Rule, window: Window, since: float, value: float) -> Finding:
        other = _other_way(window, rule)
        text = rule.text.format(name=patient.name, value=shown(rule.shows, value), other=other)
        advice = rule.advice + _codec_note(rule, window.last.codec)
        finding = Finding(rule.kind, rule.way, f"{patient.name}'s {rule.side}", text, advice, since)
        if rule.side == "person":
            return replace(finding, side=patient.name)
        alike = sum(rule.kind in each.kinds for each in self._patients.values())
        if rule.side == "network" and alike + 1 >= MANY and (alike + 1) * 2 > len(self._patients):
            words = "Most have the same trouble at once: look at the network and the load of this server."
            return replace(finding, side="this server's network", advice=words)
        return finding


def _hidden(patient: Patient, changes: list[Change]) -> list[Change]:
    """What a graver finding, just begun, says as well is over."""
    hidden = {kind for rule in RULES for kind in rule.hides
              if any(change.is_wrong and change.finding.kind == rule.kind for change in changes)}  # fmt: skip
    over = []
    for kind in hidden & patient.kinds:
        state = patient.states[kind]
        if state.finding is not None:
            over.append(Change(state.finding, is_wrong=False))
            state.finding, state.bad = None, 0
    return over


def _other_way(window: Window, rule: Rule) -> str:
    loss, words = (window.loss_out, "on the way there") if rule.way == "in" else (window.loss_in, "on the way back")
    if loss is None:
        return ""
    return f"; nothing {words}" if loss < 0.01 else f", and {shown('percent', loss)} {words}"


def _codec_note(rule: Rule, codec: str) -> str:
    if rule.kind not in ("loss-in", "loss-out"):
        return ""
    if codec.lower() == "opus":
        return " Opus already carries spare copies of what gets lost."
    return f" Opus would bear losses better than {codec}." if codec else ""
