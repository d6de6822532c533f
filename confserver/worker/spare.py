"""A worker that stands ready: everything is loaded, no port is taken, nothing ticks, until it gets its post."""

from __future__ import annotations

import gc
import select

from confserver.contract import Describe, Described, FromWorker, MediaCommand, Ping, Pong, Serve, Stop
from confserver.worker.channel import Channel


class Dismissed(Exception):
    """It was told to end without ever having had a post."""


def wait_for_post(channel: Channel) -> tuple[Serve, list[MediaCommand]]:
    """Answer until Serve comes; gives it, and what was said right after it.

    Raises Dismissed, ChannelClosed, ChannelBroken.
    """
    gc.collect()
    gc.freeze()
    while True:
        select.select([channel], [], [])
        commands = channel.receive()
        answers: list[FromWorker] = []
        for place, command in enumerate(commands):
            match command:
                case Serve():
                    channel.send(answers)
                    return command, commands[place + 1 :]
                case Stop():
                    raise Dismissed
                case Ping(token=token):
                    answers.append(Pong(token=token))
                case Describe(token=token):
                    answers.append(Described(token=token, counts={}))
        channel.send(answers)
