"""`confserver call`: the server's own robot phone, as a process."""

from __future__ import annotations

from pathlib import Path

from tests.kit.listen import Recording, read_wav
from tests.kit.process import Child
from tests.kit.server import COMMAND, Server
from tests.kit.tones import tone_file


class Robot:
    """Calls when it is entered, plays and records, and hangs up by itself after ``for_seconds``."""

    def __init__(
        self,
        server: Server,
        folder: Path,
        name: str,
        tone_hz: float,
        room: str,
        *,
        for_seconds: float,
        host: str | None = None,
        play: Path | None = None,
        transport: str = "",
    ) -> None:
        """``host``: an address of the server's that is called instead of its first. ``play``: instead of the tone.

        ``transport``: tls, ws or wss; it believes the server's certificate whatever that says.
        """
        self.server, self.name, self.seconds = server, name, for_seconds
        self.folder = folder / name
        self.folder.mkdir(parents=True)
        play = play or tone_file(self.folder / "tone.wav", tone_hz, for_seconds + 5, 8000)
        self._recording = self.folder / "heard.wav"
        uri = server.uri(room) if host is None else f"sip:{room}@{host}:{server.address[1]}"
        self._command = [
            *COMMAND, "call", uri, "--play", str(play), "--record", str(self._recording),
            "--for", f"{for_seconds:g}", "--name", name, "--json",
        ]  # fmt: skip
        if transport:
            uri = f"sip:{room}@{server.address[0]}:{server.ports[transport]}"
            self._command[len(COMMAND) + 1] = uri
            self._command += ["--transport", transport, "--insecure"]

    def __enter__(self) -> Robot:
        self.child = Child(self._command, self.folder, "call", environment=self.server.environment)
        return self

    def __exit__(self, *_: object) -> None:
        self.child.kill()

    def finish(self) -> None:
        """Wait for its end; it must have gone well."""
        status = self.child.process.wait(self.seconds + 10)
        assert status == 0, f"confserver call ended with {status}:\n{self.child.said()}"

    def heard(self) -> Recording:
        return read_wav(self._recording)
