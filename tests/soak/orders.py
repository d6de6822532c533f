"""What administrators ask of rooms while people come and go: fifty times a second, by the table of commands.

Whose turn it is goes round; whom it is asked of is by chance among those that the event stream knows to be there,
never one of those who listen. Each answer is good, or a refusal for which there is a reason.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.soak.asking import Answer, NoAnswer, Script
from tests.soak.watching import Watch

HALL, ANNEX = "hall", "annex"
ASKERS = 8
"""At once: a change is answered when it is stored."""
STREAM_LAG_S = 1.0
Order = tuple[str, str, dict[str, Any] | None]
"""Method, path below the room (or below the participant in it), body."""

OF_ONE: tuple[Order, ...] = (
    ("POST", "mute", {}),
    ("POST", "gain", {"incoming_db": -6.0, "outgoing_db": 3.0}),
    ("POST", "unmute", {}),
    ("POST", "gain/step", {"incoming_db": 3.0}),
    ("POST", "deafen", {}),
    ("POST", "undeafen", {}),
    ("POST", "hold", {}),
    ("POST", "release", {}),
    ("POST", "hand", {}),
    ("DELETE", "hand", None),
    ("POST", "toggle-mute", {}),
    ("POST", "promote", {}),
    ("POST", "demote", {}),
)
OF_THE_ROOM: tuple[Order, ...] = (
    ("POST", "lock", {}),
    ("POST", "unlock", {}),
    ("PATCH", "", {"max_participants": 400}),
    ("PATCH", "", {"chat_replay": 3}),
    ("POST", "messages", {"text": "good evening"}),
    ("POST", "recording", {"tracks": False}),
    ("DELETE", "recording", None),
    ("GET", "", None),
)
OF_THE_ANNEX: tuple[Order, ...] = (
    ("POST", "lock", {}),
    ("POST", "unlock", {}),
    ("PATCH", "", {"mute_on_entry": True}),
    ("PATCH", "", {"mute_on_entry": False}),
    ("POST", "play", {"sounds": ["tones:450/200,0/100"]}),
    ("POST", "play/stop", {}),
    ("GET", "", None),
)
UNDONE = (("DELETE", f"{HALL}/recording"), ("POST", f"{HALL}/unlock"), ("POST", f"{ANNEX}/play/stop"))
"""In the end: what orders may have left as they were asked to."""
RIGHT: dict[str, frozenset[str]] = {
    "unlock": frozenset({"conflict"}),
    "play": frozenset({"not-open"}),
    "play/stop": frozenset({"not-found"}),
    "recording": frozenset({"conflict", "not-found"}),
    "move": frozenset({"locked", "not-open", "conflict"}),
    "hand": frozenset({"conflict", "not-found"}),
}
"""Refusals that the state of the room may ask for: it plays no more, it is recorded already, it is locked, he
has been removed a moment ago."""


@dataclass
class Tally:
    asked: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    waits_s: list[float] = field(default_factory=list)
    behind_s: float = 0.0
    """The most by which an order was asked for after its time."""
    faults: list[str] = field(default_factory=list)


class Orders:
    """Asks for ``rate`` things a second until it is closed."""

    def __init__(self, state_directory: Path, watch: Watch, rate: float, seed: int) -> None:
        self.tally = Tally()
        self._state, self._watch, self._rate = state_directory, watch, rate
        self._chance = random.Random(seed)
        self._spare = set(watch.there(HALL))
        """Those who listen."""
        self._gone: list[tuple[str, str, Answer, float, float]] = []
        self._lock = threading.Lock()
        self._began, self._number = time.monotonic(), 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(ASKERS)]
        for thread in self._threads:
            thread.start()

    def finish(self) -> Tally:
        self._stop.set()
        for thread in self._threads:
            thread.join(15)
        with closing(Script.of(self._state)) as script:
            for method, path in UNDONE:
                script.ask(method, f"/rooms/{path}")
        self._judge_the_gone()
        return self.tally

    # ------------------------------------------------------------------ asking
    def _ask_on(self) -> None:
        script = Script.of(self._state)
        try:
            while not self._stop.is_set():
                with self._lock:
                    number, self._number = self._number, self._number + 1
                at = self._began + number / self._rate
                if self._stop.wait(max(at - time.monotonic(), 0.0)):
                    return
                self.tally.behind_s = max(self.tally.behind_s, time.monotonic() - at)
                self._ask(script, number)
        except NoAnswer as error:
            self.tally.faults.append(f"no answer: {error}")
        finally:
            script.close()

    def _ask(self, script: Script, number: int) -> None:
        room, participant, (method, path, body) = self._order(number)
        where = (
            f"/rooms/{room}" + (f"/participants/{participant}" if participant else "") + (f"/{path}" if path else "")
        )
        begun = time.monotonic()
        answer = script.ask(method, where, body)
        ended = time.monotonic()
        with self._lock:
            self.tally.asked[f"{method} {path or 'the room'}"] += 1
            self.tally.waits_s.append(ended - begun)
            if not answer.is_good:
                self._take_refusal(room, participant, path, answer, begun, ended)

    def _order(self, number: int) -> tuple[str, str, Order]:
        """Of ten: six of somebody in the hall, one of the hall, two of the annex, one that moves or hangs up."""
        turn, round_ = number % 10, number // 10
        with self._lock:
            people = [each for each in self._watch.there(HALL) if each not in self._spare]
            moved = self._watch.there(ANNEX)
            one = self._chance.choice(people) if people else ""
        if turn < 6 and one:
            return HALL, one, OF_ONE[(6 * round_ + turn) % len(OF_ONE)]
        if turn == 6 and one:
            return HALL, one, ("POST", "move", {"to": ANNEX})
        if turn == 7 and moved:
            kick: Order = ("POST", "kick", {})
            return (ANNEX, moved[0], kick) if round_ % 4 == 0 else (ANNEX, moved[-1], ("POST", "move", {"to": HALL}))
        if turn == 8:
            return ANNEX, "", OF_THE_ANNEX[round_ % len(OF_THE_ANNEX)]
        return HALL, "", OF_THE_ROOM[(round_ if turn == 9 else number) % len(OF_THE_ROOM)]

    # ------------------------------------------------------------------ judging
    def _take_refusal(self, room: str, participant: str, path: str, answer: Answer, begun: float, ended: float) -> None:
        said = f"{path or 'the room'}: {answer.status} {answer.kind}"
        self.tally.refused[said] += 1
        if answer.kind in RIGHT.get(path, frozenset()):
            return
        if answer.status == 404 and participant:
            self._gone.append((room, participant, answer, begun, ended))
        else:
            self.tally.faults.append(f"{said}: {answer.told}")

    def _judge_the_gone(self) -> None:
        """Who was there when he was chosen, and was not found, must have left meanwhile, by the word of the stream."""
        for room, participant, answer, begun, ended in self._gone:
            if not has_left(self._watch.left_at[room, participant], begun, ended):
                self.tally.faults.append(f"{participant} was in {room} and was not found: {answer.told}")


def has_left(times: Sequence[float], begun: float, ended: float) -> bool:
    """Whether one of the times at which we have heard so fits a question that was not answered by him."""
    return any(begun - STREAM_LAG_S <= left <= ended + STREAM_LAG_S for left in times)
