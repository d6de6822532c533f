"""``python -m confserver.worker``: started by the server, not by people."""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import secrets
import signal
import socket
import sys

from confserver.contract import VERSION, EngineReady, MediaCommand, Serve
from confserver.engine.tick import Engine
from confserver.worker.channel import Channel, ChannelBroken, ChannelClosed
from confserver.worker.choice import open_io
from confserver.worker.loop import Loop
from confserver.worker.ports import Ports
from confserver.worker.spare import Dismissed, wait_for_post


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A media worker of confserver; started by the server.")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--first-port", type=int, default=0)
    parser.add_argument("--last-port", type=int, default=0)
    parser.add_argument("--address", action="append", required=True)
    parser.add_argument("--io", default="auto")
    parser.add_argument("--epoch", type=float, required=True)
    parser.add_argument("--silence", type=float, default=60.0)
    parser.add_argument("--complexity", type=int, default=5, help="of Opus encoders, 0 to 10")
    parser.add_argument("--most-delay", type=int, default=120, help="ms, of playout")
    parser.add_argument("--trail", type=int, default=0, help="MB, for RTP headers of the last minute")
    parser.add_argument("--cname", default="")
    parser.add_argument("--spare", action="store_true", help="wait for a post: ports and cname come with it")
    parser.add_argument("--realtime", action="store_true")
    return parser.parse_args()


def _go_first(realtime: bool) -> None:
    """Ask for real-time priority, else for a better one; without the right to either, go on as we are."""
    if realtime and hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
            return
    with contextlib.suppress(OSError):
        os.nice(-10)


def _open_files_freely() -> None:
    """A port pair is two files; the usual soft limit of 1024 is soon reached."""
    with contextlib.suppress(ValueError, OSError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _serve(arguments: argparse.Namespace, post: Serve, channel: Channel, waiting: list[MediaCommand]) -> None:
    engine = Engine(
        post.cname, lambda: secrets.randbits(32), arguments.silence, arguments.complexity, arguments.most_delay,
        arguments.trail << 20,
    )  # fmt: skip
    io = open_io(arguments.io, engine.book)
    ports = Ports(io, post.first_port, post.last_port, arguments.address)
    Loop(engine, io, ports, channel, arguments.epoch).run(waiting)


def main() -> int:
    """Serve the channel until it closes. Exit status 0, or 1 where what came over it was no message."""
    arguments = _arguments()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _go_first(arguments.realtime)
    _open_files_freely()
    channel = Channel(socket.socket(fileno=arguments.fd))
    post = Serve(first_port=arguments.first_port, last_port=arguments.last_port, cname=arguments.cname)
    waiting: list[MediaCommand] = []
    try:
        channel.send([EngineReady(version=VERSION, pid=os.getpid())])
        if arguments.spare:
            post, waiting = wait_for_post(channel)
        _serve(arguments, post, channel, waiting)
    except Dismissed:
        return 0
    except ChannelClosed:
        return 0
    except ChannelBroken as broken:
        print(f"media worker: the channel carries no message: {broken}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
