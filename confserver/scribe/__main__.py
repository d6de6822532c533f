"""``python -m confserver.scribe``: started by the server, not by people."""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import signal
import socket
import sys
from pathlib import Path

from confserver.scribe.channel import Channel
from confserver.scribe.keeping import KINDS
from confserver.scribe.memory import Memory
from confserver.scribe.service import Service
from confserver.scribe.writer import Manner

NICENESS = 10


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The scribe of confserver; started by the server.")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--recordings", type=Path, required=True, help="where they are kept")
    parser.add_argument("--format", choices=KINDS, default="wav", help="what they become after their end")
    parser.add_argument("--rate", type=int, default=0, help="of their files; 0: the room's when it begins")
    parser.add_argument("--names", type=Path, required=True, help="where names are kept, as people have said them")
    return parser.parse_args()


def _be_modest() -> None:
    """Everybody else goes first; but a file for each participant may be open."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    with contextlib.suppress(ValueError, OSError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    """Serve the channel until it closes."""
    arguments = _arguments()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o077)
    _be_modest()
    memory = Memory()
    try:
        manner = Manner(arguments.recordings, arguments.format, arguments.rate)
        Service(Channel(socket.socket(fileno=arguments.fd)), memory, manner, arguments.names).run()
    finally:
        memory.close()
    sys.stderr.flush()
    os._exit(0)  # a conversion that is still at work is not waited for


if __name__ == "__main__":
    main()
