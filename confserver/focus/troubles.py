"""What can be wrong with a participant's sound: a table of measures, limits and words, for ``quality`` to go by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

LEAST_PACKETS = 20
"""In a window; fewer say nothing of the network (silence suppression, hold)."""
UNKNOWN_DB = -127.0
HEAVY = 0.08
SPELL = 2
"""Windows that a burst may last."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known of a participant at a time. Counts since the call began; ``lost_out`` < 0: unknown."""

    at: float
    received: int = 0
    lost: int = 0
    late: int = 0
    sent: int = 0
    lost_out: int = -1
    jitter_ms: float = 0.0
    jitter_out_ms: float = -1.0
    rtt_ms: float = -1.0
    playout_ms: float = 0.0
    skew_ppm: float = 0.0
    level_db: float = UNKNOWN_DB
    noise_db: float = UNKNOWN_DB
    codec: str = ""
    sends: bool = True
    """The phone is to send: it is not on hold, nor asked to be quiet."""
    hears: bool = True
    """We send to it."""
    talks_muted: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """What has come in some seconds. Shares are 0 to 1, None: nobody knows."""

    seconds: float
    last: Sample
    received: int
    loss_in: float | None
    late_in: float | None
    loss_out: float | None
    ever_received: bool
    silent_s: float
    """So long nothing has come, though something should have."""
    losses_in: tuple[float | None, ...] = ()
    """``loss_in`` of the last minute, this window's last: all that is looked back on."""


Measure = Callable[[Window], float | None]
"""The last window to a figure; None: nothing can be said, and nothing changes."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong: from ``bad`` on for ``begins`` windows, until ``good`` for ``ends``."""

    kind: str
    way: str
    measure: Measure
    bad: float
    good: float
    text: str
    """With ``{name}``, ``{value}`` and ``{other}``: whether the other way is clear."""
    side: str
    advice: str
    begins: int = 2
    ends: int = 3
    is_low: bool = False
    """Small figures are the bad ones."""
    shows: str = "percent"
    """What the figure is: percent, ms, db, ppm, seconds."""
    hides: tuple[str, ...] = ()
    """What is not told beside it."""

    def is_bad(self, value: float) -> bool:
        return value <= self.bad if self.is_low else value >= self.bad

    def is_good(self, value: float) -> bool:
        return value >= self.good if self.is_low else value <= self.good


# ------------------------------------------------------------------ the figures
def _loss_in(window: Window) -> float | None:
    return window.loss_in


def _loss_out(window: Window) -> float | None:
    return window.loss_out


def _late_in(window: Window) -> float | None:
    return window.late_in


def _bursts_in(window: Window) -> float | None:
    """How often in the last minute there was a heavy loss for a moment; 0 where any loss went on for longer."""
    known = [loss for loss in window.losses_in if loss is not None]
    if len(known) < 4:
        return None
    spells = [list(spell) for is_lossy, spell in groupby(known, lambda loss: loss > 0.01) if is_lossy]
    if any(len(spell) > SPELL for spell in spells):
        return 0.0
    return float(sum(max(spell) >= HEAVY for spell in spells))


def _jitter_in(window: Window) -> float | None:
    return window.last.jitter_ms if window.received >= LEAST_PACKETS else None


def _jitter_out(window: Window) -> float | None:
    last = window.last
    return last.jitter_out_ms if last.jitter_out_ms >= 0 and last.hears else None


def _delay(window: Window) -> float | None:
    last = window.last
    return last.rtt_ms / 2 + last.playout_ms if last.rtt_ms >= 0 else None


def _never(window: Window) -> float | None:
    return 0.0 if window.ever_received else window.silent_s


def _silent(window: Window) -> float | None:
    return window.silent_s if window.ever_received else 0.0


def _level(window: Window) -> float | None:
    level = window.last.level_db
    return level if level > UNKNOWN_DB else None


def _noise(window: Window) -> float | None:
    last = window.last
    return last.noise_db if last.noise_db > UNKNOWN_DB and window.received >= LEAST_PACKETS else None


def _clock(window: Window) -> float | None:
    return abs(window.last.skew_ppm) if window.received >= LEAST_PACKETS else None


def _muted(window: Window) -> float | None:
    return float(window.last.talks_muted)


_NETWORK = "Wired instead of Wi-Fi; nearer to the access point; no large up- or downloads beside the call."

