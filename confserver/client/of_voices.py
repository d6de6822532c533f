"""What can be asked about how somebody is heard, and hears."""

from __future__ import annotations

from collections.abc import Sequence

from confserver.client.asking import Asking, Changed, Listed, Told, path


class OfVoices(Asking[Listed, Told, Changed]):
    """A test holds these to ``rooms.commands``."""

    def gain(
        self, room: str, participant: str, *, incoming_db: float | None = None, outgoing_db: float | None = None
    ) -> Changed:
        """Set how loud one participant is to the others, and they to him."""
        return self._change(
            "POST",
            path("rooms", room, "participants", participant, "gain"),
            incoming_db=incoming_db,
            outgoing_db=outgoing_db,
        )

    def step_gain(
        self, room: str, participant: str, *, incoming_db: float | None = None, outgoing_db: float | None = None
    ) -> Changed:
        """Make one participant, or what he hears, louder or softer by some dB."""
        return self._change(
            "POST",
            path("rooms", room, "participants", participant, "gain", "step"),
            incoming_db=incoming_db,
            outgoing_db=outgoing_db,
        )

    def place(self, room: str, participant: str, *, pan: float | None = None, auto: bool | None = None) -> Changed:
        """Place one participant between left and right, for those who hear two channels."""
        return self._change("POST", path("rooms", room, "participants", participant, "place"), pan=pan, auto=auto)

    def hold(self, room: str, participant: str) -> Changed:
        """Put one participant on hold: neither heard nor hearing the room, but music."""
        return self._change("POST", path("rooms", room, "participants", participant, "hold"))

    def release(self, room: str, participant: str) -> Changed:
        """Take back the hold of one participant."""
        return self._change("POST", path("rooms", room, "participants", participant, "release"))

    def toggle_mute(self, room: str, participant: str, *, cause: str | None = None) -> Changed:
        """Mute one participant for a cause, or take it back where it stands already."""
        return self._change("POST", path("rooms", room, "participants", participant, "toggle-mute"), cause=cause)

    def mute_all(self, room: str, *, but: Sequence[str] | None = None, moderators: bool | None = None) -> Changed:
        """Mute everybody but moderators and those who are named."""
        return self._change("POST", path("rooms", room, "mute"), but=but, moderators=moderators)

    def unmute_all(self, room: str, *, but: Sequence[str] | None = None) -> Changed:
        """Take back what a host has muted, of everybody but those who are named."""
        return self._change("POST", path("rooms", room, "unmute"), but=but)
