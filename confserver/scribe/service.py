"""The scribe's one loop: it hears, and passes on to those who take their time."""

from __future__ import annotations

import os
import selectors
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from confserver.contract import (
    VERSION,
    AskScribe,
    ConvertSound,
    ScribeAnswers,
    ScribeCommand,
    ScribeReady,
    SoundFailed,
    SoundReady,
    StopScribe,
)  # fmt: skip
from confserver.scribe.channel import Channel, ChannelClosed
from confserver.scribe.conversion import Unplayable
from confserver.scribe.memory import Memory
from confserver.scribe.sounds import Sounds

CONVERTERS = 2
"""A prompt need not wait for an hour of music."""


class Service:
    """Serves one signalling process until it stops, or its line closes."""

    def __init__(self, channel: Channel, memory: Memory) -> None:
        self._channel = channel
        self._sounds = Sounds(memory)
        self._converters = ThreadPoolExecutor(CONVERTERS, "converter")
        self._selector = selectors.DefaultSelector()
        self._running = True
        self._do: dict[type, Callable[..., None]] = {
            ConvertSound: self._hand_out,
            AskScribe: self._answer,
            StopScribe: self._stop,
        }

    def run(self) -> None:
        """Give the word that it stands, then serve."""
        self._selector.register(self._channel, selectors.EVENT_READ, self._hear)
        self._selector.register(self._channel.bell, selectors.EVENT_READ, self._speak)
        self._channel.say(ScribeReady(version=VERSION, pid=os.getpid(), socket=""))
        try:
            while self._running:
                for ready, _ in self._selector.select():
                    ready.data()
        except ChannelClosed:
            pass
        finally:
            self._converters.shutdown(wait=False, cancel_futures=True)

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
            sounds = self._sounds.lay_ready(command.path, command.rates, command.stereo)
            self._channel.say(SoundReady(job=command.job, sounds=sounds))
        except Unplayable as unplayable:
            self._channel.say(SoundFailed(job=command.job, reason=str(unplayable)))
        except Exception as fault:
            traceback.print_exc()
            self._channel.say(SoundFailed(job=command.job, reason=f"the scribe has failed at it: {fault}"))

    def _answer(self, command: AskScribe) -> None:
        self._channel.say(ScribeAnswers(token=command.token, counts=self._sounds.describe()))

    def _stop(self, _: StopScribe) -> None:
        self._running = False
