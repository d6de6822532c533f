"""The server's log: structlog, one line an event, as text for people or as JSON for machines.

Whoever logs takes ``structlog.get_logger("sip")`` and says what happened in a word or two with its data beside it:
``log.info("call arrived", room="standup", source="192.0.2.7:5060")``. Records of the standard library's ``logging``
come out the same way, and with them Twisted's, once the composition gives ``twisted.logger.STDLibLogObserver`` to
its log. A line that cannot be written (a full disk, a closed terminal) is lost; the server goes on.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Protocol

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SEVERAL_WORDS = frozenset(" \t=\r\n\"'")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Stream(Protocol):
    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...
    def isatty(self) -> bool: ...


def set_up(level: str, form: str, file: Path | None = None) -> None:
    """Log from now on with this level, as ``text`` or ``json``, to a file or to standard error.

    Raises OSError where the file cannot be opened.
    """
    stream: Stream = LogFile(file) if file is not None else sys.stderr
    structlog.configure(
        processors=_processors(form, stream.isatty()),
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda name="": _Lines(name, stream),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Forward()], level=LEVELS[level], force=True)


def is_logged(level: str) -> bool:
    """Whether lines of a level are written: for who would make many that nobody reads."""
    return logging.getLogger().isEnabledFor(LEVELS[level])


class LogFile:
    """A file to append to, readable by its owner only; opened anew when somebody (logrotate) has moved it away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = self._open()
        self._own = os.fstat(self._fd)

    def write(self, text: str, /) -> None:
        with contextlib.suppress(OSError):
            if not self._is_in_place():
                fd = self._open()
                os.close(self._fd)
                self._fd, self._own = fd, os.fstat(fd)
        os.write(self._fd, text.encode(errors="backslashreplace"))

    def flush(self) -> None:
        """Nothing waits here."""

    def isatty(self) -> bool:
        return False

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), self._own)
        except FileNotFoundError:
            return False


class _Lines:
    """What structlog writes its lines to."""

    def __init__(self, name: str, stream: Stream) -> None:
        self.name = name
        self._stream = stream

    def msg(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = exception = log = msg


class _Forward(logging.Handler):
    """Brings the records of ``logging`` to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):  # as logging.Handler.handleError: a record never harms the program
            structlog.get_logger(record.name).log(record.levelno, record.getMessage(), exc_info=record.exc_info)


def _processors(form: str, colours: bool) -> list[Processor]:
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _name_in_front,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    if form == "json":
        return [*shared, structlog.processors.JSONRenderer()]
    return [*shared, _printable, structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0) if colours else plain_line]


def plain_line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """A line as ``ConsoleRenderer`` without colours writes it, at a fifth of what that costs: each call has several."""
    at, level, said = event.pop("timestamp"), event.pop("level"), event.pop("event")
    name, trouble = event.pop("logger", ""), event.pop("exception", "")
    words = [f"{at} [{level:<9}] {said}"]
    if name:
        words.append(f"[{name}]")
    words += [f"{key}={_written(event[key])}" for key in sorted(event)]
    line = " ".join(words)
    return f"{line}\n{trouble}" if trouble else line


def _written(value: object) -> str:
    """As it stands, or quoted where it would not be one word."""
    if isinstance(value, str) and not _SEVERAL_WORDS.intersection(value):
        return value
    return repr(value)


def _name_in_front(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Give each line its logger's name: the argument of ``get_logger``."""
    if getattr(logger, "name", ""):
        event.setdefault("logger", logger.name)
    return event


def _printable(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Let no text from the network move a terminal's cursor or begin a line; a traceback keeps its lines."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            kept = "\n" if key == "exception" else ""
            event[key] = "".join(c if c.isprintable() or c in kept else "\N{REPLACEMENT CHARACTER}" for c in value)
    return event
