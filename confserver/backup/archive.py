"""The file itself: a tar whose last member says what the others are."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

MANIFEST = "manifest.json"
FORMAT = 1
MOST_MEMBERS = 1_000_000
MOST_MANIFEST_BYTES = 256 << 20
CHUNK = 1 << 20
Progress = Callable[[str], object]


class BackupError(Exception):
    """It cannot be done; one line for the administrator."""


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    bytes: int
    sha256: str


@dataclass(slots=True)
class Manifest:
    """What is in a backup, and where it came from."""

    version: str
    made_at: float
    state_directory: str
    settings: str = ""
    format: int = FORMAT
    files: list[Entry] = field(default_factory=list)

    @classmethod
    def read(cls, text: bytes) -> Manifest:
        """Raises BackupError."""
        try:
            found = json.loads(text)
            files = [Entry(str(row["name"]), int(row["bytes"]), str(row["sha256"])) for row in found.pop("files")]
            manifest = cls(**found, files=files)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise BackupError("its manifest makes no sense") from None
        if manifest.format != FORMAT:
            raise BackupError(f"it has the format {manifest.format!r}, and this version reads {FORMAT}")
        return manifest


class Writer:
    """Files are read once; one that gets longer meanwhile (a recording) is kept as long as it was."""

    def __init__(self, file: IO[bytes], manifest: Manifest, *, is_packed: bool) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w:gz" if is_packed else "w")  # noqa: SIM115 (see close)
        self._manifest = manifest

    def add(self, name: str, path: Path) -> None:
        """Raises OSError, or BackupError for a file that gets shorter."""
        with path.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            hashing = _Hashing(opened, size)
            try:
                self._tar.addfile(_member(name, size), hashing)
            except OSError as error:
                if "unexpected end" in str(error):
                    raise BackupError(f"{path}: has become shorter meanwhile") from None
                raise
        self._manifest.files.append(Entry(name, size, hashing.digest()))

    def close(self) -> None:
        text = json.dumps(asdict(self._manifest), indent=1).encode()
        self._tar.addfile(_member(MANIFEST, len(text)), io.BytesIO(text))
        self._tar.close()


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(time.time())
    return member


class _Hashing:
    """A file that is read at most so far, and its digest."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left, self._hash = file, size, hashlib.sha256()

    def read(self, count: int = -1) -> bytes:
        data = self._file.read(min(count, self._left) if count >= 0 else self._left)
        self._left -= len(data)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        return self._hash.hexdigest()


def unpack(path: Path, folder: Path) -> Manifest:
    """Unpack all into an empty folder, and check each against the manifest. Raises BackupError or OSError."""
    found: dict[str, Entry] = {}
    text = b""
    try:
        with tarfile.open(path, "r:*") as tar:
            for member in _members(tar):
                data = tar.extractfile(member)
                assert data is not None
                if member.name == MANIFEST:
                    if member.size > MOST_MANIFEST_BYTES:
                        raise BackupError("its manifest is too long")
                    text = data.read()
                else:
                    found[member.name] = _unpacked(member, data, folder)
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"is no backup, or not whole: {error}") from None
    if not text:
        raise BackupError("is no backup, or not whole: it has no manifest")
    manifest = Manifest.read(text)
    _compare(manifest, found)
    return manifest


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Plain files under plain names, each once: nothing else is in a backup of ours. Raises BackupError."""
    seen: set[str] = set()
    for count, member in enumerate(tar):
        name = PurePosixPath(member.name)
        is_plain = member.isreg() and not name.is_absolute() and ".." not in name.parts and name.parts
        if not is_plain or member.name in seen or count >= MOST_MEMBERS or "\x00" in member.name:
            raise BackupError(f"holds what no backup does: {member.name[:80]!r}")
        seen.add(member.name)
        yield member


def _unpacked(member: tarfile.TarInfo, data: IO[bytes], folder: Path) -> Entry:
    place = folder / member.name
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hashed = hashlib.sha256()
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        while chunk := data.read(CHUNK):
            hashed.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return Entry(member.name, member.size, hashed.hexdigest())


def _compare(manifest: Manifest, found: dict[str, Entry]) -> None:
    told = {entry.name: entry for entry in manifest.files}
    for name in sorted(told.keys() | found.keys()):
        if told.get(name) != found.get(name):
            what = (
                "is missing" if name not in found else "is not as it was" if name in told else "is not in its manifest"
            )
            raise BackupError(f"is damaged: {name} {what}")


def describe(manifest: Manifest) -> dict[str, Any]:
    return {
        "version": manifest.version,
        "made_at": manifest.made_at,
        "state_directory": manifest.state_directory,
        "files": len(manifest.files),
        "bytes": sum(entry.bytes for entry in manifest.files),
    }
