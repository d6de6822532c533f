"""What can be asked about taking turns, and private ways between people."""

from __future__ import annotations

from collections.abc import Sequence

from confserver.client.asking import Asking, Changed, Listed, Told, path


class OfLinks(Asking[Listed, Told, Changed]):
    """A test holds these to ``rooms.commands``."""

    def lecture(self, room: str) -> Changed:
        """Mute all but moderators, until they are given the floor."""
        return self._change("POST", path("rooms", room, "lecture"))

    def end_lecture(self, room: str) -> Changed:
        """Let all be heard whom a lecture has muted."""
        return self._change("DELETE", path("rooms", room, "lecture"))

    def raise_hand(self, room: str, participant: str) -> Changed:
        """Ask to speak: one more in the queue of raised hands."""
        return self._change("POST", path("rooms", room, "participants", participant, "hand"))

    def lower_hand(self, room: str, participant: str) -> Changed:
        """Take back a raised hand."""
        return self._change("DELETE", path("rooms", room, "participants", participant, "hand"))

    def give_floor(self, room: str, *, participant: str | None = None, keep: bool | None = None) -> Changed:
        """Let one participant speak, or the first who has raised a hand."""
        return self._change("POST", path("rooms", room, "floor"), participant=participant, keep=keep)

    def take_floor(self, room: str, *, participant: str | None = None) -> Changed:
        """Take the floor from one participant, or from all who have it."""
        return self._change("DELETE", path("rooms", room, "floor"), participant=participant)

    def whisper(self, room: str, participant: str, to: str) -> Changed:
        """Let only one other hear a participant, until the whisper ends."""
        return self._change("POST", path("rooms", room, "participants", participant, "whisper"), to=to)

    def coach(self, room: str, participant: str, trainee: str) -> Changed:
        """Let a trainee alone hear a coach, whatever mutes the coach for the room."""
        return self._change("POST", path("rooms", room, "participants", participant, "coach"), trainee=trainee)

    def end_whisper(self, room: str, participant: str) -> Changed:
        """End what a participant whispers, or coaches."""
        return self._change("DELETE", path("rooms", room, "participants", participant, "whisper"))

    def relate(self, room: str, participant: str, other: str, *, relation: str | None = None) -> Changed:
        """Let one participant not hear another, or not be heard by him; or clear it."""
        return self._change(
            "POST", path("rooms", room, "participants", participant, "relation"), other=other, relation=relation
        )

    def sidebar(
        self,
        room: str,
        *,
        participants: Sequence[str] | None = None,
        room_db: float | None = None,
        hears_room: bool | None = None,
    ) -> Changed:
        """Let some talk among themselves; the others do not hear them."""
        return self._change(
            "POST", path("rooms", room, "sidebars"), participants=participants, room_db=room_db, hears_room=hears_room
        )

    def leave_sidebar(self, room: str, participant: str) -> Changed:
        """Let one participant come back from a sidebar to the room."""
        return self._change("DELETE", path("rooms", room, "participants", participant, "sidebar"))

    def close_sidebar(self, room: str, *, sidebar: int | None = None) -> Changed:
        """Let all come back from a sidebar; 0: from all sidebars."""
        return self._change("DELETE", path("rooms", room, "sidebars"), sidebar=sidebar)
