"""The machine: clock, disk, limits, priority."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from confserver.doctor.finding import Finding, fault, ok, warning
from confserver.doctor.ground import Ground

STA_UNSYNC = 0x40
"""adjtimex(2)."""
STATUS_AT = 40
"""Where in struct timex, on 64 bits, ``status`` lies."""
STEP_S = 0.005
WATCHED_S = 0.5
LITTLE_BYTES, FEW_BYTES = 256 << 20, 2 << 30
SLOW_MS, VERY_SLOW_MS = 100.0, 1000.0
FILES = 4096


def check_clock(ground: Ground) -> list[Finding]:
    found = []
    synchronised = is_synchronised()
    if synchronised is False:
        found.append(warning("clock", "is not set by NTP: records and certificates may have wrong times",
                             "install chrony, or: timedatectl set-ntp true"))  # fmt: skip
    step = stepped(time.time, time.monotonic, time.sleep)
    if abs(step) > STEP_S:
        found.append(warning("clock", f"has been set by {step * 1000:.0f} ms while it was watched",
                             "let it be slewed, not stepped (chrony: makestep only at the start)"))  # fmt: skip
    how = "is set by NTP" if synchronised else "cannot be asked whether it is set by NTP"
    return found or [ok("clock", f"{how}, and did not step")]


def is_synchronised() -> bool | None:
    """What the kernel says; None where it cannot be asked."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        timex = ctypes.create_string_buffer(512)
        if libc.adjtimex(timex) < 0:
            return None
    except (OSError, AttributeError):
        return None
    return not int.from_bytes(timex.raw[STATUS_AT : STATUS_AT + 4], sys.byteorder) & STA_UNSYNC


def stepped(wall: Callable[[], float], steady: Callable[[], float], sleep: Callable[[float], None]) -> float:
    """By how many seconds the wall clock was set in a moment."""
    began, steady_began = wall(), steady()
    sleep(WATCHED_S)
    return (wall() - began) - (steady() - steady_began)


def check_disk(ground: Ground) -> list[Finding]:
    """Space and speed where the state and the recordings are."""
    found = []
    for what, path in (("state", ground.state), ("recordings", ground.settings.recordings_path())):
        place = _existing(path)
        free = shutil.disk_usage(place).free
        if free < LITTLE_BYTES:
            found.append(fault("disk", f"{free >> 20} MB are free for {what} at {place}",
                               "delete something (recordings.days does it), or use another disk"))  # fmt: skip
        elif free < FEW_BYTES:
            found.append(warning("disk", f"{free >> 20} MB are free for {what} at {place}",
                                 "an hour of a voice takes 115 MB at 16 kHz; set recordings.days"))  # fmt: skip
    place = _existing(ground.state)
    if not os.access(place, os.W_OK):
        found.append(fault("disk", f"{place} cannot be written", f"give it to this user: chown $(id -un) {place}"))
    else:
        found += _speed(place)
    return found or [ok("disk", f"{shutil.disk_usage(place).free >> 30} GB are free at {place}, and it is quick")]


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _speed(place: Path) -> list[Finding]:
    """Of what the store does: small writes, brought to the disk."""
    file = place / f".confserver-doctor-{os.getpid()}"
    slowest = 0.0
    try:
        with file.open("wb") as out:
            for _ in range(10):
                began = time.monotonic()
                out.write(b"x" * 16384)
                out.flush()
                os.fsync(out.fileno())
                slowest = max(slowest, time.monotonic() - began)
    except OSError as error:
        return [fault("disk", f"{place} cannot be written: {error.strerror}", "look at the disk")]
    finally:
        file.unlink(missing_ok=True)
    words, fix = f"a small write takes up to {slowest * 1000:.0f} ms", "put the state on a quicker disk"
    if slowest * 1000 > VERY_SLOW_MS:
        return [fault("disk", words, fix)]
    return [warning("disk", words, fix)] if slowest * 1000 > SLOW_MS else []


def check_limits(ground: Ground) -> list[Finding]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        return [warning("limits", f"{hard} open files at most: enough for some {max(hard // 3, 1)} calls",
                        "LimitNOFILE=65536 in the systemd unit, or ulimit -n")]  # fmt: skip
    return [ok("limits", f"{'any number of' if hard == resource.RLIM_INFINITY else hard} open files")]


def check_priority(ground: Ground) -> list[Finding]:
    """Whether media processes may run before others: tried by a child, as they do."""
    code = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"
    try:
        done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    if done.returncode == 0:
        return [ok("priority", "media processes may have real-time priority")]
    return [warning("priority", "media processes get no real-time priority: a busy machine will be heard",
                    "LimitRTPRIO=10 or CAP_SYS_NICE (scripts/install-service gives both)")]  # fmt: skip


def check_cores(ground: Ground) -> list[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = ground.settings.media.worker_count()
    if workers > cores:
        return [warning("cores", f"{workers} media processes for {cores} cores", "media.workers = 0 fits them")]
    load = os.getloadavg()[0]
    if load > 2 * cores:
        return [warning("cores", f"the machine is busy: load {load:.1f} with {cores} cores", "see what else runs here")]
    return [ok("cores", f"{cores} cores, {workers} media processes")]
