"""What can be asked of those in a room."""

from __future__ import annotations

from confserver.client.asking import Asking, Changed, Listed, Told, path


class OfPeople(Asking[Listed, Told, Changed]):
    """A test holds these to ``rooms.commands``."""

    # -------------------------------------------------------------- a participant
    def mute(self, room: str, participant: str, cause: str | None = None) -> Changed:
        """Silence one participant."""
        return self._change("POST", path("rooms", room, "participants", participant, "mute"), cause=cause)

    def unmute(self, room: str, participant: str, cause: str | None = None) -> Changed:
        """Take back one cause of a participant's mute."""
        return self._change("POST", path("rooms", room, "participants", participant, "unmute"), cause=cause)

    def deafen(self, room: str, participant: str) -> Changed:
        """Let one participant hear nothing."""
        return self._change("POST", path("rooms", room, "participants", participant, "deafen"))

    def undeafen(self, room: str, participant: str) -> Changed:
        """Let one participant hear again."""
        return self._change("POST", path("rooms", room, "participants", participant, "undeafen"))

    def kick(self, room: str, participant: str) -> Changed:
        """Hang up on one participant."""
        return self._change("POST", path("rooms", room, "participants", participant, "kick"))

    def transfer(self, room: str, participant: str, uri: str) -> Changed:
        """Ask a participant's phone to call somebody else instead."""
        return self._change("POST", path("rooms", room, "participants", participant, "transfer"), uri=uri)

    def message(self, room: str, text: str, participant: str | None = None) -> Changed:
        """Send text to those in a room, or to one of them."""
        return self._change("POST", path("rooms", room, "messages"), text=text, participant=participant)

    def digits(
        self, room: str, participant: str, digits: str, *, duration_ms: int | None = None, gap_ms: int | None = None
    ) -> Changed:
        """Press keys towards one participant."""
        where = path("rooms", room, "participants", participant, "digits")
        return self._change("POST", where, digits=digits, duration_ms=duration_ms, gap_ms=gap_ms)
