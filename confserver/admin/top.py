"""``confserver top``: rooms, talkers, levels, loss, opinion scores and the workers' load, live in a terminal.

The events come in a thread of their own, so that a key ends it at once; where the output is no terminal, what is so
now is printed once.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from confserver.admin import tables
from confserver.admin.board import Board
from confserver.admin.watch import Follow

if TYPE_CHECKING:
    from rich.console import RenderableType

    from confserver.admin.asking import Ask, Where

HELP = """Show live who talks, how loud, what is lost, and how much the server has to do; q ends it.

With --once, or where the output is no terminal, it is printed once. MOS and LOSS (%) are from the participant and to
him.
"""
REFRESH_S, STATUS_S, KEY_S = 0.5, 2.0, 0.1
WORKERS = ("WORKER", "LOAD", "", "LEGS", "MISSED", "")
ROOMS = ("ROOM", "STATE", "PEOPLE", "TALKING", "")
PEOPLE = ("ROOM", "NAME", "LEVEL", "MOS", "LOSS", "JITTER", "STATE")


def parameters() -> list[click.Parameter]:
    return [click.Option(["--once"], is_flag=True, help="Print what is so now, and end.")]


def runner(ask: Ask, follow: Follow) -> Callable[..., None]:
    def run(where: Where, as_json: bool, once: bool) -> None:
        board = Board()
        if as_json or once or not sys.stdout.isatty() or not sys.stdin.isatty():
            _look(ask, where, board)
            if as_json:
                click.echo(json.dumps({"rooms": list(board.rooms.values()), "status": board.status}, indent=2))
            else:
                _print(board)
            return
        _Live(ask, follow, where, board).run()

    return run


def _look(ask: Ask, where: Where, board: Board) -> None:
    board.status = ask(where, "GET", "/status", {})
    board.see(ask(where, "GET", "/rooms", {}))


def _print(board: Board) -> None:
    click.echo(tables.plain(board.headline()))
    for headings, rows in ((WORKERS, board.worker_rows()), (ROOMS, board.room_rows()), (PEOPLE, board.person_rows())):
        if rows:
            click.echo()
            tables.print_table(headings, rows)


def picture(board: Board, height: int) -> RenderableType:
    """As much of it as the terminal has lines for."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text(tables.plain(board.headline()), style="bold", no_wrap=True, overflow="ellipsis")
    ]
    left = height - 2
    for headings, rows, most in (
        (WORKERS, board.worker_rows(), left // 4), (ROOMS, board.room_rows(), left // 3),
        (PEOPLE, board.person_rows(), left),
    ):  # fmt: skip
        shown = rows[: max(min(most, left - 2), 0)]
        if shown:
            parts += [Text(""), _table(headings, shown)]
            left -= len(shown) + 2
    parts.append(Text("q: end", style="dim"))
    return Group(*parts)


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(Text(tables.plain(cell), no_wrap=True, overflow="ellipsis") for cell in row))
    return table


class _Live:
    """Events and answers come in one thread, the picture is drawn and keys are read in the other."""

    def __init__(self, ask: Ask, follow: Follow, where: Where, board: Board) -> None:
        self._ask, self._follow, self._where = ask, follow, where
        self._board = board
        self._lock = threading.Lock()
        self._trouble: BaseException | None = None
        self._asked_at = 0.0

    def run(self) -> None:
        from rich.console import Console
        from rich.live import Live

        _look(self._ask, self._where, self._board)
        threading.Thread(target=self._hear, daemon=True).start()
        console = Console(highlight=False)
        with _keys() as key, Live(console=console, screen=True, auto_refresh=False) as live:
            drawn = 0.0
            while self._trouble is None:
                now = time.monotonic()
                if now - drawn >= REFRESH_S:
                    drawn = now
                    self._look_again(now)
                    with self._lock:
                        live.update(picture(self._board, console.height), refresh=True)
                if key() in ("q", "Q", "\x03"):
                    return
        raise self._trouble

    def _hear(self) -> None:
        try:
            for event in self._follow(self._where, None, (), True, ""):
                with self._lock:
                    self._board.hear(event)
        except BaseException as trouble:  # told where the terminal is whole again
            self._trouble = trouble

    def _look_again(self, now: float) -> None:
        if now - self._asked_at < STATUS_S and not self._board.stale:
            return
        self._asked_at = now
        status, rooms = self._ask(self._where, "GET", "/status", {}), self._ask(self._where, "GET", "/rooms", {})
        with self._lock:
            self._board.status = status
            self._board.see(rooms)


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[], str]]:
    """A way to ask for the next key, "" where none is pressed for a moment; the terminal is as before afterwards."""
    import select
    import termios
    import tty

    fd = sys.stdin.fileno()
    before: list[Any] = termios.tcgetattr(fd)

    def key() -> str:
        return sys.stdin.read(1) if select.select([fd], [], [], KEY_S)[0] else ""

    try:
        tty.setcbreak(fd)
        yield key
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
