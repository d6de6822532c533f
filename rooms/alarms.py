"""What a room waits for: one time for each purpose. ``Room.fire`` does what is due."""

from __future__ import annotations


class Alarms:
    """Those of one room, by purpose (a key of ``topics.ALARMS``)."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: dict[str, float] = {}

    def set(self, purpose: str, at: float) -> None:
        self._times[purpose] = at

    def clear(self, purpose: str) -> None:
        self._times.pop(purpose, None)

    def clear_all(self, but: str = "") -> None:
        self._times = {purpose: at for purpose, at in self._times.items() if purpose == but}

    def time_of(self, purpose: str) -> float | None:
        return self._times.get(purpose)

    def next(self) -> float | None:
        return min(self._times.values(), default=None)

    def take_due(self, now: float) -> str | None:
        """Take off the first that is due."""
        purpose = min(self._times, key=self._times.__getitem__, default=None)
        if purpose is None or self._times[purpose] > now:
            return None
        del self._times[purpose]
        return purpose
