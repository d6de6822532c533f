"""``confserver backup``."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from confserver.backup import database
from confserver.backup.archive import BackupError, Manifest, Progress, Writer
from confserver.config import Settings

DATABASE = "confserver.db"
STATE, SETTINGS, PROMPTS, RECORDINGS = "state", "settings.toml", "prompts", "recordings"
PROMPT_SETS = "prompt-sets"
LEFT_OUT = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}.lock")


@dataclass(frozen=True, slots=True)
class Order:
    """What to keep, and where. ``config``: the settings file, None where there is none."""

    target: Path
    state: Path
    settings: Settings
    config: Path | None = None
    recordings: bool = False


def save(order: Order, version: str, say: Progress = lambda line: None) -> Manifest:
    """Whole or not at all; readable by its owner only. Raises BackupError."""
    source = order.state / DATABASE
    if not source.is_file():
        raise BackupError(f"{order.state}: no server has kept its state here")
    manifest = Manifest(version, time.time(), str(order.state), str(order.config or ""))
    draft = order.target.with_name(f".{order.target.name}.{secrets.token_hex(4)}")
    try:
        with tempfile.TemporaryDirectory(prefix="confserver-backup-", dir=order.target.parent) as folder:
            copied = Path(folder) / DATABASE
            database.copy(source, copied, _in_words(say))
            _write(order, draft, copied, manifest, say)
        draft.replace(order.target)
    except OSError as error:
        raise BackupError(f"{error.filename or order.target}: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
    return manifest


def _in_words(say: Progress) -> Callable[[int, int], None]:
    told = [-1]

    def progress(done: int, total: int) -> None:
        tenth = done * 10 // max(total, 1)
        if tenth != told[0]:
            told[0] = tenth
            say(f"database: {tenth * 10} %")

    return progress


def _write(order: Order, draft: Path, copied: Path, manifest: Manifest, say: Progress) -> None:
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        writer = Writer(out, manifest, is_packed=order.target.suffix in (".gz", ".tgz"))
        writer.add(f"{STATE}/{DATABASE}", copied)
        for name, path in _others(order):
            say(name)
            with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                writer.add(name, path)
        writer.close()
        out.flush()
        os.fsync(out.fileno())


def _others(order: Order) -> Iterator[tuple[str, Path]]:
    """All but the database: the name in the backup, and the file."""
    for path in sorted(order.state.iterdir()):
        if path.is_file() and not path.is_symlink() and path.name not in LEFT_OUT and not path.name.startswith("."):
            yield f"{STATE}/{path.name}", path
    if order.config is not None:
        yield SETTINGS, order.config
    sounds = order.settings.sounds
    if prompts := sounds.path(sounds.prompts):
        yield from _tree(PROMPTS, prompts)
    if sets := sounds.path(sounds.sets):
        yield from _tree(PROMPT_SETS, sets)
    if order.recordings:
        yield from _tree(RECORDINGS, order.settings.recordings_path())


def _tree(name: str, folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield f"{name}/{path.relative_to(folder).as_posix()}", path
