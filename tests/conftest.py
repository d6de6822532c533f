"""Order of the tests: fast ones first, then the slow ones, then those with real phones.

Properties have no deadline for one example: how long it takes is the machine's affair, and others work on it too.

What plays in real time (real servers, real phones, benches) is tried again, twice at most, where it fails: a virtual
machine that stands still for a fifth of a second looks to a phone like a server that does. What had to be tried again
is listed at the end of the run (RERUN); who fails three times has failed. What is virtual is never tried again.
"""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

MOST_RERUNS = 2
settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # and what is started here inherits it


def _weight(item: pytest.Item) -> int:
    return 2 if item.get_closest_marker("interop") else 1 if item.get_closest_marker("slow") else 0


def _is_real(item: pytest.Item) -> bool:
    """Whether the clock on the wall has a say in it."""
    return bool(_weight(item)) and "tests/engine/" not in item.nodeid


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_weight)
    for item in items:
        if _is_real(item):
            item.add_marker(pytest.mark.flaky(reruns=MOST_RERUNS, reruns_delay=1))
