"""pjsua2 as a phone of the tests, in a process of its own (see pjsua_child)."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

from tests.kit.listen import Recording, read_wav
from tests.kit.ports import free_port, free_range
from tests.kit.process import Child
from tests.kit.tones import tone_file

CHILD = Path(__file__).with_name("pjsua_child.py")


def is_installed() -> bool:
    return importlib.util.find_spec("pjsua2") is not None


class Pjsua:
    def __init__(
        self,
        folder: Path,
        name: str,
        tone_hz: float,
        *,
        seconds: float = 120.0,
        srtp: bool = False,
        codecs: tuple[str, ...] = ("PCMU/8000",),
        high_hz: float | None = None,
        ptime_ms: int = 0,
        transport: str = "udp",
        registrar: str = "",
        password: str = "",
    ) -> None:
        """``srtp``: talk by RTP/SAVP or not at all. ``transport``: udp, tcp or tls.

        ``registrar``: a SIP URI, for ``register``; ``password``: whenever it is asked for one.

        ``codecs``: in its order; of the first is the rate of all sound.

        ``high_hz``: see tone_file. ``ptime_ms``: of its packets and its wish; 0: as it likes.
        """
        self.folder = folder / name
        self.folder.mkdir(parents=True)
        self.name, self.port = name, free_port()
        rate = int(codecs[0].split("/")[1])
        play = tone_file(self.folder / "tone.wav", tone_hz, seconds, rate, high_hz=high_hz)
        self._options = {
            "name": name, "port": self.port, "rtp_port": free_range(20), "play": str(play), "codecs": codecs,
            "srtp": srtp, "rate": rate, "ptime_ms": ptime_ms, "transport": transport,
            "registrar": registrar, "password": password,
        }  # fmt: skip
        self._events: list[dict[str, object]] = []
        self._unread = b""
        self._recordings = 0
        self._file = Path()

    def __enter__(self) -> Pjsua:
        self.child = Child([sys.executable, str(CHILD), json.dumps(self._options)], self.folder, "pjsua", talks=True)
        assert self.child.process.stdout
        os.set_blocking(self.child.process.stdout.fileno(), False)
        self.wait_for("ready", timeout=15)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self.tell("quit")
            status = self.child.process.wait(8)
            assert kind or status == 0, f"pjsua2 ended with {status}:\n{self.child.said()}"
        finally:
            self.child.kill()

    def tell(self, do: str, **more: object) -> None:
        assert self.child.process.stdin
        self.child.process.stdin.write(json.dumps({"do": do, **more}).encode() + b"\n")
        self.child.process.stdin.flush()

    def dial(self, uri: str, timeout: float = 10.0) -> None:
        self.tell("dial", uri=uri)
        self.wait_for("state", timeout, state="CONFIRMED")
        self.wait_for("media", timeout, active=True)

    def register(self, *, renew: bool = True) -> int:
        """REGISTER, or without ``renew`` the contrary; gives the final status."""
        self.tell("register", renew=renew)
        return int(str(self.wait_for("registered")["status"]))

    def hold(self) -> None:
        self.tell("hold")
        self.wait_for("media", active=False)

    def resume(self) -> None:
        self.tell("resume")
        self.wait_for("media", active=True)

    def change_codecs(self, *codecs: str) -> None:
        """A re-INVITE with these and no others."""
        self.tell("change_codecs", codecs=codecs)
        self.wait_for("media", active=True)

    def hang_up(self) -> None:
        self.tell("hang_up")
        self.wait_for("state", state="DISCONNECTED")

    def record(self) -> None:
        """Begin a recording."""
        self._recordings += 1
        self._file = self.folder / f"heard-{self._recordings}.wav"
        self.tell("record", file=str(self._file))
        self.wait_for("recording", file=str(self._file))

    def heard(self) -> Recording:
        """End the recording and give it."""
        self.tell("record", file="")
        self.wait_for("recording", file="")
        return read_wav(self._file)

    def wait_for(self, event: str, timeout: float = 10.0, **more: object) -> dict[str, object]:
        """The next such event that was not yet waited for."""
        wanted = {"event": event, **more}
        self.child.wait_for(lambda: self._find(wanted) is not None, f"{wanted} (seen: {self._events})", timeout)
        found = self._find(wanted)
        assert found is not None
        self._events.remove(found)
        return found

    def _find(self, wanted: dict[str, object]) -> dict[str, object] | None:
        assert self.child.process.stdout
        try:
            self._unread += os.read(self.child.process.stdout.fileno(), 65536)
        except BlockingIOError:
            pass
        *lines, self._unread = self._unread.split(b"\n")
        self._events += [json.loads(line) for line in lines if line.startswith(b"{")]
        return next((e for e in self._events if wanted.items() <= e.items()), None)
