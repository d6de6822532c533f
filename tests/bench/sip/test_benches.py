"""The benches of signalling, small, on a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
@pytest.mark.alone
def test_set_up_is_measured_beside_other_work() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "confserver.bench", "beside", "--legs", "20", "--seconds", "1", "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [quiet, loud, busy] = json.loads(done.stdout)["benches"]["beside"]["rows"]
    assert (quiet["failed"], loud["failed"], busy["failed"]) == (0, 0, 0), done.stderr
    assert 0 < quiet["set-up p50 ms"] < 1000
    assert loud["beside"] == "20 legs in rooms of 10" and int(busy["beside"].split()[0]) > 0
