"""Who may administer: whoever can read the control file.

``control.json`` in the state directory holds the HTTP interface's URL, the token it wants, the server's process id and
where its settings stand. It belongs to the server's user and nobody else can read it, not even for the moment of its
making. The token is made at the first start and kept; remove the file while the server is stopped, and the next start
makes a new one.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

CONTROL_NAME = "control.json"
TOKEN_BYTES = 32
MOST_BYTES = 16 * 1024


class AccessError(Exception):
    """The control file cannot be used; its text is one line for the administrator."""


@dataclass(frozen=True, slots=True)
class Control:
    """How to reach a server, and with what right."""

    url: str
    token: str
    pid: int
    config: str = ""
    """Where its settings stand; empty: it has been given none."""


def url_of(endpoint: tuple[str, int] | Path) -> str:
    """Word an endpoint as the control file does; a socket's path is percent-encoded after ``http+unix://``."""
    if isinstance(endpoint, Path):
        return "http+unix://" + quote(str(endpoint))
    host, port = endpoint
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def kept_token(directory: Path) -> str:
    """Give the token of the last start, or a new one at the first. Raises AccessError."""
    try:
        return read_control(directory).token
    except FileNotFoundError:
        return secrets.token_urlsafe(TOKEN_BYTES)


def is_token(given: str, token: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode(errors="replace"), token.encode())


def write_control(directory: Path, control: Control) -> Path:
    """Put the control file in its place, whole or not at all; nobody else can read it at any moment.

    Makes the directory where there is none. Raises AccessError.
    """
    path = directory / CONTROL_NAME
    draft = directory / f".{CONTROL_NAME}.{secrets.token_hex(8)}"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(asdict(control), file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink()
    except OSError as error:
        raise AccessError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path


def read_control(directory: Path) -> Control:
    """Read the control file. Raises FileNotFoundError, or AccessError where it is not ours alone or makes no sense."""
    path = directory / CONTROL_NAME
    try:
        text = _read_private(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise AccessError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        found = json.loads(text)
        control = Control(str(found["url"]), str(found["token"]), int(found["pid"]), str(found.get("config", "")))
    except (ValueError, KeyError, TypeError):
        raise AccessError(f"{path}: is not a control file; remove it, and the next start makes a new one") from None
    if len(control.token) < TOKEN_BYTES:
        raise AccessError(f"{path}: its token is too short; remove the file, and the next start makes a new one")
    return control


def _read_private(path: Path) -> bytes:
    """Read a small regular file that belongs to us and to nobody else; checked on what is open, not on its name."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise AccessError(f"{path}: is not a regular file")
        if found.st_uid != os.geteuid():
            raise AccessError(f"{path}: belongs to another user")
        if found.st_mode & 0o077:
            mode = f"{stat.S_IMODE(found.st_mode):04o}"
            raise AccessError(
                f"{path}: others can read it (mode {mode}); remove it, and the next start makes a new token"
            )
        return os.read(fd, MOST_BYTES)
    finally:
        os.close(fd)