RULES: tuple[Rule, ...] = (
    Rule(
        "never-heard", "in", _never, 8.0, 0.0, "Nothing has come from {name} since the call began: nobody hears {name}",
        "network", "A firewall or NAT stops the sound from there: check that its RTP ports are open, or that its phone"
        " names an address that can be reached (STUN, media_encryption, VPN).",
        begins=1, ends=1, shows="seconds", hides=("silent", "loss-in", "late", "bursts"),
    ),
    Rule(
        "silent", "in", _silent, 8.0, 0.0, "Nothing comes from {name} any more, for {value}: nobody hears {name}",
        "network", "The way from there is cut, or the phone has stopped: hang up and call again.",
        begins=1, ends=1, shows="seconds", hides=("loss-in", "late", "bursts"),
    ),
    Rule(
        "hears-nothing", "out", _loss_out, 0.9, 0.5,
        "{name} hears nobody: nothing of what is sent arrives there{other}",
        "network", "A firewall or NAT stops the sound on the way there: check the address that the phone names, and"
        " sip.public_address of this server.",
        begins=2, ends=1, hides=("loss-out", "jitter-out"),
    ),
    Rule(
        "loss-in", "in", _loss_in, 0.03, 0.01,
        "Others hear gaps in {name}: {value} of what comes from there is lost{other}",
        "network", _NETWORK, hides=("bursts", "late"),
    ),
    Rule(
        "loss-out", "out", _loss_out, 0.03, 0.01, "{name} hears gaps: {value} of what is sent there is lost{other}",
        "network", _NETWORK,
    ),
    Rule(
        "bursts", "in", _bursts_in, 2.0, 0.0, "Others hear {name} drop out for moments: losses come in bursts",
        "network", "Wi-Fi that changes its channel or access point, or a line that is full for moments.",
        begins=1, ends=1, shows="count",
    ),
    Rule(
        "late", "in", _late_in, 0.02, 0.005,
        "Others hear {name} break up: {value} of what comes from there is too late to be played",
        "network", _NETWORK + " media.most_delay_ms lets this server wait longer.",
    ),
    Rule(
        "jitter-in", "in", _jitter_in, 40.0, 25.0,
        "What comes from {name} comes unevenly ({value} of jitter): it is heard late, or broken",
        "network", _NETWORK, shows="ms",
    ),
    Rule(
        "jitter-out", "out", _jitter_out, 40.0, 25.0, "What {name} hears arrives unevenly ({value} of jitter)",
        "network", _NETWORK, shows="ms",
    ),
    Rule(
        "delay", "both", _delay, 400.0, 320.0, "{name} and the others hear each other late: {value} one way",
        "network", "A VPN or satellite on the way, or a full line; a way without them is faster.", begins=3, shows="ms",
    ),
    Rule(
        "low", "in", _level, -40.0, -37.0, "{name} is hard to hear: the voice is at {value}",
        "phone", "Nearer to the microphone, or its gain up; media.levelling or confserver room gain lift it here.",
        begins=3, is_low=True, shows="db",
    ),
    Rule(
        "clipping", "in", _level, -9.0, -11.0, "{name} is so loud that it distorts: the voice is at {value}",
        "phone", "The microphone's gain down, or further from it.", begins=2, shows="db",
    ),
    Rule(
        "noise", "in", _noise, -45.0, -50.0, "{name} brings noise: {value} in pauses",
        "phone", "Mute when not talking; a headset, or another place. media.denoise takes it out here.",
        begins=3, shows="db",
    ),
    Rule(
        "clock", "in", _clock, 400.0, 250.0,
        "The clock of {name}'s phone is off by {value}: now and then a sound is left out or said twice",
        "phone", "A virtual machine or sound card with a bad clock: another device.", begins=3, shows="ppm",
    ),
    Rule(
        "talks-muted", "in", _muted, 1.0, 0.0, "{name} talks and is muted: nobody hears it",
        "person", "Unmute, or tell so.", begins=2, ends=1, shows="count",
    ),
)  # fmt: skip


def shown(kind: str, value: float) -> str:
    match kind:
        case "percent":
            return f"{value * 100:.0f} %" if value >= 0.0095 else f"{value * 100:.1f} %"
        case "ms":
            return f"{value:.0f} ms"
        case "db":
            return f"{value:.0f} dB"
        case "ppm":
            return f"{value:.0f} ppm"
        case "seconds":
            return f"{value:.0f} s"
    return f"{value:.0f}"
