"""What can be asked of those at a room's door, and who is its moderator."""

from __future__ import annotations

from confserver.client.asking import Asking, Changed, Listed, Told, path


class OfDoors(Asking[Listed, Told, Changed]):
    """A test holds these to ``rooms.commands``."""

    def admit(self, room: str, participant: str | None = None) -> Changed:
        """Let in somebody who waits; without a name: all who have knocked."""
        return self._change("POST", path("rooms", room, "admit"), participant=participant)

    def turn_away(self, room: str, participant: str) -> Changed:
        """Do not let in somebody who waits: he hears so and is hung up on."""
        return self._change("POST", path("rooms", room, "participants", participant, "turn-away"))

    def ask_name(self, room: str, participant: str) -> Changed:
        """Have a participant say his name (again) for others to hear.

        Meanwhile the room does not hear him, nor he the room. Who waits at the door is asked before he goes on.
        """
        return self._change("POST", path("rooms", room, "participants", participant, "ask-name"))

    def forget_name(self, room: str, participant: str) -> Changed:
        """Delete what a participant has said as his name."""
        return self._change("POST", path("rooms", room, "participants", participant, "forget-name"))

    def extend(self, room: str, minutes: int | None = None) -> Changed:
        """Let the room go on for some minutes after the time when it would end."""
        return self._change("POST", path("rooms", room, "extend"), minutes=minutes)

    def promote(self, room: str, participant: str) -> Changed:
        """Make a participant a moderator."""
        return self._change("POST", path("rooms", room, "participants", participant, "promote"))

    def demote(self, room: str, participant: str) -> Changed:
        """Make a moderator a participant like the others."""
        return self._change("POST", path("rooms", room, "participants", participant, "demote"))
