"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def model_of(text: str) -> str:
    """/proc/cpuinfo -> the processor's name; "" where it does not say."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return ""


def machine() -> str:
    """One line: cores, processor, system, and how busy it has been for a minute."""
    try:
        model = model_of(CPUINFO.read_text("utf-8", "replace"))
    except OSError:
        model = ""
    words = [f"{os.cpu_count()} cores", model or platform.machine(), f"{platform.system()} {platform.release()}",
             f"Python {platform.python_version()}", f"load average before {os.getloadavg()[0]:.1f}"]  # fmt: skip
    return ", ".join(words)
