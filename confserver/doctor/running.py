"""What a running server says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confserver.doctor.finding import Finding, fault, ok, warning
from confserver.doctor.ground import Ground

CHECK = "server"
BUSY = 0.6
"""Of a media process's time (docs/performance.md): above, sound is made cheaper, and soon calls are turned away."""


def check_running(ground: Ground) -> list[Finding]:
    if ground.trouble:
        return [fault(CHECK, ground.trouble, "see its log; start it again")]
    if ground.status is None:
        return [ok(CHECK, f"none runs on {ground.state}")]
    found = list(_found(ground.status))
    if ground.unread:
        found.append(warning(CHECK, f"its settings cannot be read, defaults are checked: {ground.unread}",
                             "correct the file before the next start, or name another by --config"))  # fmt: skip
    return found or [ok(CHECK, _summary(ground.status))]


def _summary(status: Mapping[str, Any]) -> str:
    hours = float(status.get("uptime_s") or 0) / 3600
    return f"version {status.get('version')} has run for {hours:.1f} hours, with {_calls(status)} calls"


def _calls(status: Mapping[str, Any]) -> Any:
    return (status.get("sip") or {}).get("calls", "?")


def _found(status: Mapping[str, Any]) -> list[Finding]:
    found = []
    for worker in status.get("workers") or ():
        name = f"media process {worker.get('worker')}"
        if not worker.get("ready"):
            found.append(fault(CHECK, f"{name} is not ready", "see the log; it is started again by itself"))
        elif float(worker.get("load") or 0) > BUSY:
            found.append(warning(CHECK, f"{name} is busy: {float(worker['load']):.0%} of its time",
                                 "use more cores (media.workers), or packets of 40 ms (media.ptime_ms)"))  # fmt: skip
    storage = status.get("storage") or {}
    if storage.get("last_error"):
        found.append(warning(CHECK, f"the store has failed: {storage['last_error']} ({storage.get('failed')} times)",
                             "look at the disk; who asked for what was not stored has been told so"))  # fmt: skip
    if (status.get("space") or {}).get("trouble"):
        found.append(fault(CHECK, f"nothing can be kept: {status['space']['trouble']}", "make space on its disk"))
    if (status.get("drain") or {}).get("draining"):
        found.append(warning(CHECK, "is being emptied: new calls are turned away", "confserver drain --cancel"))
    barrier = status.get("barrier") or {}
    if barrier.get("overloaded"):
        found.append(fault(CHECK, "cannot keep up: new requests get 503", "see what else runs on this machine"))
    return found
