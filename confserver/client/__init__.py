"""The Python client: administer a running server from a script, without Twisted and without waiting for anything else.

::

    with Client.local() as server:                      # found through the state directory
        server.create("standup", max_participants=20)
        for person in server.room("standup")["participants"]:
            server.mute("standup", person["id"])

``AsyncClient`` has the same methods, to be awaited. ``api``: the two clients. ``asking``: what they have in common.
``of_rooms``, ``of_people``, ``of_ways``: the methods, one for each command. ``connection``: one HTTP request and its
answer, by TCP, TLS or Unix socket. ``control``: where a server of this machine can be found. ``errors``: what can go
wrong.
Imports none of ours, so that it can be taken along alone.
"""

from confserver.client.api import AsyncClient, Client
from confserver.client.errors import (
    BadAnswer,
    Busy,
    Changed,
    ClientError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotRunning,
    Problem,
    Unauthorized,
)  # fmt: skip

__all__ = [
    "AsyncClient",
    "BadAnswer",
    "Busy",
    "Changed",
    "Client",
    "ClientError",
    "Conflict",
    "Forbidden",
    "Invalid",
    "NotFound",
    "NotRunning",
    "Problem",
    "Unauthorized",
]
