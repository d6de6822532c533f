"""A scribe as a process of its own, and what the server and its workers do with it."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from confserver.contract import (
    CloseRecording,
    FromScribe,
    NameTrack,
    OpenRecording,
    RecordingOpened,
    ScribeReady,
    ToScribe,
    packed,
    scribe_event_unpacker,
)

PATIENCE_S = 20.0


class Scribe:
    def __init__(self, directory: Path, *words: str) -> None:
        self.directory = directory
        self.heard: list[FromScribe] = []
        self._unpacker = scribe_event_unpacker()
        self.line, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "confserver.scribe", "--fd", str(theirs.fileno()), "--recordings",
                 str(directory), "--names", str(directory.parent / "names"), *words],
                pass_fds=[theirs.fileno()],
            )  # fmt: skip
        self.socket = self.wait_for(ScribeReady).socket

    def __enter__(self) -> Scribe:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()
        try:
            self.process.wait(5)
        finally:
            self.process.kill()

    def say(self, *commands: ToScribe) -> None:
        for command in commands:
            self.line.sendall(packed(command))

    def read(self, seconds: float) -> None:
        self.line.settimeout(seconds)
        try:
            self.heard += self._unpacker.feed(self.line.recv(1 << 16))
        except TimeoutError:
            pass

    def wait_for(self, kind: type, so: Callable[[FromScribe], object] = bool) -> FromScribe:
        end = time.monotonic() + PATIENCE_S
        while not (found := [event for event in self.heard if isinstance(event, kind) and so(event)]):
            assert time.monotonic() < end, f"no {kind.__name__} among {self.heard}"
            self.read(0.1)
        return found[0]

    def open(self, record: int, at: float, room: str = "standup", **names: str) -> str:
        """Begin a recording; names: who is on leg 1, 2 and so on. Gives its name."""
        self.say(OpenRecording(record=record, room=room, at=at))
        for leg, (participant, name) in enumerate(names.items(), 1):
            self.say(NameTrack(record=record, leg=leg, participant=participant, name=name))
        return self.wait_for(RecordingOpened, lambda event: event.record == record).name

    def close(self, record: int, at: float) -> None:
        self.say(CloseRecording(record=record, at=at, cause="ended by script"))

    def timeline(self, name: str) -> dict:
        return json.loads((self.directory / f"{name}.json").read_text())

    def fill_disk(self, most_bytes: int) -> None:
        """No file can grow beyond this any more."""
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (most_bytes, hard))

    def kill(self) -> None:
        os.kill(self.process.pid, 9)
        self.process.wait(5)
