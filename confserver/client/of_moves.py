"""What can be asked about going from room to room."""

from __future__ import annotations

from collections.abc import Sequence

from confserver.client.asking import Asking, Changed, Listed, Told, path


class OfMoves(Asking[Listed, Told, Changed]):
    """A test holds these to ``rooms.commands``."""

    def move(self, room: str, participant: str, to: str, *, force: bool | None = None) -> Changed:
        """Take one participant to another room."""
        return self._change("POST", path("rooms", room, "participants", participant, "move"), to=to, force=force)

    def move_all(
        self,
        room: str,
        to: str,
        *,
        participants: Sequence[str] | None = None,
        but: Sequence[str] | None = None,
        force: bool | None = None,
    ) -> Changed:
        """Take many, or everybody, to another room."""
        where = path("rooms", room, "move")
        return self._change("POST", where, to=to, participants=participants, but=but, force=force)

    def merge(self, room: str, to: str, *, force: bool | None = None) -> Changed:
        """Take everybody to another room, also those who are still on the way."""
        return self._change("POST", path("rooms", room, "merge"), to=to, force=force)

    def open_breakouts(
        self,
        room: str,
        *,
        count: int | None = None,
        names: Sequence[str] | None = None,
        assign: Sequence[str] | None = None,
        evenly: bool | None = None,
    ) -> Changed:
        """Open breakout rooms and divide people among them."""
        return self._change(
            "POST", path("rooms", room, "breakouts"), count=count, names=names, assign=assign, evenly=evenly
        )

    def close_breakouts(self, room: str, *, countdown_s: float | None = None) -> Changed:
        """Take everybody back from the breakout rooms."""
        return self._change("DELETE", path("rooms", room, "breakouts"), countdown_s=countdown_s)

    def broadcast(self, room: str, *, sounds: Sequence[str] | None = None, text: str | None = None) -> Changed:
        """Play sounds, or send text, to a room and all its breakout rooms."""
        return self._change("POST", path("rooms", room, "broadcast"), sounds=sounds, text=text)

    def broadcast_voice(self, room: str, participant: str, *, rooms: Sequence[str] | None = None) -> Changed:
        """Let a participant be heard live in all breakout rooms, or in those named."""
        return self._change("POST", path("rooms", room, "participants", participant, "broadcast"), rooms=rooms)

    def end_broadcast(self, room: str, participant: str) -> Changed:
        """Let a participant be heard only where he is."""
        return self._change("DELETE", path("rooms", room, "participants", participant, "broadcast"))
