"""What these tests need: a server, and real phones where the machine has them.

Where a phone is missing its tests are skipped, and say so; with CONFSERVER_REQUIRE_CLIENTS=1 they fail (CI).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit import baresip, browser, pjsua, sipp
from tests.kit.server import Server

INSTALLED: dict[str, Callable[[], bool]] = {
    "baresip": baresip.is_installed,
    "chromium": browser.is_installed,
    "pjsua2": pjsua.is_installed,
    "sipp": sipp.is_installed,
}


def need(*phones: str) -> None:
    """Go on only with these phones."""
    missing = [phone for phone in phones if not INSTALLED[phone]()]
    if not missing:
        return
    said = f"not run: {', '.join(missing)} could not be installed here (see scripts/test)"
    if os.environ.get("CONFSERVER_REQUIRE_CLIENTS") == "1":
        pytest.fail(said)
    pytest.skip(said)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One worker, rooms on demand."""
    with Server(tmp_path) as started:
        yield started
