"""What all checks are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confserver.client import Client, ClientError, NotRunning, control
from confserver.config import Settings


@dataclass(frozen=True, slots=True)
class Ground:
    """``status``: what the running server says of itself, None where none runs; ``trouble``: why it says nothing."""

    settings: Settings
    state: Path
    config: Path | None = None
    status: Mapping[str, Any] | None = None
    trouble: str = ""
    addresses: tuple[str, ...] = field(default=())
    """Of this machine."""
    unread: str = ""
    """Why the settings are not those of the running server."""

    @property
    def is_running(self) -> bool:
        return self.status is not None


def survey(settings: Settings, state: Path, config: Path | None, unread: str = "") -> Ground:
    """Look around: is a server running, and which addresses has the machine?"""
    from confserver.transports.addresses import local_addresses

    status: Mapping[str, Any] | None = None
    trouble = ""
    try:
        status = Client.local(state, timeout=5).status()
    except NotRunning:
        pass
    except ClientError as error:
        trouble = str(error)
    return Ground(settings, state, config, status, trouble, tuple(local_addresses()), unread)


def settings_of_running(state: Path) -> Path | None:
    """The settings file of the server that runs on a state directory; None where none runs, or it has none."""
    try:
        config = control.read(state).config
    except ClientError:
        return None
    return Path(config) if config else None
