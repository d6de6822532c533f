#!/usr/bin/env python3
"""Set up the rooms of a CSV file, for a cron job at night: python nightly_rooms.py rooms.csv

The file has a column `room` and one for each rule that it lays down:

    room,max_participants,mute_on_entry
    standup,20,false
    lecture,500,true

Rooms made beforehand that are not in the file any more are removed, unless somebody is in them.
"""

import csv
import json
import sys

from confserver.client import Client, ClientError


def rule(text: str) -> object:
    """`20` is a number, `true` is true, anything else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def main(path: str) -> int:
    with open(path, newline="") as file:
        wanted = {row.pop("room").lower(): row for row in csv.DictReader(file)}
    failed = 0
    with Client.local() as server:
        there = {room["name"]: room for room in server.rooms() if room["persistent"]}
        for name, rules in wanted.items():
            try:
                server.create(name, **{key: rule(value) for key, value in rules.items() if value})
                print(f"{name}: {'as before or changed' if name in there else 'made'}")
            except ClientError as error:  # one bad row costs no other room
                print(f"{name}: {error}", file=sys.stderr)
                failed = 1
        for name, room in there.items():
            if name not in wanted and not room["participants"]:
                server.remove(name)
                print(f"{name}: removed")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
