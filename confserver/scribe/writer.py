"""The thread that writes recordings: a disk that keeps it waiting keeps nobody else."""

from __future__ import annotations

import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from confserver.contract import (
    CloseRecording,
    FromScribe,
    NameTrack,
    NoteInRecording,
    OpenRecording,
    RecordId,
    RecordingClosed,
    RecordingFailed,
    RecordingOpened,
)  # fmt: skip
from confserver.contract.recording import Heard
from confserver.scribe.keeping import Shelf, in_words
from confserver.scribe.recording import Recording
from confserver.scribe.timeline import Note

FLUSH_S = 1.0
"""A crash costs so much of a recording at most."""
MOST_WAITING_BYTES = 256 * 1024 * 1024

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Manner:
    """How recordings are made: settings."""

    directory: Path
    format: str = "wav"
    rate_hz: int = 0
    """0: the room's when it begins."""


class Writer:
    """All but ``run`` may be asked of by another thread, and only leaves word. What fails is told at once."""

    def __init__(
        self, manner: Manner, shelf: Shelf, say: Callable[[FromScribe], None], keep: Callable[[RecordId, str], None]
    ) -> None:
        """``keep`` is told of recordings that are closed."""
        self._manner = manner
        self._shelf = shelf
        self._say = say
        self._keep = keep
        self._recordings: dict[RecordId, Recording] = {}
        self._queue: queue.SimpleQueue[tuple[Callable[..., None], RecordId, object, int] | None] = queue.SimpleQueue()
        self._open: set[RecordId] = set()
        self._waiting_bytes = 0
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self.run, name="writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, most_s: float) -> None:
        """Close all that is open."""
        self._queue.put(None)
        self._thread.join(most_s)

    def is_open(self, record: RecordId) -> bool:
        """Whether it takes sound: not any more once it has failed."""
        return record in self._open

    # ------------------------------------------------------------------ word left by others
    def open(self, command: OpenRecording) -> None:
        self._open.add(command.record)
        self._leave(self._make, command.record, command)

    def open_stream(self, record: RecordId) -> None:
        self._leave(self._do, record, Recording.open_stream)

    def hear(self, record: RecordId, heard: Heard) -> None:
        size = len(heard.mix) + sum(map(len, heard.tracks.values()))
        if self._waiting_bytes + size > MOST_WAITING_BYTES:
            self._leave(self._fail, record, "the disk is too slow")
        else:
            self._leave(self._do, record, lambda recording: recording.hear(heard), size)

    def name_track(self, word: NameTrack) -> None:
        self._leave(
            self._do, word.record, lambda recording: recording.name_track(word.leg, word.participant, word.name)
        )

    def note(self, word: NoteInRecording) -> None:
        note = Note(word.at, word.what, word.participant, word.by)
        self._leave(self._do, word.record, lambda recording: recording.note(note))

    def close(self, command: CloseRecording) -> None:
        self._open.discard(command.record)
        self._leave(self._close, command.record, command)

    def _leave(self, act: Callable[..., None], record: RecordId, what: object, size: int = 0) -> None:
        with self._guard:
            self._waiting_bytes += size
        self._queue.put((act, record, what, size))

    # ------------------------------------------------------------------ the thread
    def run(self) -> None:
        due = time.monotonic() + FLUSH_S
        while True:
            try:
                item = self._queue.get(timeout=max(due - time.monotonic(), 0.0))
            except queue.Empty:
                due = time.monotonic() + FLUSH_S
                self._flush()
                continue
            if item is None:
                break
            self._act(*item)
            if time.monotonic() > due:
                due = time.monotonic() + FLUSH_S
                self._flush()
        for recording in list(self._recordings.values()):
            self._try(recording.id, lambda recording=recording: recording.close(_end_of(recording), "the server ends"))  # type: ignore[misc]

    def _act(self, act: Callable[..., None], record: RecordId, what: object, size: int) -> None:
        with self._guard:
            self._waiting_bytes -= size
        self._try(record, lambda: act(record, what))

    def _try(self, record: RecordId, act: Callable[[], None]) -> None:
        """Whatever goes wrong costs one recording."""
        try:
            act()
        except (OSError, ValueError) as error:
            self._fail(record, in_words(error))
        except Exception as fault:
            print("confserver.scribe: fault in a recording", file=sys.stderr)
            traceback.print_exc()
            self._fail(record, f"the scribe has failed at it: {fault}")

    def _flush(self) -> None:
        now = time.monotonic()
        for recording in list(self._recordings.values()):
            self._try(recording.id, lambda recording=recording: recording.flush(now))  # type: ignore[misc]

    def _make(self, record: RecordId, command: OpenRecording) -> None:
        manner = self._manner
        recording = Recording(
            record, command.room, command.at, manner.directory, format=manner.format, rate_hz=manner.rate_hz,
            keep_days=command.keep_days,
        )  # fmt: skip
        self._shelf.hold()
        self._recordings[record] = recording
        self._say(RecordingOpened(record=record, name=recording.name))

    def _do(self, record: RecordId, act: Callable[[Recording], None]) -> None:
        recording = self._recordings.get(record)
        if recording is not None:
            act(recording)

    def _close(self, record: RecordId, command: CloseRecording) -> None:
        recording = self._recordings.get(record)
        if recording is None:
            return
        recording.close(command.at, command.cause)
        del self._recordings[record]
        self._say(RecordingClosed(record=record, name=recording.name, seconds=recording.seconds, files=recording.files))
        self._keep(record, recording.name)

    def _fail(self, record: RecordId, reason: str) -> None:
        self._open.discard(record)
        recording = self._recordings.pop(record, None)
        if recording is not None:
            recording.give_up(_end_of(recording), reason)
        self._say(RecordingFailed(record=record, reason=reason))

    def describe(self) -> dict[str, float]:
        return {"recordings": len(self._recordings), "waiting_bytes": self._waiting_bytes}


def _end_of(recording: Recording) -> float:
    timeline = recording.timeline
    return timeline.stretches[-1].ends_at if timeline.stretches else timeline.asked_at
