#!/usr/bin/env python3
"""Call people into a room and say who came: python call_list.py standup sip:anna@example.com +4930123456

Exit status 0 if everybody came, 1 if somebody did not. Whom the server may call, its settings say (`dialout`).
"""

import sys

from confserver.client import Client, Problem

TYPES = ("dialled", "participant-arrived", "dial-failed")


def main(room: str, uris: list[str]) -> int:
    came: dict[str, str] = {}
    with Client.local() as server:
        # Listen first, then call: nothing that happens in between is missed.
        events = server.events(room, types=TYPES)
        next(events)
        waiting = len(uris)
        for uri in uris:
            try:
                server.dial(room, uri)
            except Problem as refused:
                print(f"{uri}: {refused}")
                waiting -= 1
        called: dict[str, str] = {}
        while waiting:
            event = next(events)
            who = event["participant"]
            if event["type"] == "dialled":
                called[who] = event["uri"]
            elif who in called:
                waiting -= 1
                uri = called.pop(who)
                if event["type"] == "participant-arrived":
                    came[uri] = who
                print(f"{uri}: {event.get('cause', 'is there')}")
    return 0 if len(came) == len(uris) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
