"""The client's methods: one for each command and query of the server.

A test holds them to ``rooms.commands.COMMANDS``: same names as the command line's verbs, same fields. Each change
gives the room as it then is, None where it is no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Unpack, cast
from urllib.parse import quote

from confserver.client import control
from confserver.client.connection import Connection, Json
from confserver.client.rules import Rules

TIMEOUT_SECONDS = 10.0

Record = dict[str, Any]
"""A room, participant or status as docs/administration.md words it; Any, for a script's convenience."""


class Client:
    """Speaks to one server; every method waits for the answer and raises ClientError where there is no good one."""

    def __init__(self, url: str, token: str = "", *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._connection = Connection(url, token, timeout)

    @classmethod
    def local(cls, state_directory: Path | None = None, *, timeout: float = TIMEOUT_SECONDS) -> Client:
        """Find the server of this machine by its state directory. Raises NotRunning or Unauthorized."""
        found = control.read(state_directory)
        return cls(found.url, found.token, timeout=timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open between two requests."""

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Json:
        """Ask for anything; ``path`` is percent-encoded already."""
        return self._connection.request(method, path, body)

    # -------------------------------------------------------------- queries
    def rooms(self) -> list[Record]:
        return cast(list[Record], self.request("GET", "/rooms"))

    def room(self, room: str) -> Record:
        return cast(Record, self.request("GET", _path("rooms", room)))

    def recordings(self) -> list[Record]:
        return cast(list[Record], self.request("GET", "/recordings"))

    def status(self) -> Record:
        return cast(Record, self.request("GET", "/status"))

    # -------------------------------------------------------------- a room
    def create(self, room: str, *, profile: str | None = None, **rules: Unpack[Rules]) -> Record | None:
        """Make a room beforehand; it survives a restart."""
        return self._change("PUT", _path("rooms", room), profile=profile, **rules)

    def change(self, room: str, *, profile: str | None = None, **rules: Unpack[Rules]) -> Record | None:
        """Change some rules of a room, and leave the others; null takes one back."""
        body = {**({} if profile is None else {"profile": profile}), **rules}
        return cast("Record | None", self.request("PATCH", _path("rooms", room), body))

    def remove(self, room: str) -> Record | None:
        """Forget a room made beforehand, ending it first if somebody is in it."""
        return self._change("DELETE", _path("rooms", room))

    def lock(self, room: str) -> Record | None:
        """Let nobody else in."""
        return self._change("POST", _path("rooms", room, "lock"))

    def unlock(self, room: str) -> Record | None:
        """Let people in again."""
        return self._change("POST", _path("rooms", room, "unlock"))

    def end(self, room: str) -> Record | None:
        """End the room: everybody is hung up on."""
        return self._change("POST", _path("rooms", room, "end"))

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
    ) -> Record | None:
        """Play sounds, prompts or tones to a room, or to one participant."""
        return self._change(
            "POST", _path("rooms", room, "play"), sounds=sounds, participant=participant, loop=loop,
            volume_db=volume_db, duck_db=duck_db, start_s=start_s, interruptible=interruptible,
        )  # fmt: skip

    def pause_play(self, room: str, play: int | None = None) -> Record | None:
        """Let what plays wait."""
        return self._change("POST", _path("rooms", room, "play", "pause"), play=play)

    def resume_play(self, room: str, play: int | None = None) -> Record | None:
        """Let what was paused go on."""
        return self._change("POST", _path("rooms", room, "play", "resume"), play=play)

    def seek_play(self, room: str, position_s: float, play: int | None = None) -> Record | None:
        """Let what plays go on from another place."""
        return self._change("POST", _path("rooms", room, "play", "seek"), position_s=position_s, play=play)

    def play_volume(self, room: str, volume_db: float, play: int | None = None) -> Record | None:
        """Make what plays louder or softer."""
        return self._change("POST", _path("rooms", room, "play", "volume"), volume_db=volume_db, play=play)

    def stop_play(self, room: str, play: int | None = None) -> Record | None:
        """End what plays."""
        return self._change("POST", _path("rooms", room, "play", "stop"), play=play)

    def record(self, room: str, *, tracks: bool | None = None) -> Record | None:
        """Record the room: the mix, and a track for each participant."""
        return self._change("POST", _path("rooms", room, "recording"), tracks=tracks)

    def stop_recording(self, room: str) -> Record | None:
        """End the recording; its files are then whole."""
        return self._change("DELETE", _path("rooms", room, "recording"))

    def pause_recording(self, room: str) -> Record | None:
        """Leave out of the recording what comes now."""
        return self._change("POST", _path("rooms", room, "recording", "pause"))

    def resume_recording(self, room: str) -> Record | None:
        """Let a recording that was paused go on."""
        return self._change("POST", _path("rooms", room, "recording", "resume"))

    def dial(self, room: str, uri: str, *, name: str | None = None, ring_s: float | None = None) -> Record | None:
        """Call somebody into the room."""
        return self._change("POST", _path("rooms", room, "dial"), uri=uri, name=name, ring_s=ring_s)

    # -------------------------------------------------------------- a participant
    def mute(self, room: str, participant: str, cause: str | None = None) -> Record | None:
        """Silence one participant."""
        return self._change("POST", _path("rooms", room, "participants", participant, "mute"), cause=cause)

    def unmute(self, room: str, participant: str, cause: str | None = None) -> Record | None:
        """Take back one cause of a participant's mute."""
        return self._change("POST", _path("rooms", room, "participants", participant, "unmute"), cause=cause)

    def deafen(self, room: str, participant: str) -> Record | None:
        """Let one participant hear nothing."""
        return self._change("POST", _path("rooms", room, "participants", participant, "deafen"))

    def undeafen(self, room: str, participant: str) -> Record | None:
        """Let one participant hear again."""
        return self._change("POST", _path("rooms", room, "participants", participant, "undeafen"))

    def kick(self, room: str, participant: str) -> Record | None:
        """Hang up on one participant."""
        return self._change("POST", _path("rooms", room, "participants", participant, "kick"))

    def transfer(self, room: str, participant: str, uri: str) -> Record | None:
        """Ask a participant's phone to call somebody else instead."""
        return self._change("POST", _path("rooms", room, "participants", participant, "transfer"), uri=uri)

    def message(self, room: str, text: str, participant: str | None = None) -> Record | None:
        """Send text to those in a room, or to one of them."""
        return self._change("POST", _path("rooms", room, "messages"), text=text, participant=participant)

    def digits(
        self, room: str, participant: str, digits: str, *, duration_ms: int | None = None, gap_ms: int | None = None
    ) -> Record | None:
        """Press keys towards one participant."""
        path = _path("rooms", room, "participants", participant, "digits")
        return self._change("POST", path, digits=digits, duration_ms=duration_ms, gap_ms=gap_ms)

    # -------------------------------------------------------------- the server's ways
    def list_ban(self) -> list[Record]:
        """List from whom nothing is taken, and why."""
        return cast(list[Record], self.request("GET", "/bans"))

    def add_ban(self, network: str, *, reason: str | None = None, seconds: float | None = None) -> Record | None:
        """Take nothing more from an address or network, for a time or for good."""
        return self._change("PUT", _path("bans", network), reason=reason, seconds=seconds)

    def lift_ban(self, network: str) -> Record | None:
        """Take messages from an address or network again."""
        return self._change("DELETE", _path("bans", network))

    def list_profile(self) -> list[Record]:
        """List the profiles of rooms."""
        return cast(list[Record], self.request("GET", "/profiles"))

    # -------------------------------------------------------------- routes
    def list_route(self) -> list[Record]:
        """List the rows of the route table."""
        return cast(list[Record], self.request("GET", "/routes"))

    def explain_route(
        self,
        uri: str,
        caller: str | None = None,
        source: str | None = None,
        request: str | None = None,
        at: str | None = None,
    ) -> Record | None:
        """Say where a request would go, and why; nothing is sent."""
        path = _path("routes", "explain", uri)
        return self._change("POST", path, caller=caller, source=source, request=request, at=at)

    def reload_route(self) -> Record | None:
        """Read the routes of the settings again, whole or not at all; calls in progress stay."""
        return self._change("POST", "/reload")

    # -------------------------------------------------------------- users
    def list_user(self) -> list[Record]:
        """List the users."""
        return cast(list[Record], self.request("GET", "/users"))

    def show_user(self, user: str) -> Record:
        """Show a user, and where the user's phones are."""
        return cast(Record, self.request("GET", _path("users", user)))

    def add_user(
        self, user: str, password: str | None = None, display: str | None = None, aliases: Sequence[str] | None = None
    ) -> Record | None:
        """Make a user, who may register and call with a password."""
        return self._change("PUT", _path("users", user), password=password, display=display, aliases=aliases)

    def change_user(
        self, user: str, display: str | None = None, aliases: Sequence[str] | None = None, enabled: bool | None = None
    ) -> Record | None:
        """Change a user's display name or aliases, or shut the user out for a time."""
        return self._change("POST", _path("users", user), display=display, aliases=aliases, enabled=enabled)

    def passwd_user(self, user: str, password: str | None = None) -> Record | None:
        """Give a user another password; phones that are registered stay so until they have to say it again."""
        return self._change("POST", _path("users", user, "password"), password=password)

    def remove_user(self, user: str) -> Record | None:
        """Forget a user, and where the user's phones are."""
        return self._change("DELETE", _path("users", user))

    def list_trace(self) -> list[Record]:
        """List the calls whose messages are kept."""
        return cast(list[Record], self.request("GET", "/traces"))

    def show_trace(self, call: str) -> Record:
        """Show the messages of a call."""
        return cast(Record, self.request("GET", _path("traces", call)))

    def pcap_trace(self, call: str) -> Record:
        """Give the messages of a call as a pcap, in Base64."""
        return cast(Record, self.request("GET", _path("traces", call, "pcap")))

    def _change(self, method: str, path: str, **members: object) -> Record | None:
        """Members that are None are left to the server's defaults."""
        body = {name: value for name, value in members.items() if value is not None}
        return cast("Record | None", self.request(method, path, body))


def _path(*segments: str) -> str:
    return "".join("/" + quote(segment, safe="") for segment in segments)
