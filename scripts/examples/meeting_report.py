#!/usr/bin/env python3
"""Write the report of a room's last meeting to a file, as a page: python meeting_report.py standup report.html

With a third argument, `wait`, the script waits for the meeting that goes on just now to end.
"""

import sys
import time
from pathlib import Path

from confserver.client import Client


def main(room: str, path: str, *how: str) -> int:
    with Client.local() as server:
        if "wait" in how:
            for event in server.events(room, types=("room-closed",)):
                is_empty = event["type"] == "snapshot" and not any(each["participants"] for each in event["rooms"])
                if is_empty or event["type"] == "room-closed":
                    break
        meetings = server.list_room_meeting(room, limit=1)
        if not meetings:
            print(f"{room}: no meeting is on record", file=sys.stderr)
            return 1
        meeting = meetings[0]
        Path(path).write_text(server.report_meeting(meeting["id"])["page"], encoding="utf-8")
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(meeting["opened_at"]))
        print(f"{room}, {began}: {meeting['people']} people, written to {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
