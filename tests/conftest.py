"""Order of the tests: fast ones first, then the slow ones, then those with real phones."""

from __future__ import annotations

import pytest


def _weight(item: pytest.Item) -> int:
    return 2 if item.get_closest_marker("interop") else 1 if item.get_closest_marker("slow") else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_weight)
