"""The event stream as a reader keeps it: every number in its turn, and who is in which room by its word."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Key = tuple[str, str]
"""A room and a participant."""


class Account:
    """What the events say, one after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.last = -1
        self._numbers: dict[str, int] = {}
        self.present: dict[Key, str] = {}
        """Who is there, with his name."""
        self.parting: set[Key] = set()
        """Who has been removed, and hears so before he leaves."""
        self.left_at: defaultdict[Key, list[float]] = defaultdict(list)
        """time.monotonic() of when we have heard that somebody is gone; who is moved may come back, and go again."""
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []

    def there(self, room: str) -> list[str]:
        """The participants of a room, in the order of their coming, but those who have been removed."""
        with self._lock:
            return [key[1] for key in self.present if key[0] == room and key not in self.parting]

    def take(self, event: dict[str, Any]) -> None:
        kind, room = event["type"], event.get("room", "")
        with self._lock:
            if kind == "snapshot":
                self._begin(event)
                return
            self.counts[kind] += 1
            if kind == "end":
                self.faults.append(f"the stream was ended: {event}")
                return
            self._count(event, room)
            self._follow(event, kind, room)

    def _begin(self, event: dict[str, Any]) -> None:
        if self.last >= 0:
            self.faults.append("a second snapshot: something was missed")
        self.last = int(event["id"].rpartition("-")[2])
        for each in event["rooms"]:
            self._numbers[each["name"]] = each["version"]["number"]
            for person in each["participants"]:
                self.present[each["name"], person["id"]] = person["name"]

    def _count(self, event: dict[str, Any], room: str) -> None:
        number = int(event["id"].rpartition("-")[2])
        if number != self.last + 1:
            self.faults.append(f"event {number} came after {self.last}")
        self.last = number
        if room:
            own, before = event["number"], self._numbers.get(room, 0)
            if own != before + 1 and not (own == 1 and event["type"] == "room-created"):
                self.faults.append(f"event {own} of {room} came after {before}: {event['type']}")
            self._numbers[room] = own

    def _follow(self, event: dict[str, Any], kind: str, room: str) -> None:
        key = room, event.get("participant") or ""
        if kind == "participant-arrived":
            if key in self.present:
                self.faults.append(f"{key} has arrived twice")
            self.present[key] = event["name"]
        elif kind == "participant-kicked":
            self.parting.add(key)
        elif kind == "participant-left":
            if self.present.pop(key, None) is None:
                self.faults.append(f"{key} has left without having arrived")
            self.parting.discard(key)
            self.left_at[key].append(time.monotonic())


class Watch(Account):
    """Reads all events of a server in a thread, from the moment that it is made."""

    def __init__(self, state_directory: Path) -> None:
        super().__init__()
        control = json.loads((state_directory / "control.json").read_text())
        parts = urlsplit(control["url"])
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self._connection.request("GET", "/events", headers={"Authorization": f"Bearer {control['token']}"})
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, self._answer.status
        self._is_over = False
        self._thread = threading.Thread(target=self._read, name="events", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._is_over = True
        if (sock := self._connection.sock) is not None:
            sock.close()
        self._answer.close()

    def wait_for(self, number: int, timeout: float = 5.0) -> None:
        """Until so many events have come."""
        end = time.monotonic() + timeout
        while self.last < number and time.monotonic() < end:
            time.sleep(0.02)
        if self.last < number:
            self.faults.append(f"the stream stands at {self.last}, the server at {number}")

    def _read(self) -> None:
        try:
            for line in self._answer:
                if line.startswith(b"data: "):
                    self.take(json.loads(line[6:]))
        except (OSError, ValueError, http.client.HTTPException, AttributeError) as error:
            if not self._is_over:
                self.faults.append(f"the stream broke off: {error!r}")
