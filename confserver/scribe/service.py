"""The scribe's one loop: it hears, and passes on to those who take their time."""

from __future__ import annotations

import os
import selectors
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from confserver.contract import (
    VERSION,
    AskScribe,
    CloseRecording,
    ConvertSound,
    DeleteRecording,
    DropName,
    KeepName,
    ListRecordings,
    NameKept,
    NameLost,
    NameTrack,
    NoteInRecording,
    OpenRecording,
    RecordId,
    RecordingDeleted,
    RecordingKept,
    RecordingsListed,
    ScribeAnswers,
    ScribeCommand,
    ScribeReady,
    SoundFailed,
    SoundReady,
    StopScribe,
)  # fmt: skip
from confserver.scribe import archive
from confserver.scribe.channel import Channel, ChannelClosed
from confserver.scribe.conversion import Unplayable
from confserver.scribe.handover import Handovers
from confserver.scribe.keeping import NotKept, Shelf
from confserver.scribe.memory import Memory
from confserver.scribe.own_names import NotKept as NameNotKept
from confserver.scribe.own_names import OwnNames
from confserver.scribe.sounds import Sounds
from confserver.scribe.speaking import SAY, Speaker
from confserver.scribe.writer import Manner, Writer

PRUNE_S = 600.0
"""How often recordings are looked for whose days are over."""
CONVERTERS = 2
"""A prompt need not wait for an hour of music."""


STOP_S = 2.0
"""So long recordings may take to be closed when the server ends; the next start does the rest."""


