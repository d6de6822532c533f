"""The Python client: administer a running server from a script, without Twisted and without waiting for anything else.

::

    with Client.local() as server:                      # found through the state directory
        server.create("standup", max_participants=20)
        for person in server.room("standup")["participants"]:
            server.mute("standup", person["id"])

``api``: the methods, one for each command of ``rooms.commands``. ``connection``: one HTTP request and its answer,
by TCP, TLS or Unix socket. ``control``: where a server of this machine can be found. ``errors``: what can go wrong.
Imports none of ours, so that it can be taken along alone.
"""

from confserver.client.api import Client
from confserver.client.errors import BadAnswer, ClientError, NotRunning, Problem, Unauthorized

__all__ = ["BadAnswer", "Client", "ClientError", "NotRunning", "Problem", "Unauthorized"]
