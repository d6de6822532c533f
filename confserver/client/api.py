"""The two clients: ``Client`` waits for each answer, ``AsyncClient`` is awaited.

Their methods are those of the modules ``of_...``. A test holds them to the tables of commands: same names as the
command line's verbs, same fields. Each change gives the room as it then is, None where it is no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, Unpack

from confserver.client import aio, control
from confserver.client.asking import Changed, Listed, Record, Told
from confserver.client.asking import path as where
from confserver.client.connection import Connection, Json, Progress
from confserver.client.errors import BadAnswer, NotRunning
from confserver.client.live import IDLE_S, Ended, Following
from confserver.client.of_doors import OfDoors
from confserver.client.of_forwards import OfForwards
from confserver.client.of_links import OfLinks
from confserver.client.of_moves import OfMoves
from confserver.client.of_people import OfPeople
from confserver.client.of_records import Formats, Lists, OfRecords, Sought, export_path
from confserver.client.of_rooms import OfRooms
from confserver.client.of_routes import OfRoutes
from confserver.client.of_voices import OfVoices
from confserver.client.of_ways import OfWays

TIMEOUT_SECONDS = 10.0


class _Methods(
    OfRooms[Listed, Told, Changed],
    OfDoors[Listed, Told, Changed],
    OfPeople[Listed, Told, Changed],
    OfVoices[Listed, Told, Changed],
    OfMoves[Listed, Told, Changed],
    OfLinks[Listed, Told, Changed],
    OfForwards[Listed, Told, Changed],
    OfWays[Listed, Told, Changed],
    OfRoutes[Listed, Told, Changed],
    OfRecords[Listed, Told, Changed],
):
    """All methods, and where they go."""

    def __init__(self, url: str, token: str = "", *, timeout: float = TIMEOUT_SECONDS) -> None:
        """``url``: http://HOST:PORT, https://HOST[:PORT][/PATH] or http+unix:///PATH. Raises ClientError."""
        self._connection = Connection(url, token, timeout)

    def named(self, agent: str) -> Self:
        """What the server is told of whose requests these are (User-Agent)."""
        self._connection.agent = agent
        return self

    @classmethod
    def local(cls, state_directory: Path | None = None, *, timeout: float = TIMEOUT_SECONDS) -> Self:
        """Find the server of this machine by its state directory. Raises NotRunning or Unauthorized."""
        found = control.read(state_directory)
        return cls(found.url, found.token, timeout=timeout)


class Client(_Methods[list[Record], Record, "Record | None"]):
    """Speaks to one server; every method waits for the answer and raises ClientError where there is no good one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open between two requests."""

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Json:
        """Ask for anything; ``path`` is percent-encoded already."""
        return self._connection.request(method, path, body)

    def download(self, recording: str, file: str, into: BinaryIO, told: Progress | None = None) -> int:
        """Write a file of a recording into an open one; give its length. ``told``: how much has come, of how much."""
        return self._connection.download(where("recordings", recording, file), into, told)

    def bring(self, path: str, into: BinaryIO, told: Progress | None = None) -> int:
        """Write any answer into an open file, as it comes; ``path`` is percent-encoded already."""
        return self._connection.download(path, into, told)

    def export(
        self,
        what: Lists,
        into: BinaryIO,
        *,
        format: Formats = "csv",
        told: Progress | None = None,
        **among: Unpack[Sought],
    ) -> int:
        """Write a whole list into an open file, the latest first, as it comes; give its length."""
        return self._connection.download(export_path(what, format, among), into, told)

    def events(
        self,
        room: str | None = None,
        *,
        types: Sequence[str] = (),
        levels: bool = False,
        after: str = "",
        resume: bool = True,
    ) -> Iterator[Record]:
        """What happens, in all rooms or in one: a snapshot first, then one event after the other, for ever.

        ``types``: of events, all where none is named. ``after``: the id of the last event that is known already.
        Where the connection breaks off, it is made again and nothing is missed; where that cannot be, another
        snapshot says so. Without ``resume`` that is the end. Raises ClientError where the first connection cannot be
        made, or the server refuses.
        """
        following = Following(room, types, levels, after)
        while True:
            try:
                yield from self._events(following)
            except (NotRunning, BadAnswer):
                if not (resume and following.last):
                    raise
            if not resume:
                return
            time.sleep(following.pause())

    def _events(self, following: Following) -> Iterator[Record]:
        """Over one connection."""
        following.begin()
        for line in self._connection.lines(following.path(), IDLE_S):
            try:
                event = following.hear(line)
            except Ended:
                return
            if event is not None:
                yield event


class AsyncClient(_Methods[Awaitable[list[Record]], Awaitable[Record], Awaitable["Record | None"]]):
    """The same for programs on asyncio: every method is awaited. A request waits in a thread, not in the loop."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open between two requests."""

    async def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Json:
        """Ask for anything; ``path`` is percent-encoded already."""
        return await asyncio.to_thread(self._connection.request, method, path, body)

    async def download(self, recording: str, file: str, into: BinaryIO, told: Progress | None = None) -> int:
        """Write a file of a recording into an open one; give its length. ``told`` is called in a thread."""
        return await asyncio.to_thread(self._connection.download, where("recordings", recording, file), into, told)

    async def bring(self, path: str, into: BinaryIO, told: Progress | None = None) -> int:
        """Write any answer into an open file, as it comes; ``path`` is percent-encoded already."""
        return await asyncio.to_thread(self._connection.download, path, into, told)

    async def export(
        self,
        what: Lists,
        into: BinaryIO,
        *,
        format: Formats = "csv",
        told: Progress | None = None,
        **among: Unpack[Sought],
    ) -> int:
        """Write a whole list into an open file, as it comes; give its length. ``told`` is called in a thread."""
        return await asyncio.to_thread(self._connection.download, export_path(what, format, among), into, told)

    async def events(
        self,
        room: str | None = None,
        *,
        types: Sequence[str] = (),
        levels: bool = False,
        after: str = "",
        resume: bool = True,
    ) -> AsyncGenerator[Record, None]:
        """As ``Client.events``, for ``async for``."""
        following = Following(room, types, levels, after)
        while True:
            following.begin()
            try:
                async with contextlib.aclosing(aio.lines(self._connection, following.path())) as lines:
                    async for line in lines:
                        if (event := following.hear(line)) is not None:
                            yield event
            except Ended:
                pass
            except (NotRunning, BadAnswer):
                if not (resume and following.last):
                    raise
            if not resume:
                return
            await asyncio.sleep(following.pause())
