"""Starting the processes of a measurement, on cores of their own where there are enough."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

ANY = -1
PATIENCE_S = 5.0


def cores() -> tuple[int, int]:
    """One for what is measured, one for the generator; ANY where there is one alone."""
    try:
        ours = sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        ours = []
    return (ours[-1], ours[-2]) if len(ours) > 1 else (ANY, ANY)


def stay_on(core: int, pid: int = 0) -> None:
    """Where the system lets us."""
    if core != ANY:
        with contextlib.suppress(AttributeError, OSError):
            os.sched_setaffinity(pid, {core})


@contextlib.contextmanager
def child(main: Callable[[Connection], None], name: str, last: object) -> Iterator[tuple[Connection, int]]:
    """A process of ours: the pipe to it, and its pid. It hears the last word when the block ends."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=main, args=(theirs,), name=name, daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours, process.pid or 0
    finally:
        with contextlib.suppress(OSError):
            ours.send(last)
        ours.close()
        process.join(PATIENCE_S)
        if process.is_alive():
            process.kill()
            process.join()
