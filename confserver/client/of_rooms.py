"""What can be asked of rooms: to look at them, and to change one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from confserver.client.asking import Asking, Changed, Listed, Told, path
from confserver.client.rules import Rules


class OfRooms(Asking[Listed, Told, Changed]):
    """A test holds these to ``rooms.commands``."""

    # -------------------------------------------------------------- queries
    def rooms(self) -> Listed:
        return self._list("/rooms")

    def room(self, room: str) -> Told:
        return self._tell(path("rooms", room))

    def recordings(self) -> Listed:
        return self._list("/recordings")

    def status(self) -> Told:
        return self._tell("/status")

    def openapi(self) -> Told:
        """The interface itself, described by OpenAPI 3.1."""
        return self._tell("/openapi.json")

    # -------------------------------------------------------------- a room
    def create(self, room: str, *, profile: str | None = None, **rules: Unpack[Rules]) -> Changed:
        """Make a room beforehand; it survives a restart."""
        return self._change("PUT", path("rooms", room), profile=profile, **rules)

    def change(self, room: str, *, profile: str | None = None, **rules: Unpack[Rules]) -> Changed:
        """Change some rules of a room, and leave the others; null takes one back."""
        body = {**({} if profile is None else {"profile": profile}), **rules}
        return self._ask("PATCH", path("rooms", room), body)

    def remove(self, room: str) -> Changed:
        """Forget a room made beforehand, ending it first if somebody is in it."""
        return self._change("DELETE", path("rooms", room))

    def lock(self, room: str) -> Changed:
        """Let nobody else in."""
        return self._change("POST", path("rooms", room, "lock"))

    def unlock(self, room: str) -> Changed:
        """Let people in again."""
        return self._change("POST", path("rooms", room, "unlock"))

    def end(self, room: str) -> Changed:
        """End the room: everybody is hung up on."""
        return self._change("POST", path("rooms", room, "end"))

    # -------------------------------------------------------------- what plays in it
    def play(
        self,
        room: str,
        sounds: Sequence[str],
        participant: str | None = None,
        *,
        loop: bool | None = None,
        volume_db: float | None = None,
        duck_db: float | None = None,
        start_s: float | None = None,
        interruptible: bool | None = None,
    ) -> Changed:
        """Play sounds, prompts or tones to a room, or to one participant."""
        return self._change(
            "POST", path("rooms", room, "play"), sounds=sounds, participant=participant, loop=loop,
            volume_db=volume_db, duck_db=duck_db, start_s=start_s, interruptible=interruptible,
        )  # fmt: skip

    def roll_call(self, room: str, *, participant: str | None = None) -> Changed:
        """Say to a room, or to one participant, how many are there and who."""
        return self._change("POST", path("rooms", room, "roll-call"), participant=participant)

    def say(
        self,
        room: str,
        text: str,
        participant: str | None = None,
        *,
        volume_db: float | None = None,
        duck_db: float | None = None,
        interruptible: bool | None = None,
    ) -> Changed:
        """Speak a text to a room, or to one participant."""
        return self._change(
            "POST", path("rooms", room, "say"), text=text, participant=participant, volume_db=volume_db,
            duck_db=duck_db, interruptible=interruptible,
        )  # fmt: skip

    def pause_play(self, room: str, play: int | None = None) -> Changed:
        """Let what plays wait."""
        return self._change("POST", path("rooms", room, "play", "pause"), play=play)

    def resume_play(self, room: str, play: int | None = None) -> Changed:
        """Let what was paused go on."""
        return self._change("POST", path("rooms", room, "play", "resume"), play=play)

    def seek_play(self, room: str, position_s: float, play: int | None = None) -> Changed:
        """Let what plays go on from another place."""
        return self._change("POST", path("rooms", room, "play", "seek"), position_s=position_s, play=play)

    def play_volume(self, room: str, volume_db: float, play: int | None = None) -> Changed:
        """Make what plays louder or softer."""
        return self._change("POST", path("rooms", room, "play", "volume"), volume_db=volume_db, play=play)

    def stop_play(self, room: str, play: int | None = None) -> Changed:
        """End what plays."""
        return self._change("POST", path("rooms", room, "play", "stop"), play=play)

    def record(self, room: str, *, tracks: bool | None = None, waiting: bool | None = None) -> Changed:
        """Record the room: the mix, and a track for each participant."""
        return self._change("POST", path("rooms", room, "recording"), tracks=tracks, waiting=waiting)

    def stop_recording(self, room: str) -> Changed:
        """End the recording; its files are then whole."""
        return self._change("DELETE", path("rooms", room, "recording"))

    def pause_recording(self, room: str) -> Changed:
        """Leave out of the recording what comes now."""
        return self._change("POST", path("rooms", room, "recording", "pause"))

    def resume_recording(self, room: str) -> Changed:
        """Let a recording that was paused go on."""
        return self._change("POST", path("rooms", room, "recording", "resume"))

    def dial(
        self,
        room: str,
        uri: str,
        *,
        name: str | None = None,
        ring_s: float | None = None,
        confirm: bool | None = None,
        caller_id: str | None = None,
        muted: bool | None = None,
        deaf: bool | None = None,
    ) -> Changed:
        """Call somebody into the room."""
        return self._change(
            "POST", path("rooms", room, "dial"), uri=uri, name=name, ring_s=ring_s, confirm=confirm,
            caller_id=caller_id, muted=muted, deaf=deaf,
        )  # fmt: skip

    def dial_list(
        self,
        room: str,
        whom: Sequence[str],
        *,
        at_once: int | None = None,
        tries: int | None = None,
        pause_s: float | None = None,
        ring_s: float | None = None,
        confirm: bool | None = None,
        caller_id: str | None = None,
        redial: bool | None = None,
        muted: bool | None = None,
        deaf: bool | None = None,
    ) -> Changed:
        """Call a list of people into the room, again where it is busy or nobody answers."""
        return self._change(
            "POST", path("rooms", room, "lists"), whom=whom, at_once=at_once, tries=tries, pause_s=pause_s,
            ring_s=ring_s, confirm=confirm, caller_id=caller_id, redial=redial, muted=muted, deaf=deaf,
        )  # fmt: skip

    def cancel_list(self, room: str, list: int | None = None) -> Changed:
        """Call nobody else of a list; who is in stays."""
        return self._change("POST", path("rooms", room, "lists", "cancel"), list=list)