class Service:
    """Serves one signalling process until it stops, or its line closes."""

    def __init__(self, channel: Channel, memory: Memory, manner: Manner, names: Path) -> None:
        """``names``: where what people say as their names is kept. Raises OSError."""
        self._channel = channel
        self._sounds = Sounds(memory)
        self._speaker = Speaker(memory.path / "spoken")
        self._names = OwnNames(names)
        self._converters = ThreadPoolExecutor(CONVERTERS, "converter")
        self._keeper = ThreadPoolExecutor(1, "keeper")
        self._namer = ThreadPoolExecutor(1, "namer")
        """What is dropped after it was kept is gone."""
        self._shelf = Shelf(manner.directory)
        self._writer = Writer(manner, self._shelf, channel.say, self._keep_soon)
        self._selector = selectors.DefaultSelector()
        self._handovers = Handovers(memory.path / "socket", self._selector, self._writer)
        self._running = True
        self._next_pruning = 0.0
        self._do: dict[type, Callable[..., None]] = {
            ConvertSound: self._hand_out,
            OpenRecording: self._writer.open,
            NameTrack: self._writer.name_track,
            NoteInRecording: self._writer.note,
            CloseRecording: lambda command: self._handovers.close(command, time.monotonic()),
            ListRecordings: lambda command: self._keeper_does(self._list, command),
            DeleteRecording: lambda command: self._keeper_does(self._delete, command),
            KeepName: lambda command: self._namer_does(self._keep_name, command),
            DropName: lambda command: self._namer_does(self._drop_name, command),
            AskScribe: self._answer,
            StopScribe: self._stop,
        }

    def run(self) -> None:
        """Give the word that it stands, then serve."""
        self._selector.register(self._channel, selectors.EVENT_READ, self._hear)
        self._selector.register(self._channel.bell, selectors.EVENT_READ, self._speak)
        self._writer.start()
        self._keeper.submit(self._keep_what_is_left, self._found())
        self._next_pruning = time.monotonic()
        self._channel.say(ScribeReady(version=VERSION, pid=os.getpid(), socket=str(self._handovers.path)))
        try:
            while self._running:
                self._turn()
        except ChannelClosed:
            pass
        finally:
            self._handovers.stop()
            self._writer.stop(STOP_S)
            self._converters.shutdown(wait=False, cancel_futures=True)
            self._namer.shutdown(wait=False, cancel_futures=True)
            self._keeper.shutdown(wait=False, cancel_futures=True)

    def _turn(self) -> None:
        """Raises ChannelClosed."""
        if time.monotonic() >= self._next_pruning:
            self._next_pruning = time.monotonic() + PRUNE_S
            self._keeper.submit(self._prune)
        due = min(each for each in (self._handovers.next_deadline(), self._next_pruning) if each is not None)
        for ready, _ in self._selector.select(max(due - time.monotonic(), 0.0)):
            ready.data()
        self._handovers.fire(time.monotonic())

    def _hear(self) -> None:
        for command in self._channel.receive():
            self._obey(command)
        self._speak()

    def _obey(self, command: ScribeCommand) -> None:
        """A fault of ours costs one command."""
        try:
            self._do[type(command)](command)
        except Exception:
            print(f"confserver.scribe: fault in {type(command).__name__}", file=sys.stderr)
            traceback.print_exc()

    def _speak(self) -> None:
        """What does not fit now goes when the line takes more."""
        is_more = self._channel.send()
        self._selector.modify(
            self._channel, selectors.EVENT_READ | (selectors.EVENT_WRITE if is_more else 0), self._hear
        )

    # ------------------------------------------------------------------ commands
    def _hand_out(self, command: ConvertSound) -> None:
        self._converters.submit(self._convert, command)

    def _convert(self, command: ConvertSound) -> None:
        """In a thread of its own."""
        try:
            path = self._speaker.file_of(command.path) if command.path.startswith(SAY) else command.path
            sounds = self._sounds.lay_ready(path, command.rates, command.stereo)
            self._channel.say(SoundReady(job=command.job, sounds=sounds))
        except Unplayable as unplayable:
            self._channel.say(SoundFailed(job=command.job, reason=str(unplayable)))
        except Exception as fault:
            traceback.print_exc()
            self._channel.say(SoundFailed(job=command.job, reason=f"the scribe has failed at it: {fault}"))

    def _namer_does(self, act: Callable[..., None], command: object) -> None:
        self._namer.submit(act, command)

    def _keep_name(self, command: KeepName) -> None:
        """In a thread of its own, so too the next."""
        try:
            path = self._names.keep(command.name, command.rate_hz, command.samples)
            self._channel.say(NameKept(job=command.job, path=str(path)))
        except NameNotKept as lost:
            self._channel.say(NameLost(job=command.job, reason=str(lost)))
        except Exception as fault:
            traceback.print_exc()
            self._channel.say(NameLost(job=command.job, reason=f"the scribe has failed at it: {fault}"))

    def _drop_name(self, command: DropName) -> None:
        try:
            self._sounds.forget(str(self._names.drop(command.name)))
        except NameNotKept as trouble:
            print(f"confserver.scribe: {trouble}", file=sys.stderr)

    def _keep_soon(self, record: RecordId, name: str) -> None:
        self._keeper.submit(self._keep, record, name)

    def _keep(self, record: RecordId, name: str) -> None:
        """In the keeper's thread."""
        try:
            self._channel.say(RecordingKept(record=record, name=name, files=self._shelf.keep(name)))
        except NotKept as trouble:
            self._channel.say(RecordingKept(record=record, name=name, files=[], trouble=str(trouble)))
        except Exception:
            traceback.print_exc()
            self._channel.say(RecordingKept(record=record, name=name, files=[], trouble="the scribe has failed at it"))

    def _found(self) -> list[str]:
        """The recordings of earlier runs."""
        try:
            return self._shelf.names() if self._shelf.hold() else []
        except OSError as error:
            print(f"confserver.scribe: {self._shelf.directory}: {error.strerror}", file=sys.stderr)
            return []

    def _keep_what_is_left(self, names: list[str]) -> None:
        """Finish what an earlier run has begun; in the keeper's thread."""
        for name in names:
            try:
                if self._shelf.is_left(name):
                    self._shelf.repair(name)
                    self._keep(0, name)
            except NotKept as trouble:
                print(f"confserver.scribe: {name}: {trouble}", file=sys.stderr)

    def _keeper_does(self, act: Callable[..., None], command: object) -> None:
        self._keeper.submit(act, command)

    def _list(self, command: ListRecordings) -> None:
        """In the keeper's thread, so too the next."""
        found = archive.shown(self._shelf) if self._shelf.hold() else []
        self._channel.say(RecordingsListed(job=command.job, recordings=found))

    def _delete(self, command: DeleteRecording) -> None:
        reason = ""
        try:
            self._shelf.hold()
            archive.delete(self._shelf, command.name)
        except NotKept as trouble:
            reason = str(trouble)
        self._channel.say(RecordingDeleted(job=command.job, reason=reason))

    def _prune(self) -> None:
        try:
            for name in archive.prune(self._shelf) if self._shelf.hold() else ():
                print(f"confserver.scribe: {name}: its days are over, it is deleted", file=sys.stderr)
        except OSError as error:
            print(f"confserver.scribe: {self._shelf.directory}: {error.strerror}", file=sys.stderr)

    def _answer(self, command: AskScribe) -> None:
        counts = self._sounds.describe() | self._writer.describe()
        self._channel.say(ScribeAnswers(token=command.token, counts=counts))

    def _stop(self, _: StopScribe) -> None:
        self._running = False
