"""Menus, times and PINs in files are rules like any other: planned, applied, then nothing to do, then drift."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.plan.house import House

MENU = """
menu_timeout_s = 2.5
[rooms.standup.menu.participant]
1 = "mute"
"*5" = ["hear-louder 6", "count"]
[rooms.standup.menu.moderator]
7 = []
"""
TIMES = """
starts = 2026-12-01T09:00:00
ends = 2026-12-01T09:30:00
recurs = "FREQ=WEEKLY;BYDAY=MO,WE"
time_zone = "Europe/Berlin"
early_minutes = 5
at_end = "lock"
"""
PINS = 'pin = "123456"\nmoderator_pin = "987654"\npin_tries = 4\nlockout_s = 120\n'


@pytest.mark.parametrize(
    ("rules", "by_hand", "words"),
    [
        (MENU, {"menu": {"participant": {"1": ["mute"]}}}, "menu.participant.*5: hear-louder 6, count"),
        (MENU, {"menu_timeout_s": 1.0}, "menu_timeout_s: 1.0 -> 2.5"),
        (TIMES, {"recurs": "FREQ=DAILY"}, "recurs: FREQ=DAILY -> FREQ=WEEKLY;BYDAY=MO,WE"),
        (TIMES, {"starts": "2026-12-01T08:00:00"}, "starts: 2026-12-01T08:00:00 -> 2026-12-01T09:00:00"),
        (TIMES, {"time_zone": "Europe/Paris"}, "time_zone: Europe/Paris -> Europe/Berlin"),
        (PINS, {"pin": "111111"}, "pin: (secret) -> (secret)"),
        (PINS, {"pin_tries": 3}, "pin_tries: 3 -> 4"),
    ],
)
@pytest.mark.parametrize("where", ["room", "profile"])
def test_planned_applied_and_changed_by_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str, rules: str, by_hand: dict[str, Any], words: str
) -> None:
    house = House(tmp_path)
    text = f"[rooms.standup]\n{rules}"
    path, what = "/rooms/standup", "room standup"
    if where == "profile":
        text = text.replace("rooms.standup", "profiles.usual") + '[rooms.standup]\nprofile = "usual"\n'
        path, what = "/profiles/usual", "profile usual"
    assert house.plan(text) == 2 and house.asked == [] and house.apply(text) == 0
    capsys.readouterr()
    assert house.plan(text) == 0 and capsys.readouterr().out == "nothing to do\n"
    rows = house.ask("GET", "/rules" if where == "room" else "/profiles", {})
    [said] = [row["rules"] for row in rows]
    if where == "room":
        house.ask("PUT", path, {**said, **by_hand})
    else:
        house.ask("PUT", path, {"rules": {**said, **by_hand}})
    assert house.plan(text) == 2
    told = capsys.readouterr().out
    assert f"~ {what}\n" in told and words in told and "123456" not in told
    assert house.apply(text) == 0 and house.plan(text) == 0
    capsys.readouterr()
    house.export()
    assert house.plan(capsys.readouterr().out, prune=True) == 0
