"""baresip without a sound card: plays a file, records what it hears, is told what to do over TCP.

Its traps (version 1.0): the file's rate must be ``ausrc_srate``; without a player nothing is decoded; it also takes
the port after its SIP port; the recording holds only what came, packet after packet, so that a time without
packets does not show in it.
"""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import numpy as np

from tests.kit.listen import Recording, read_wav
from tests.kit.ports import free_port, free_range
from tests.kit.process import Child
from tests.kit.tones import Samples, tone_file, write_wav

MODULES = next(
    (p for p in (Path("/usr/lib/baresip/modules"), Path("/usr/local/lib/baresip/modules")) if p.is_dir()), None
)
RATES = {"opus": 48000, "G722": 16000, "L16": 16000}
"""Of the sound that goes with a codec; 8000 for any other."""

CONFIG = """\
sip_listen {host}:{port}
net_interface {host}
rtp_ports {rtp}-{rtp_last}
audio_source aufile,{tone}
audio_player aubridge,{name}-out
audio_alert aubridge,{name}-alert
ausrc_srate {rate}
auplay_srate {rate}
ausrc_channels 1
auplay_channels 1
module_path {modules}
module opus.so
module g722.so
module l16.so
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path {recordings}
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
{more}
"""


def is_installed() -> bool:
    return shutil.which("baresip") is not None and MODULES is not None


class Baresip:
    def __init__(
        self,
        folder: Path,
        name: str,
        tone_hz: float,
        *,
        seconds: float = 120.0,
        host: str = "127.0.0.1",
        proxy: str = "",
        codecs: str = "PCMU",
        high_hz: float | None = None,
        ptime_ms: int = 20,
        more: str = "",
        sound: Samples | None = None,
        transport: str = "udp",
        account: str = "",
        registrar: str = "",
        password: str = "",
    ) -> None:
        """``transport``: udp, tcp or tls. ``account``: more parameters of its account (mediaenc=srtp-mand).

        ``registrar``: host and port, where it registers with ``password`` for a minute at a time; none: it does not.

        ``proxy``: a SIP URI that everything goes through (a NAT on the way).

        ``codecs``: as in its accounts ("opus/48000/2,PCMU"); the sound has the rate of the first. ``high_hz``: see
        tone_file. ``more``: lines for its configuration. ``sound``: said once in place of the
        tones, at that rate.
        """
        self.folder = folder / name
        self.recordings = self.folder / "heard"
        self.recordings.mkdir(parents=True)
        self.name, self.host = name, host
        self.port, self._control_port = free_port(host), free_port()
        rtp, rate = free_range(20, host), RATES.get(codecs.partition("/")[0], 8000)
        says = self.folder / "says.wav"
        if sound is None:
            tone_file(says, tone_hz, seconds, rate, high_hz=high_hz)
        else:
            pause = np.zeros(round(seconds * rate))  # at the end of the file it would hang up
            write_wav(says, np.concatenate((sound, pause)), rate)
        config = CONFIG.format(
            host=host, port=self.port, rtp=rtp, rtp_last=rtp + 19, name=name, rate=rate, modules=MODULES,
            tone=says, recordings=self.recordings, control=self._control_port, more=more,
        )  # fmt: skip
        (self.folder / "config").write_text(config)
        (self.folder / "contacts").write_text("")
        outbound = f';outbound="{proxy}"' if proxy else ""
        account += f";auth_user={name};auth_pass={password}" if password else ""
        own = ";" + account.strip(";") if account else ""
        every_s = 60 if registrar else 0
        wishes = f"regint={every_s};audio_codecs={codecs};ptime={ptime_ms};answermode=auto{outbound}{own}"
        (self.folder / "accounts").write_text(
            f'"{name}" <sip:{name}@{registrar or host};transport={transport}>;{wishes}\n'
        )
        self._events: list[dict[str, object]] = []

    def __enter__(self) -> Baresip:
        self.child = Child(["baresip", "-4", "-f", str(self.folder)], self.folder, "baresip")
        self.child.wait_for(self._connect, "its control port opened", 10)
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()
        try:
            self.child.end(timeout=8)
        finally:
            self.child.kill()

    def _connect(self) -> bool:
        try:
            self._control = socket.create_connection(("127.0.0.1", self._control_port), 1)
        except OSError:
            return False
        self._control.setblocking(False)
        self._unread = b""
        return True

    # ------------------------------------------------------------------ what it is told
    def dial(self, uri: str, timeout: float = 10.0) -> None:
        self.command("dial", uri)
        self.wait_for_event("CALL_ESTABLISHED", timeout)

    def hold(self) -> None:
        self._offer("hold")

    def resume(self) -> None:
        self._offer("resume")

    def _offer(self, command: str) -> None:
        self._read()
        self._events = [event for event in self._events if event.get("type") != "CALL_REMOTE_SDP"]
        self.command(command)
        self.wait_for_event("CALL_REMOTE_SDP")

    def hang_up(self) -> None:
        self.command("hangup")

    def press(self, digits: str) -> None:
        """By RTP (RFC 4733)."""
        self.command("sndcode", digits)

    def command(self, command: str, parameters: str = "") -> None:
        text = json.dumps({"command": command, "params": parameters, "token": command})
        self._control.sendall(f"{len(text)}:{text},".encode())

    # ------------------------------------------------------------------ what it says
    def wait_for_event(self, kind: str, timeout: float = 10.0) -> dict[str, object]:
        """The next event of this kind (CALL_ESTABLISHED, CALL_CLOSED, ...) that was not yet waited for."""
        self.child.wait_for(lambda: self._has(kind), f"{kind} (seen: {self._events})", timeout)
        event = next(e for e in self._events if e.get("type") == kind)
        self._events.remove(event)
        return event

    def _has(self, kind: str) -> bool:
        self._read()
        return any(event.get("type") == kind for event in self._events)

    def _read(self) -> None:
        """Netstrings of JSON: ``LENGTH:TEXT,``."""
        try:
            self._unread += self._control.recv(65536)
        except BlockingIOError:
            return
        while b":" in self._unread:
            length, _, rest = self._unread.partition(b":")
            if len(rest) <= int(length):
                return
            self._events.append(json.loads(rest[: int(length)]))
            self._unread = rest[int(length) + 1 :]

    def heard(self) -> Recording:
        """The longest recording of its ears (it may begin anew in a call)."""
        found = [read_wav(path) for path in self.recordings.glob("*-dec.wav")]
        assert found, f"{self.name} recorded nothing:\n{self.child.said()}"
        return max(found, key=lambda recording: recording.seconds)
