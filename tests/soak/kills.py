"""The signalling process is killed in the midst of writes, again and again: what was answered must be there.

Several scripts make, change and remove rooms, profiles, users, tokens and rows of the route table by HTTP and note each
answer. After a kill the database must be whole as it lies there; then the server starts on it, and everything must be
as the scripts were told: nothing lost, nothing that was taken away back again, and what was not answered made as a
whole or not at all.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import statistics
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit.server import Server
from tests.soak.asking import Script
from tests.soak.changes import Key, State, Writer, things

WRITERS = 8
"""More than one, so that several changes share a commit."""
SOONEST_S, LATEST_S = 0.1, 0.8
"""A kill comes so long after the writes have begun."""
COMMIT_S = 0.5
"""Within which the next commit comes; every other kill waits for one."""
MOST_START_S = 15.0


@dataclass
class Report:
    kills: int = 0
    answered: int = 0
    """Changes that were answered, and so must be there."""
    unanswered: int = 0
    made: int = 0
    """Of those: made all the same."""
    rooms_back: int = 0
    starts_s: list[float] = field(default_factory=list)
    """From the start of the process until its workers were ready."""
    faults: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, str]:
        starts = self.starts_s or [0.0]
        return {
            "kills": str(self.kills),
            "changes answered": str(self.answered),
            "changes without an answer": f"{self.unanswered}, of which {self.made} were made",
            "rooms that came back": str(self.rooms_back),
            "start, median and longest": f"{statistics.median(starts):.1f} s, {max(starts):.1f} s",
            "faults": str(len(self.faults)),
        }

    def trouble(self) -> str:
        if self.faults:
            return f"{len(self.faults)} faults; the first: " + "\n".join(self.faults[:5])
        if not self.answered:
            return "no change was answered"
        if self.starts_s and max(self.starts_s) > MOST_START_S:
            return f"a start took {max(self.starts_s):.1f} s"
        return ""


def soak(count: int, seed: int, folder: Path) -> Report:
    """Kill a server of our own so often."""
    report = Report()
    chance = random.Random(seed)
    writers = [Writer(f"w{number}", random.Random(f"{seed} {number}")) for number in range(WRITERS)]
    with Server(folder, http={"requests": 0, "failures": 0}) as server:
        for _ in range(count):
            _write_and_kill(server, writers, chance.uniform(SOONEST_S, LATEST_S), in_a_commit=report.kills % 2 == 1)
            report.kills += 1
            _check_database(server.state_directory, report)
            began = time.monotonic()
            server.start()
            report.starts_s.append(time.monotonic() - began)
            with closing(Script.of(server.state_directory)) as script:
                _compare(script, writers, report)
            _check_tokens(server.state_directory, writers, report)
    report.answered = sum(writer.answered for writer in writers)
    return report


def _write_and_kill(server: Server, writers: list[Writer], after_s: float, in_a_commit: bool) -> None:
    stop = threading.Event()
    scripts = [Script.of(server.state_directory) for _ in writers]
    threads = [
        threading.Thread(target=writer.write, args=(script, stop.is_set), daemon=True)
        for writer, script in zip(writers, scripts, strict=True)
    ]
    for thread in threads:
        thread.start()
    time.sleep(after_s)
    if in_a_commit:
        _wait_for_a_commit(server.state_directory / "confserver.db-wal")
    server.kill()
    stop.set()
    for thread in threads:
        thread.join(15)
        assert not thread.is_alive(), "a request has no end"
    for script in scripts:
        script.close()


def _wait_for_a_commit(log: Path) -> None:
    """Until the store's log is being written, so that what follows comes in the midst of it."""
    end, before = time.monotonic() + COMMIT_S, log.stat().st_mtime_ns
    while log.stat().st_mtime_ns == before and time.monotonic() < end:
        pass


def _check_database(state: Path, report: Report) -> None:
    """Of a copy, so that the server itself has to mend what there is to mend."""
    with tempfile.TemporaryDirectory() as aside:
        for each in state.glob("confserver.db*"):
            shutil.copy(each, aside)
        with closing(sqlite3.connect(Path(aside) / "confserver.db")) as found:
            told = [row[0] for row in found.execute("PRAGMA integrity_check")]
    if told != ["ok"]:
        report.faults.append(f"the database is broken: {told[:3]}")


def compared(model: dict[Key, State], open_change: tuple[Key, State] | None, found: dict[Key, State]) -> list[str]:
    """What is not as it was told; the change that was not answered may be or not be."""
    faults = []
    for key in model.keys() | found.keys():
        allowed = [model.get(key)]
        if open_change is not None and open_change[0] == key:
            allowed.append(open_change[1])
        if found.get(key) not in allowed:
            faults.append(f"{key[0]} {key[1]}: {found.get(key)}, told was {allowed}")
    return faults


def _compare(script: Script, writers: list[Writer], report: Report) -> None:
    found = things(script)
    strangers = [key for key in found if not key[1].startswith(tuple(f"{each.name}-" for each in writers))]
    report.faults += [f"nobody has made {kind} {name}" for kind, name in strangers]
    for writer in writers:
        own = {key: state for key, state in found.items() if key[1].startswith(f"{writer.name}-")}
        open_change = writer.unanswered
        report.faults += writer.wrong
        told = (open_change.key, open_change.after) if open_change else None
        report.faults += compared(writer.model, told, own)
        if open_change is not None:
            report.unanswered += 1
            report.made += own.get(open_change.key) == open_change.after != writer.model.get(open_change.key)
            writer.secrets.pop(open_change.key[1], None)
        writer.model, writer.unanswered, writer.wrong = dict(own), None, []
    _check_rooms(script, found, report)


def _check_rooms(script: Script, found: dict[Key, State], report: Report) -> None:
    """Each is there with what it and its profile say."""
    shown = {room["name"]: room for room in script.ask("GET", "/rooms").told}
    for (kind, name), state in found.items():
        if kind != "rooms" or state is None:
            continue
        profile = found.get(("profiles", state["profile"]))
        said = {**(profile["rules"] if profile else {}), **state["rules"]}
        room = shown.get(name)
        if room is None or not room["persistent"] or any(room[rule] != value for rule, value in said.items()):
            report.faults.append(f"the room {name} has not come back with {said}: {room}")
        report.rooms_back += room is not None


def _check_tokens(state: Path, writers: list[Writer], report: Report) -> None:
    """Who was given a right has it still."""
    for writer in writers:
        for holder, secret in writer.secrets.items():
            if writer.model.get(("tokens", holder)) is None:
                continue
            with closing(Script.of(state, secret)) as script:
                answer = script.ask("GET", "/rooms")
            if answer.status != 200:
                report.faults.append(f"the token of {holder} is not taken any more: {answer.status}")
