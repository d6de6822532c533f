"""What can be asked of the server's ways, beside the rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confserver.client.asking import Asking, Changed, Listed, Told, path


class OfWays(Asking[Listed, Told, Changed]):
    """A test holds these to ``routing.commands``."""

    # -------------------------------------------------------------- the server's ways
    def list_ban(self) -> Listed:
        """List from whom nothing is taken, and why."""
        return self._list("/bans")

    def add_ban(self, network: str, *, reason: str | None = None, seconds: float | None = None) -> Changed:
        """Take nothing more from an address or network, for a time or for good."""
        return self._change("PUT", path("bans", network), reason=reason, seconds=seconds)

    def lift_ban(self, network: str) -> Changed:
        """Take messages from an address or network again."""
        return self._change("DELETE", path("bans", network))

    def list_profile(self) -> Listed:
        """List the profiles of rooms."""
        return self._list("/profiles")

    def delete_recording(self, recording: str) -> Changed:
        """Delete a recording for good: its sound and what tells of it."""
        return self._change("DELETE", path("recordings", recording))

    def list_message(self, room: str) -> Listed:
        """List what has been written in a room, as far as it is kept."""
        return self._list(path("rooms", room, "messages"))

    # -------------------------------------------------------------- calls that cost
    def show_fence(self) -> Told:
        """Show what calls to numbers may cost, and what they have cost."""
        return self._tell("/fence")

    def approve_fence(self, country: str) -> Changed:
        """Allow calls to a country that somebody else has asked for."""
        return self._change("PUT", path("fence", "countries", country))

    def revoke_fence(self, country: str) -> Changed:
        """Take back the approval of calls to a country."""
        return self._change("DELETE", path("fence", "countries", country))

    # -------------------------------------------------------------- tokens
    def list_token(self) -> Listed:
        """List who may ask for what by HTTP."""
        return self._list("/tokens")

    def add_token(
        self,
        holder: str,
        role: str | None = None,
        rooms: Sequence[str] | None = None,
        seconds: float | None = None,
    ) -> Changed:
        """Make a token, which is shown this once: who has it may do what its role may, in its rooms only."""
        return self._change("PUT", path("tokens", holder), role=role, rooms=rooms, seconds=seconds)

    def revoke_token(self, holder: str) -> Changed:
        """Take a token's right away at once."""
        return self._change("DELETE", path("tokens", holder))

    # -------------------------------------------------------------- routes
    def list_route(self) -> Listed:
        """List the rows of the route table."""
        return self._list("/routes")

    def explain_route(
        self,
        uri: str,
        caller: str | None = None,
        source: str | None = None,
        request: str | None = None,
        at: str | None = None,
    ) -> Changed:
        """Say where a request would go, and why; nothing is sent."""
        where = path("routes", "explain", uri)
        return self._change("POST", where, caller=caller, source=source, request=request, at=at)

    def reload_route(self) -> Changed:
        """Read the settings again, whole or not at all; calls in progress stay."""
        return self._change("POST", "/reload")

    # -------------------------------------------------------------- profiles, and the server's own end
    def show_profile(self, profile: str) -> Told:
        """Show a profile, and which rooms have it."""
        return self._tell(path("profiles", profile))

    def put_profile(
        self, profile: str, extends: str | None = None, rules: Mapping[str, object] | None = None
    ) -> Changed:
        """Make a profile of rooms, or change it: rooms that have it follow at once."""
        return self._change("PUT", path("profiles", profile), extends=extends, rules=rules)

    def remove_profile(self, profile: str) -> Changed:
        """Forget a profile that no room has, and that no other extends."""
        return self._change("DELETE", path("profiles", profile))

    def list_sound(self) -> Listed:
        """List the languages and sets of prompts that rooms may speak."""
        return self._list("/sounds")

    def show_sound(self, language: str) -> Told:
        """Show what a set of prompts says, and from which set each prompt comes."""
        return self._tell(path("sounds", language))

    def list_rule(self) -> Listed:
        """List what is said of the rooms made beforehand themselves."""
        return self._list("/rules")

    def show_server(self) -> Told:
        """Show whether new calls are taken, and how many are left."""
        return self._tell("/drain")

    def drain_server(self, stop: bool | None = None, seconds: float | None = None) -> Changed:
        """Turn new calls away and let those present finish; stop the server when it is empty, or in so many seconds."""
        return self._change("PUT", "/drain", stop=stop, seconds=seconds)

    def undrain_server(self) -> Changed:
        """Take new calls again."""
        return self._change("DELETE", "/drain")

    # -------------------------------------------------------------- users
    def list_user(self) -> Listed:
        """List the users."""
        return self._list("/users")

    def show_user(self, user: str) -> Told:
        """Show a user, and where the user's phones are."""
        return self._tell(path("users", user))

    def add_user(
        self, user: str, password: str | None = None, display: str | None = None, aliases: Sequence[str] | None = None
    ) -> Changed:
        """Make a user, who may register and call with a password."""
        return self._change("PUT", path("users", user), password=password, display=display, aliases=aliases)

    def change_user(
        self, user: str, display: str | None = None, aliases: Sequence[str] | None = None, enabled: bool | None = None
    ) -> Changed:
        """Change a user's display name or aliases, or shut the user out for a time."""
        return self._change("POST", path("users", user), display=display, aliases=aliases, enabled=enabled)

    def passwd_user(self, user: str, password: str | None = None) -> Changed:
        """Give a user another password; phones that are registered stay so until they have to say it again."""
        return self._change("POST", path("users", user, "password"), password=password)

    def remove_user(self, user: str) -> Changed:
        """Forget a user, and where the user's phones are."""
        return self._change("DELETE", path("users", user))

    def list_trace(self) -> Listed:
        """List the calls whose messages are kept."""
        return self._list("/traces")

    def show_trace(self, call: str) -> Told:
        """Show the messages of a call."""
        return self._tell(path("traces", call))

    def pcap_trace(self, call: str) -> Told:
        """Give the messages of a call as a pcap, in Base64."""
        return self._tell(path("traces", call, "pcap"))

    # -------------------------------------------------------------- webhooks
    def list_webhook(self) -> Listed:
        """List to whom events are sent, and how that goes."""
        return self._list("/webhooks")

    def dead_webhook(self, webhook: str) -> Listed:
        """List the events that could not be delivered."""
        return self._list(path("webhooks", webhook, "dead"))

    def add_webhook(
        self,
        webhook: str,
        url: str | None = None,
        events: Sequence[str] | None = None,
        rooms: Sequence[str] | None = None,
        secret: str | None = None,
    ) -> Changed:
        """Have events sent to a URL by HTTP, signed with a secret, or change where and which."""
        return self._change("PUT", path("webhooks", webhook), url=url, events=events, rooms=rooms, secret=secret)

    def remove_webhook(self, webhook: str) -> Changed:
        """Send no events there any more, and forget its dead letters."""
        return self._change("DELETE", path("webhooks", webhook))

    def test_webhook(self, webhook: str) -> Changed:
        """Send an event of the type test, and tell what comes of it."""
        return self._change("POST", path("webhooks", webhook, "test"))

    def retry_webhook(self, webhook: str) -> Changed:
        """Deliver dead letters once more, before anything new."""
        return self._change("POST", path("webhooks", webhook, "retry"))
