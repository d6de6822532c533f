"""What is wrong with somebody's sound."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class QualityChanged(Event):
    """Something is wrong with a participant's sound (``is_wrong``), or not any more, in words.

    ``way``: in, what others hear of him; out, what he hears; both. ``side``: whose it is. ``advice``: what to try.
    """

    participant: ParticipantId
    kind: str
    is_wrong: bool
    way: str
    side: str
    text: str
    advice: str
    since: float
