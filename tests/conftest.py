"""Order of the tests: fast ones first, then the slow ones, then those with real phones.

Properties have no deadline for one example: how long it takes is the machine's affair, and others work on it too.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")


def _weight(item: pytest.Item) -> int:
    return 2 if item.get_closest_marker("interop") else 1 if item.get_closest_marker("slow") else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_weight)
