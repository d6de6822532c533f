"""How much of a long test is done: all of it where CONFSERVER_WHOLE is set, else enough for each change."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")
IS_WHOLE = bool(os.environ.get("CONFSERVER_WHOLE"))


def whole(everything: T, part: T) -> T:
    return everything if IS_WHOLE else part
