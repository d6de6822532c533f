"""A call to itself: one robot phone speaks a tone, another one records it, and the tone is looked for.

Of a running server, in a room of its own; else of one that is started for it, on loopback, with a state of its own.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from confserver.client import Client, ClientError
from confserver.doctor.finding import Finding, fault, ok, warning
from confserver.doctor.ground import Ground

CHECK = "test call"
HZ = 440
SPOKEN_S, HEARD_S = 30.0, 2.5
"""The speaker is hung up on as soon as the listener has heard enough."""
START_S = 20.0
FRAME_S = 0.02
CLEAR_DB = -12.0
"""Of a frame's power, what lies beside the tone, at most: then it is that tone."""
MOST_GAPS = 0.02
PORTS = 40
PHONES = ((30000, 32765), (18000, 19999))
"""Ranges for the phones' media: the first that is not the server's."""


@dataclass(frozen=True, slots=True)
class Heard:
    """``share``: of the frames from the first with the tone on, in how many it was; ``level_db``: how loud, dBov."""

    share: float
    level_db: float
    after_s: float


class NoCall(Exception):
    """There was nothing to be measured; one line."""


def check_call(ground: Ground) -> list[Finding]:
    try:
        with _server(ground) as (host, port, client):
            heard, outcome = _called(host, port, client, ground)
    except NoCall as failed:
        return [fault(CHECK, str(failed), "see the checks above, and the server's log")]
    which = "the running server" if ground.is_running else "a server on loopback"
    words = (
        f"{which}: {HZ} Hz heard in {heard.share:.1%} of {outcome['duration_s']:.1f} s at {heard.level_db:.0f} dBov; "
        f"answered after {outcome['set_up_ms']:.0f} ms, {outcome['lost']} lost, jitter {outcome['jitter_ms']:.1f} ms"
    )
    if heard.share < 1 - MOST_GAPS:
        return [warning(CHECK, words, "there are gaps: see load and priority; try again on an idle machine")]
    return [ok(CHECK, words)]


# ------------------------------------------------------------------ whom to call
@contextlib.contextmanager
def _server(ground: Ground) -> Iterator[tuple[str, int, Client]]:
    """The running server, else one of our own. Raises NoCall."""
    if ground.status is not None:
        hosts = ground.settings.sip.addresses or ("127.0.0.1",)
        host = "127.0.0.1" if "127.0.0.1" in hosts else hosts[0]
        yield host, int(ground.status["sip_port"]), Client.local(ground.state)
        return
    with tempfile.TemporaryDirectory(prefix="confserver-doctor-") as folder:
        place = Path(folder)
        port = free_ports(PORTS + 2)
        (place / "c.toml").write_text(
            f"[sip]\naddresses = ['127.0.0.1']\nport = {port + PORTS}\ntransports = ['udp']\n"
            f"[rtp]\naddresses = ['127.0.0.1']\nport_min = {port}\nport_max = {port + PORTS - 1}\n"
            f"[http]\naddress = '127.0.0.1:0'\n[media]\nworkers = 1\nspare = false\n"
            f"[state]\ndirectory = {json.dumps(str(place / 'state'))}\n"
        )
        with _started(place) as client:
            yield "127.0.0.1", port + PORTS, client


@contextlib.contextmanager
def _started(place: Path) -> Iterator[Client]:
    with (place / "log").open("wb") as log:
        server = subprocess.Popen(
            [*_program(), "serve", "--config", str(place / "c.toml")], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            yield _stands(server, place)
        finally:
            server.terminate()
            try:
                server.wait(12)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _stands(server: subprocess.Popen[bytes], place: Path) -> Client:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends and server.poll() is None:
        with contextlib.suppress(ClientError):
            client = Client.local(place / "state")
            if all(worker["ready"] for worker in client.status()["workers"]):
                return client
        time.sleep(0.1)
    said = (place / "log").read_text(errors="replace").strip().splitlines()
    raise NoCall(f"no server could be started for a test call: {said[-1] if said else 'it says nothing'}")


def free_ports(count: int) -> int:
    """The first of so many UDP ports in a row that are free on loopback. Raises NoCall."""
    for first in range(40000, 60000, count + count % 2):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + count):
                probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                probe.bind(("127.0.0.1", port))
            return first
    raise NoCall("no ports are free on loopback for a test call")


