"""Meetings to report on: of any number of people, the same for the same seed."""

from __future__ import annotations

import random
from typing import Any

BEGUN = 1_795_946_400.0
"""Sunday, 29 November 2026, 10:00 UTC."""
NAMES = (
    "Ana Núñez",
    "Bob",
    "Carl-Friedrich Zu Guttenberg",
    "Dora",
    "Émile",
    "Fatma",
    "Grace Hopper",
    "Hiro 山田",
    "Ida",
)


def row(name: str, arrived: float, left: float | None, **more: Any) -> dict[str, Any]:
    told = {
        "name": name, "address": f"sip:{name.split()[0].lower()}@example.com", "source": "192.0.2.9:5060",
        "role": "participant", "arrived_at": arrived, "left_at": left, "cause": "hung up", "kicked_by": "",
        "talk_s": 0.0, "talks": 0, "muted_s": 0.0, "spurts": [], "mutes": [], "quality": [], "codec": "opus",
        "received": 9000, "sent": 9000, "lost": 20, "lost_out": 9, "mos_in": 4.2, "mos_out": 4.3,
    }  # fmt: skip
    return told | more


def talk(dice: random.Random, seconds: float, much: float) -> tuple[list[int], float]:
    """Packed spurts, and how long they are together."""
    packed, at, total = [], 0, 0
    while at < seconds * 10:
        gap, length = round(dice.expovariate(1 / (200 / much))), round(dice.expovariate(1 / 90)) + 4
        length = min(length, round(seconds * 10) - at - gap)
        if length <= 0:
            break
        packed += [gap, length]
        at += gap + length
        total += length
    return packed, total / 10


def meeting(people: int, seconds: float = 2700.0, seed: int = 1, is_over: bool = True) -> dict[str, Any]:
    dice = random.Random(seed)
    rows = []
    for number in range(people):
        name = NAMES[number] if number < len(NAMES) else f"Guest {number}"
        arrived = BEGUN + min(dice.expovariate(1 / 120), seconds / 3)
        left = BEGUN + seconds - min(dice.expovariate(1 / 60), seconds / 4)
        spurts, talked = talk(dice, left - arrived, dice.choice((1.5, 0.6, 0.1, 0.05)))
        mutes = [400, 6000] if number % 3 == 1 and seconds > 1000 else []
        told = row(
            name, arrived, left if is_over else None, spurts=spurts, talk_s=talked, talks=len(spurts) // 2,
            mutes=mutes, muted_s=sum(mutes[1::2]) / 10, role="moderator" if number == 0 else "participant",
        )  # fmt: skip
        rows.append(told)
    return {
        "id": 7, "room": "standup", "opened_at": BEGUN, "closed_at": BEGUN + seconds if is_over else None,
        "cause": "everybody has left" if is_over else None, "most_present": people, "people": people,
        "recordings": ["standup-20261129-100000"] if people > 2 else [], "participants": rows,
    }  # fmt: skip
