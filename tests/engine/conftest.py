"""Engines are large and hold circles: what a test has left is freed before too many are there at once."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator

import pytest

EVERY = 8
_ended = itertools.count(1)


@pytest.fixture(autouse=True)
def _freed() -> Iterator[None]:
    yield
    if next(_ended) % EVERY == 0:
        gc.collect()
