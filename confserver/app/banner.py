"""What people need to know when the server stands, and when it cannot."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from twisted.internet.error import CannotListenError

from confserver.config import default_state_directory


def banner(hosts: Iterable[str], port: int, url: str, state: Path) -> str:
    """``hosts``: where phones reach us, by ``port``; ``url``: of the HTTP interface."""
    best = sorted(hosts, key=lambda host: (":" in host, host.startswith("127."), host))
    at = "" if port == 5060 else f":{port}"
    dial = [f"sip:standup@{f'[{host}]' if ':' in host else host}{at}" for host in best[:4]]
    lines = ["confserver is ready. Dial a room, any name will do:", *(f"    {uri}" for uri in dial)]
    lines += [f"Rooms by script: {_command(state)}   (HTTP at {url})"]
    lines += [f"State: {state}", "Stop: Ctrl-C"]
    return "\n".join(lines)


def _command(state: Path) -> str:
    """How to ask this very server, ready to be pasted."""
    program = sys.argv[0] if os.path.basename(sys.argv[0]) == "confserver" else "confserver"
    words = [program, "rooms"]
    if state != default_state_directory():
        words += ["--state-directory", str(state)]
    return shlex.join(words)


def cannot_listen(error: CannotListenError) -> str:
    why = getattr(error.socketError, "strerror", None) or error.socketError
    return f"cannot listen on {error.interface or 'any address'} port {error.port}: {why}"
