"""How a rule of rooms is written: a field with the words that people read about it."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def rule(default: Any, words: str, *, secret: bool = False, hashes: bool | None = None) -> Any:
    """One rule. ``words``: what it says to people; ``secret``: shown to administrators and moderators only.

    ``hashes``: False for what cannot.
    """
    return field(default=default, hash=hashes, metadata={"help": words, "secret": secret})
