"""A child process of a test: its output kept in a file, ended gently, shown when something fails."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class Child:
    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        name: str,
        *,
        environment: Mapping[str, str] | None = None,
        talks: bool = False,
    ) -> None:
        """``talks``: its standard input is a pipe, and its standard output too (else that goes to the log)."""
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(command),
                cwd=folder,
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def wait_for(self, happened: Callable[[], bool], what: str, timeout: float) -> None:
        """Raises AssertionError with the child's log when it does not happen, or the child is gone."""
        end = time.monotonic() + timeout
        while not happened():
            assert self.is_running, f"{self.name} ended with {self.process.returncode} before {what}:\n{self.said()}"
            assert time.monotonic() < end, f"{self.name}: {what} did not happen within {timeout} s:\n{self.said()}"
            time.sleep(0.02)

    def end(self, how: signal.Signals = signal.SIGTERM, timeout: float = 5.0) -> int:
        """Its exit status; killed with all its children where it does not end in time."""
        if self.is_running:
            self.process.send_signal(how)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {timeout} s:\n{self.said()}") from None

    def kill(self) -> None:
        """At once, with all its children."""
        if self.is_running:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)
