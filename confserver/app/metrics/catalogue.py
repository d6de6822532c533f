"""All metrics there are: a row each, with what it is read from. ``told`` is what ``GET /status`` answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confserver.app.metrics.exposition import Family, Histogram, Value
from confserver.app.metrics.tally import OUTCOMES, RESULTS, Tally
from confserver.focus.troubles import RULES

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Metric:
    """``read``: a number, or numbers by label. None, or what cannot be found: left out."""

    name: str
    kind: str
    help: str
    read: Callable[[Told, Tally], Any]


def _at(*path: str) -> Callable[[Told, Tally], Any]:
    def read(told: Told, tally: Tally) -> Any:
        found: Any = told
        for name in path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    return read


def _by(label: str, counts: Callable[[Told, Tally], Mapping[str, float]], names: Sequence[str]) -> Any:
    """All names, also those that have not been counted yet: a series that appears with 1 has no rate."""

    def read(told: Told, tally: Tally) -> list[Value]:
        found = counts(told, tally)
        return [({label: name}, found.get(name, 0)) for name in names]

    return read


def _of_workers(member: str, scale: float = 1.0) -> Callable[[Told, Tally], list[Value]]:
    def read(told: Told, tally: Tally) -> list[Value]:
        rows = told.get("workers") or ()
        return [({"worker": str(row["worker"])}, float(row[member]) * scale) for row in rows if member in row]

    return read


def _stages(told: Told, tally: Tally) -> list[Value]:
    return [({"stage": name}, count) for name, count in (told.get("focus", {}).get("stages") or {}).items()]


def _answers(told: Told, tally: Tally) -> list[Value]:
    answers: Counter[int] = told.get("http_answers") or Counter()
    return [({"class": f"{number}xx"}, answers.get(number, 0)) for number in range(2, 6)]


def _worth(told: Told, tally: Tally) -> list[Value]:
    return [({"direction": way, "worth": worth}, count) for way, worth, count in tally.media.worth()]


def _packets(incoming: str, outgoing: str) -> Callable[[Told, Tally], list[Value]]:
    def read(told: Told, tally: Tally) -> list[Value]:
        packets = tally.media.packets
        return [({"direction": "in"}, packets[incoming]), ({"direction": "out"}, packets[outgoing])]

    return read


METRICS: tuple[Metric, ...] = (
    Metric("confserver_info", "gauge", "The version that runs.", lambda told, _: [({"version": told["version"]}, 1)]),
    Metric("confserver_uptime_seconds", "gauge", "Since the start.", _at("uptime_s")),
    Metric("confserver_ready", "gauge", "1 where new calls are taken.", lambda told, _: float(not told["not_ready"])),
    Metric("confserver_draining", "gauge", "1 while those present stay and nobody new comes.",
           _at("drain", "draining")),
    Metric("confserver_rooms", "gauge", "Rooms that are open.", _at("focus", "rooms")),
    Metric("confserver_participants", "gauge", "People in rooms.", _at("focus", "stages", "present")),
    Metric("confserver_legs", "gauge", "Calls by how far they have come.", _stages),
    Metric("confserver_dialling", "gauge", "Calls of ours that nobody has answered yet.", _at("focus", "dialling")),
    Metric("confserver_watchers", "gauge", "Subscriptions to rooms by SIP.", _at("focus", "watchers")),
    Metric("confserver_meetings_total", "counter", "Rooms that have opened.", lambda _, tally: tally.meetings),
    Metric("confserver_kicks_total", "counter", "People who were put out.", lambda _, tally: tally.kicked),
    Metric(
        "confserver_calls_total", "counter", "Calls that came, by outcome.",
        _by("outcome", lambda _, tally: tally.calls, OUTCOMES),
    ),
    Metric("confserver_call_setup_seconds", "histogram", "From INVITE to ACK.", lambda _, tally: [({}, tally.setup)]),
    Metric(
        "confserver_dialouts_total", "counter", "Calls of ours, by result.",
        _by("result", lambda _, tally: tally.dialled, RESULTS),
    ),
    Metric("confserver_fence_refusals_total", "counter", "Calls that the toll fence has refused.",
           lambda _, tally: tally.fenced),
    Metric(
        "confserver_mos", "histogram", "Mean opinion scores of calls that are over (ITU-T G.107).",
        lambda _, tally: [({"direction": "in"}, tally.mos_in), ({"direction": "out"}, tally.mos_out)],
    ),
    Metric("confserver_mos_now", "gauge",
           "Running calls by what they are worth (ITU-T G.109: best, high, medium, low, poor; bad: below).", _worth),
    Metric("confserver_packets_total", "counter", "RTP packets.", _packets("received", "sent")),
    Metric("confserver_packets_lost_total", "counter", "RTP packets that never came.", _packets("lost", "lost_out")),
    Metric("confserver_packets_late_total", "counter", "RTP packets that came too late to be played.",
           lambda _, tally: tally.media.packets["late"]),
    Metric(
        "confserver_findings", "gauge", "What is wrong with somebody's sound now, by kind.",
        _by("kind", lambda _, tally: tally.findings, [rule.kind for rule in RULES]),
    ),
    Metric("confserver_worker_ready", "gauge", "1 where the media worker stands.", _of_workers("ready")),
    Metric("confserver_worker_load", "gauge", "Share of the tick's time that is used.", _of_workers("load")),
    Metric("confserver_worker_legs", "gauge", "Calls at the media worker.", _of_workers("legs")),
    Metric("confserver_worker_restarts_total", "counter", "Media workers that were replaced.", _of_workers("restarts")),
    Metric("confserver_worker_ticks_total", "counter", "Ticks of 20 ms.", _of_workers("ticks")),
    Metric("confserver_worker_ticks_missed_total", "counter", "Ticks that came too late and were left out.",
           _of_workers("missed_ticks")),
    Metric("confserver_worker_longest_tick_seconds", "gauge", "The longest tick of late.",
           _of_workers("longest_tick_ms", 0.001)),
    Metric("confserver_worker_faults_total", "counter", "Faults of ours in ticks and commands.", _of_workers("faults")),
    Metric("confserver_recordings_now", "gauge", "Recordings that are being made.", _at("focus", "recordings")),
    Metric("confserver_forwards", "gauge", "Sound of rooms that is sent on to programs.", _at("focus", "forwards")),
    Metric(
        "confserver_recordings_total", "counter", "Recordings that were started, and that failed.",
        _by("what", lambda _, tally: tally.recordings, ("started", "failed")),
    ),
    Metric("confserver_sip_transactions", "gauge", "SIP transactions.", _at("sip", "transactions")),
    Metric("confserver_sip_dialogs", "gauge", "SIP dialogs.", _at("sip", "dialogs")),
    Metric("confserver_sip_connections", "gauge", "SIP connections.", _at("sip", "connections")),
    Metric("confserver_sip_dropped_total", "counter", "SIP messages that nobody was to answer.", _at("sip", "dropped")),
    Metric("confserver_sip_malformed_total", "counter", "SIP messages that made no sense.", _at("sip", "malformed")),
    Metric("confserver_signalling_late_seconds", "gauge", "How late the signalling process is.",
           lambda told, _: told["barrier"]["late_ms"] / 1000),
    Metric("confserver_bans", "gauge", "Addresses from which nothing is taken.", _at("barrier", "bans")),
    Metric("confserver_users", "gauge", "Users who may register.", _at("users", "users")),
    Metric("confserver_bindings", "gauge", "Phones that are registered.", _at("users", "bindings")),
    Metric("confserver_store_queue", "gauge", "Jobs that wait for the disk.", _at("storage", "waiting")),
    Metric("confserver_store_written_total", "counter", "Jobs that are on the disk.", _at("storage", "written")),
    Metric("confserver_store_failed_total", "counter", "Jobs that the disk has refused.", _at("storage", "failed")),
    Metric("confserver_store_refused_total", "counter", "Jobs that the queue was too long for.",
           _at("storage", "refused")),
    Metric("confserver_http_answers_total", "counter", "Answers by HTTP, by class of status.", _answers),
    Metric("confserver_event_readers", "gauge", "Readers of event streams.", _at("events", "readers")),
    Metric("confserver_events_total", "counter", "Events that were told.", _at("events", "number")),
    Metric("confserver_webhooks", "gauge", "Webhooks that there are.", _at("webhooks", "hooks")),
    Metric("confserver_webhooks_dead", "gauge", "Deliveries that were given up.", _at("webhooks", "dead")),
)  # fmt: skip


def families(told: Told, tally: Tally) -> list[Family]:
    """Whatever can be read now: a part that does not stand yet costs its own rows, not the page."""
    found = []
    for metric in METRICS:
        try:
            value = metric.read(told, tally)
        except (KeyError, TypeError, ValueError):
            continue
        if isinstance(value, int | float):
            found.append(Family(metric.name, metric.kind, metric.help, [({}, float(value))]))
        elif isinstance(value, list) and value and isinstance(value[0][1], Histogram):
            found.append(Family(metric.name, metric.kind, metric.help, histograms=value))
        elif isinstance(value, list):
            numbers = [(labels, float(each)) for labels, each in value]
            found.append(Family(metric.name, metric.kind, metric.help, numbers))
    return found
