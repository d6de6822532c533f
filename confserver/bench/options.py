"""The command line of ``confserver bench calls``."""

from __future__ import annotations

import argparse
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from confserver.sip.flow import Address

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
MOST_CALLERS = 10_000
"""A socket each; the ephemeral ports of one address end not far beyond."""

ABOUT = """Measure a server on this machine under load: callers of its own call rooms, speak tones, listen, and count.
Without --server it starts a server of its own, with state of its own, and stops it afterwards.
Exit status: 0 the server has held, 1 it has not, 2 wrong usage. docs/performance.md explains every figure."""


@dataclass(frozen=True, slots=True)
class Options:
    callers: int = 500
    rooms_of: int = 10
    talkers: int = 3
    probes: int = 10
    seconds: float = 10.0
    settle: float = 3.0
    ramp: float = 50.0
    workers: int = 1
    server: Address | None = None
    pid: int | None = None
    repeat: int = 1
    as_json: bool = False
    realtime: bool = True

    @property
    def rooms(self) -> int:
        return -(-self.callers // self.rooms_of)

    @property
    def legs(self) -> int:
        """All calls: those of the load, and the pairs that measure the delay."""
        return self.callers + 2 * self.probes


def is_loopback(host: str) -> bool:
    """Whether it is an IPv4 address of this machine alone, in digits."""
    try:
        return ipaddress.ip_address(host) in LOOPBACK
    except ValueError:
        return False


def loopback(text: str) -> Address:
    """127.x.y.z:PORT, nothing else. Raises ArgumentTypeError."""
    host, _, port = text.rpartition(":")
    if not is_loopback(host) or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not 127.x.y.z:PORT; only the loopback is measured")
    return host, int(port)


def whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return int(text)

    return read


def real(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least:g} to {most:g}")
        return value

    return read


def parser() -> argparse.ArgumentParser:
    own = argparse.ArgumentParser(
        prog="confserver bench calls", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add, default = own.add_argument, Options()
    add("--callers", type=whole(1, MOST_CALLERS), default=default.callers, help="callers in all (%(default)s)")
    add("--rooms-of", type=whole(1, 1000), default=default.rooms_of, help="callers a room (%(default)s)")
    add("--talkers", type=whole(0, 8), default=default.talkers, help="how many of a room speak (%(default)s)")
    add("--probes", type=whole(0, 100), default=default.probes,
        help="further rooms of two, that measure the delay (%(default)s)")  # fmt: skip
    add("--seconds", type=real(1, 3600), default=default.seconds, help="length of the measured window (%(default)g)")
    add(
        "--settle",
        type=real(0, 600),
        default=default.settle,
        help="seconds between last call and window (%(default)g)",
    )
    add("--ramp", type=real(1, 2000), default=default.ramp, help="calls begun a second (%(default)g)")
    add("--workers", type=whole(1, 64), default=default.workers, help="media processes of its own server (%(default)s)")
    add("--server", type=loopback, metavar="HOST:PORT", help="measure the server that listens here, by UDP")
    add("--pid", type=whole(1, 1 << 30), help="its process: account it and its children")
    add("--repeat", type=whole(1, 100), default=default.repeat, metavar="N", help="medians over N runs (%(default)s)")
    add("--json", dest="as_json", action="store_true", help="print figures as JSON")
    add("--no-realtime", dest="realtime", action="store_false", help="generate at ordinary priority, also as root")
    return own


def read(argv: list[str]) -> Options:
    """Raises SystemExit, with status 2 for misuse and 0 after --help."""
    reader = parser()
    options = Options(**vars(reader.parse_args(argv)))
    if options.talkers > options.rooms_of:
        reader.error(f"--talkers {options.talkers} of --rooms-of {options.rooms_of}: more than there are")
    if options.pid is not None and options.server is None:
        reader.error("--pid belongs to --server")
    if options.legs > MOST_CALLERS:
        reader.error(f"{options.legs} calls with those of --probes: more than {MOST_CALLERS}")
    return options
