#!/usr/bin/env python3
"""Mute everyone who comes into a room, until its host says go: python mute_at_start.py lecture

Go is the text message `go` in the room, or a call of `confserver room unmute-all lecture`. The example shows the
asynchronous client: it hears what happens and acts on it.
"""

import asyncio
import sys

from confserver.client import AsyncClient, Problem

TYPES = ("participant-arrived", "message")


async def main(room: str) -> None:
    async with AsyncClient.local() as server:
        async for event in server.events(room, types=TYPES):
            match event:
                case {"type": "snapshot", "rooms": [there]}:  # those who are in already
                    for person in there["participants"]:
                        await mute(server, room, person["id"])
                case {"type": "participant-arrived", "participant": who}:
                    await mute(server, room, who)
                case {"type": "message", "text": text} if text.strip().lower() == "go":
                    await server.unmute_all(room)
                    print("everybody may speak")
                    return


async def mute(server: AsyncClient, room: str, who: str) -> None:
    try:
        await server.mute(room, who)
        print(f"{who} is muted", flush=True)
    except Problem as refused:  # gone again meanwhile
        print(f"{who}: {refused}", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
