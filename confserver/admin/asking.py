"""Whom the command line asks, and how: for all verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Where:
    """Which server is meant: a URL, or the one of this state directory (None: the default one)."""

    server: str | None
    token: str
    state_directory: Path | None


Ask = Callable[[Where, str, str, Mapping[str, object]], Any]
"""Method, path and body to the JSON of the answer; a refusal becomes a click.ClickException of one line."""
