"""Where a server of this machine can be found: the control file in its state directory."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from confserver.client.errors import NotRunning, Unauthorized

CONTROL_NAME = "control.json"
MOST_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Control:
    url: str
    token: str
    pid: int
    config: str = ""
    """Where the server's settings stand; empty: it has been given none."""


def default_state_directory() -> Path:
    """As the server has it where no setting says otherwise."""
    home = os.environ.get("XDG_STATE_HOME", "")
    base = Path(home) if os.path.isabs(home) else Path("~/.local/state").expanduser()
    return base / "confserver"


def read(directory: Path | None = None) -> Control:
    """Read the control file of a server that lives; one that others could read or have written is not trusted.

    The token is not given out for a server that is gone: somebody else may listen in its place.

    Raises NotRunning where there is none, Unauthorized where it is not for us.
    """
    path = (directory or default_state_directory()) / CONTROL_NAME
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise NotRunning(f"no server is running: there is no {path}") from None
    except OSError as error:
        raise Unauthorized(f"{path}: {error.strerror or error}; only the server's user may read it") from None
    try:
        _check(path, os.fstat(fd))
        control = _understood(path, os.read(fd, MOST_BYTES))
    finally:
        os.close(fd)
    if not _is_alive(control.pid):
        raise NotRunning(f"no server is running: that of {path}, process {control.pid}, is gone")
    return control


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return pid > 0


def _check(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise Unauthorized(f"{path}: is not a regular file")
    if found.st_uid not in (os.geteuid(), 0) and os.geteuid() != 0:
        raise Unauthorized(f"{path}: belongs to another user")
    if found.st_mode & 0o077:
        raise Unauthorized(f"{path}: others can read it (mode {stat.S_IMODE(found.st_mode):04o}); it is not used")


def _understood(path: Path, text: bytes) -> Control:
    try:
        told = json.loads(text)
        return Control(str(told["url"]), str(told["token"]), int(told["pid"]), str(told.get("config", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotRunning(f"{path}: is not a control file; start the server anew") from None
