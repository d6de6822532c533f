"""News for a feed, of what is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from confserver.admin.feed import News


def news_of(told: Mapping[str, Any]) -> News:
    return News(told["type"], told["room"], told["at"], len(json.dumps(told)) + 100, told, lambda told: told)
