"""A directory in memory that is this process's alone, and goes with it, at the latest when the next one starts."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "confserver-scribe-"
IN_MEMORY = Path("/dev/shm")
_LOCK = "lock"


class Memory:
    """Holds the directory by a lock that ends with the process, whichever way that goes."""

    def __init__(self, parent: Path | None = None) -> None:
        """``parent``: where it is made; in memory where the system has such a place. Raises OSError."""
        parent = parent or (IN_MEMORY if os.access(IN_MEMORY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir()))
        _sweep(parent)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    @property
    def free_bytes(self) -> int:
        told = os.statvfs(self.path)
        return told.f_bavail * told.f_frsize

    def close(self) -> None:
        """Remove it with all that is in it; who has mapped a file keeps what he has."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _sweep(parent: Path) -> None:
    """Remove what dead processes of ours have left behind."""
    for left in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if left.stat().st_uid == os.getuid() and _is_dead(left):
                shutil.rmtree(left, ignore_errors=True)


def _is_dead(directory: Path) -> bool:
    """Whether nobody holds its lock. One without a lock is just being made. Raises OSError."""
    lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
