"""``confserver restore``: everything is checked before anything is touched, and what was there is kept aside."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from confserver.backup import database
from confserver.backup.archive import BackupError, Manifest, unpack
from confserver.backup.saving import DATABASE, RECORDINGS, SETTINGS, STATE

RESTORED = "restored"
"""Where in the state directory lies what has no place of its own there."""
LOCK = f"{DATABASE}.lock"


@dataclass(frozen=True, slots=True)
class Order:
    """``config``: the settings file to be written, None to leave it; ``only_check``: nothing is changed."""

    source: Path
    state: Path
    config: Path | None = None
    only_check: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    manifest: Manifest
    aside: Path | None
    """Where what was there is now; None: there was nothing, or nothing was changed."""
    notes: tuple[str, ...] = ()


def restore(order: Order, migrate: Callable[[Database], object]) -> Outcome:
    """``migrate`` brings the tables to this version and raises what says that they are newer. Raises BackupError."""
    try:
        order.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(order.state):
            draft = order.state / f".restoring-{secrets.token_hex(4)}"
            draft.mkdir(mode=0o700)
            try:
                manifest = _checked(order, draft, migrate)
                if order.only_check:
                    return Outcome(manifest, None)
                return _put_in_place(order, draft, manifest)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise BackupError(f"{error.filename or order.source}: {error.strerror or error}") from None


@contextlib.contextmanager
def _locked(state: Path) -> Iterator[None]:
    """As a running server does; neither can begin while the other goes on."""
    descriptor = os.open(state / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"{state}: a server is running on it; stop it first") from None
        yield
    finally:
        os.close(descriptor)


def _checked(order: Order, draft: Path, migrate: Callable[[Database], object]) -> Manifest:
    try:
        manifest = unpack(order.source, draft)
        copied = draft / STATE / DATABASE
        if not copied.is_file():
            raise BackupError("holds no database")
        database.check(copied)
        _migrate(copied, migrate)
    except BackupError as error:
        raise BackupError(f"{order.source}: {error}") from None
    return manifest


def _migrate(path: Path, migrate: Callable[[Database], object]) -> None:
    db = Database(path)
    try:
        migrate(db)
    except Exception as error:  # whatever a stranger's function raises
        raise BackupError(f"its database cannot be used: {error}") from None
    finally:
        db.close()


def _put_in_place(order: Order, draft: Path, manifest: Manifest) -> Outcome:
    """By renaming within the state directory; undone if one fails."""
    stamp = time.strftime("%Y%m%dT%H%M%S") + f"-{secrets.token_hex(2)}"
    aside = order.state / f"before-{stamp}"
    old = [path for path in order.state.iterdir() if _is_replaced(path, draft)]
    notes: list[str] = []
    with contextlib.ExitStack() as undo:
        if old:
            aside.mkdir(mode=0o700)
            undo.callback(_unmade, aside)
        for path in old:
            _move(path, aside / path.name, undo)
        for path in [*(draft / STATE).iterdir(), *_recordings(order, draft)]:
            _move(path, order.state / path.name, undo)
        if order.config is not None and (draft / SETTINGS).is_file():
            notes += _put_settings(order.config, draft / SETTINGS, stamp, undo)
        rest = [path for path in draft.iterdir() if path.name != STATE]
        if rest:
            notes += _put_rest(order.state / RESTORED, rest, undo)
        undo.pop_all()
    return Outcome(manifest, aside if old else None, tuple(notes))


def _is_replaced(path: Path, draft: Path) -> bool:
    """Recordings stay where the backup has none; so does what earlier restores have kept."""
    if path == draft or path.name == LOCK or path.name.startswith("before-"):
        return False
    return path.name != RECORDINGS or (draft / RECORDINGS).is_dir()


def _recordings(order: Order, draft: Path) -> list[Path]:
    return [path for path in [draft / RECORDINGS] if path.is_dir()]


def _put_settings(config: Path, new: Path, stamp: str, undo: contextlib.ExitStack) -> list[str]:
    notes = []
    if config.exists():
        kept = config.with_name(f"{config.name}.before-{stamp}")
        _move(config, kept, undo)
        notes.append(f"the settings that were there are {kept}")
    undo.callback(lambda: config.unlink(missing_ok=True))
    shutil.copyfile(new, config)
    config.chmod(0o600)
    new.unlink()
    return notes


def _put_rest(folder: Path, rest: list[Path], undo: contextlib.ExitStack) -> list[str]:
    folder.mkdir(mode=0o700, exist_ok=True)
    for path in rest:
        _move(path, folder / path.name, undo)
    names = ", ".join(sorted(path.name for path in rest))
    return [f"{names}: in {folder}, to be put where you want it"]


def _move(path: Path, to: Path, undo: contextlib.ExitStack) -> None:
    path.rename(to)
    undo.callback(lambda: to.rename(path))


def _unmade(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