# ------------------------------------------------------------------ the call
def _called(host: str, port: int, client: Client, ground: Ground) -> tuple[Heard, dict[str, Any]]:
    """Both phones in a room that nobody else knows. Raises NoCall."""
    room = f"doctor-{secrets.token_hex(6)}"
    written = f"[{host}]" if ":" in host else host
    uri = f"sip:{room}@{written}:{port}"
    try:
        client.create(room, announce="none", music_when_alone=False, guard="off", max_participants=2)
    except ClientError as error:
        raise NoCall(f"no room could be made: {error}") from None
    try:
        with tempfile.TemporaryDirectory(prefix="confserver-doctor-") as folder:
            file = Path(folder) / "heard.wav"
            ports = ("--rtp-ports", phone_ports(ground.status))
            speaker = _phone(uri, SPOKEN_S, "--tone", str(HZ), *ports)
            try:
                listener = _phone(uri, HEARD_S, "--record", str(file), *ports)
                outcome = _outcome(listener)
            finally:
                _end(speaker)
            return measure(file), outcome
    finally:
        with contextlib.suppress(ClientError):
            client.remove(room)


def phone_ports(status: Mapping[str, Any] | None) -> str:
    """A range for the phones: never the server's own, to which it sends nothing (``focus.media.check_reach``).

    Raises NoCall where it leaves none.
    """
    first, last = (int(port) for port in (status or {}).get("rtp_ports") or (0, 0))
    for low, high in (*PHONES, (last + 1, 65535), (1024, first - 1)):
        if high - low > 2 and (high < first or low > last):
            return f"{low}-{high}"
    raise NoCall(f"the server's media ports, {first}-{last}, leave none for a phone")


def _phone(uri: str, seconds: float, *words: str) -> subprocess.Popen[bytes]:
    arguments = [*_program(), "call", uri, "--json", "--for", str(seconds), "--name", "doctor", *words]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)


def _program() -> list[str]:
    return [sys.executable, "-m", "confserver"]


def _outcome(phone: subprocess.Popen[bytes]) -> dict[str, Any]:
    try:
        out, errors = phone.communicate(timeout=SPOKEN_S)
        told: dict[str, Any] = json.loads(out)
    except (subprocess.TimeoutExpired, ValueError):
        _end(phone)
        raise NoCall("the robot phone said nothing of its call") from None
    if phone.returncode:
        lines = errors.decode(errors="replace").strip().splitlines()
        raise NoCall(f"the call came to nothing: {lines[-1] if lines else told.get('error')}")
    return told


def _end(phone: subprocess.Popen[bytes]) -> None:
    """Politely: it says BYE."""
    if phone.poll() is None:
        phone.terminate()
        try:
            phone.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            phone.kill()
            phone.communicate()


# ------------------------------------------------------------------ what was heard
def measure(file: Path) -> Heard:
    """Look for the tone in frames of 20 ms, by its one line of the spectrum. Raises NoCall where it never was."""
    samples, rate_hz = _samples(file)
    size = int(rate_hz * FRAME_S)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    if not len(frames):
        raise NoCall("nothing was recorded")
    wave_of = np.exp(-2j * np.pi * HZ * np.arange(size) / rate_hz)
    in_tone = 2 * np.abs(frames @ wave_of / size) ** 2
    power = (frames**2).mean(axis=1)
    beside = np.maximum(power - in_tone, 0)
    is_there = (in_tone > 1e-6) & (beside < in_tone * 10 ** (CLEAR_DB / 10))
    if not is_there.any():
        raise NoCall(f"the call stood, but the tone of {HZ} Hz was not heard")
    first = int(is_there.argmax())
    heard = is_there[first:]
    level = 10 * np.log10(in_tone[first:][heard].mean() * 2)
    return Heard(float(heard.mean()), float(level), first * FRAME_S)


def _samples(file: Path) -> tuple[NDArray[np.float64], int]:
    try:
        with wave.open(str(file)) as opened:
            data = np.frombuffer(opened.readframes(opened.getnframes()), np.int16)
            return data[:: opened.getnchannels()].astype(np.float64) / 32768, opened.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise NoCall(f"nothing was recorded: {error}") from None
