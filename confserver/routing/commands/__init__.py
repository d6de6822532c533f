"""All one may ask of the server's ways, beside the rooms: who is kept out, who is known, where calls go.

As ``rooms.commands``: each command is frozen data, its docstring's first line is the help of every face, and HTTP
route, command line (``confserver NOUN VERB``) and documentation test follow from ``COMMANDS``. Words in braces of a
``path`` are fields; the others travel in the JSON body. ``QUESTIONS`` change nothing. Whoever carries a command out
is listed in ``app.orders``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, ClassVar

from confserver.routing.commands.command import Command as Command
from confserver.routing.commands.command import Parameter as Parameter
from confserver.routing.commands.command import Question as Question
from confserver.routing.commands.routes import AddGroup as AddGroup
from confserver.routing.commands.routes import AddRoute as AddRoute
from confserver.routing.commands.routes import ChangeGroup as ChangeGroup
from confserver.routing.commands.routes import ChangeRoute as ChangeRoute
from confserver.routing.commands.routes import PlaceRoute as PlaceRoute
from confserver.routing.commands.routes import RemoveGroup as RemoveGroup
from confserver.routing.commands.routes import RemoveRoute as RemoveRoute
from confserver.routing.commands.routes import SetRoutes as SetRoutes
from confserver.routing.commands.webhooks import AddWebhook as AddWebhook
from confserver.routing.commands.webhooks import RemoveWebhook as RemoveWebhook
from confserver.routing.commands.webhooks import RetryWebhook as RetryWebhook
from confserver.routing.commands.webhooks import TestWebhook as TestWebhook
from rooms.participant import Role


@dataclass(frozen=True, slots=True)
class AddBan(Command):
    """Take nothing more from an address or network, for a time or for good."""

    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/bans/{network}"
    noun: ClassVar[str] = "ban"
    verb: ClassVar[str] = "add"

    network: str
    reason: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class LiftBan(Command):
    """Take messages from an address or network again."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/bans/{network}"
    noun: ClassVar[str] = "ban"
    verb: ClassVar[str] = "lift"

    network: str


@dataclass(frozen=True, slots=True)
class AddUser(Command):
    """Make a user, who may register and call with a password."""

    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/users/{user}"
    noun: ClassVar[str] = "user"
    verb: ClassVar[str] = "add"

    user: str
    password: str = field(default="", repr=False)
    display: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeUser(Command):
    """Change a user's display name or aliases, or shut the user out for a time."""

    path: ClassVar[str] = "/users/{user}"
    noun: ClassVar[str] = "user"
    verb: ClassVar[str] = "change"

    user: str
    display: str | None = None
    aliases: tuple[str, ...] | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class SetPassword(Command):
    """Give a user another password; phones that are registered stay so until they have to say it again."""

    path: ClassVar[str] = "/users/{user}/password"
    noun: ClassVar[str] = "user"
    verb: ClassVar[str] = "passwd"

    user: str
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RemoveUser(Command):
    """Forget a user, and where the user's phones are."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/users/{user}"
    noun: ClassVar[str] = "user"
    verb: ClassVar[str] = "remove"

    user: str


@dataclass(frozen=True, slots=True)
class ExplainRoute(Command):
    """Say where a request would go, and why; nothing is sent."""

    path: ClassVar[str] = "/routes/explain/{uri}"
    noun: ClassVar[str] = "route"
    verb: ClassVar[str] = "explain"

    uri: str
    caller: str = ""
    source: str = "127.0.0.1"
    request: str = "INVITE"
    at: str = ""


@dataclass(frozen=True, slots=True)
class Reload(Command):
    """Read the settings again, whole or not at all; calls in progress stay."""

    path: ClassVar[str] = "/reload"
    noun: ClassVar[str] = "route"
    verb: ClassVar[str] = "reload"


@dataclass(frozen=True, slots=True)
class RemoveRecording(Command):
    """Delete a recording for good: its sound and what tells of it."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/recordings/{recording}"
    noun: ClassVar[str] = "recording"
    verb: ClassVar[str] = "delete"

    recording: str


@dataclass(frozen=True, slots=True)
class ApproveCountry(Command):
    """Allow calls to a country that somebody else has asked for."""

    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/fence/countries/{country}"
    noun: ClassVar[str] = "fence"
    verb: ClassVar[str] = "approve"

    country: str


@dataclass(frozen=True, slots=True)
class RevokeCountry(Command):
    """Take back the approval of calls to a country."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/fence/countries/{country}"
    noun: ClassVar[str] = "fence"
    verb: ClassVar[str] = "revoke"

    country: str


class TokenRole(enum.Enum):
    """What the holder of a token may do (``rooms.participant.Role``)."""

    ADMIN = "admin"
    MODERATOR = "moderator"
    OBSERVER = "observer"


@dataclass(frozen=True, slots=True)
class AddToken(Command):
    """Make a token, which is shown this once: who has it may do what its role may, in its rooms only.

    An observer may look at rooms, a moderator also run them, an admin do everything. Without rooms it is for all.
    """

    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/tokens/{holder}"
    noun: ClassVar[str] = "token"
    verb: ClassVar[str] = "add"

    holder: str
    role: TokenRole = TokenRole.OBSERVER
    rooms: tuple[str, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RevokeToken(Command):
    """Take a token's right away at once."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/tokens/{holder}"
    noun: ClassVar[str] = "token"
    verb: ClassVar[str] = "revoke"

    holder: str


@dataclass(frozen=True, slots=True)
class PutProfile(Command):
    """Make a profile of rooms, or change it: rooms that have it follow at once."""

    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/profiles/{profile}"
    noun: ClassVar[str] = "profile"
    verb: ClassVar[str] = "put"

    profile: str
    extends: str = ""
    rules: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoveProfile(Command):
    """Forget a profile that no room has, and that no other extends."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/profiles/{profile}"
    noun: ClassVar[str] = "profile"
    verb: ClassVar[str] = "remove"

    profile: str


@dataclass(frozen=True, slots=True)
class Drain(Command):
    """Turn new calls away and let those present finish; stop the server when it is empty, or in so many seconds."""

    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/drain"
    noun: ClassVar[str] = "server"
    verb: ClassVar[str] = "drain"

    stop: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Undrain(Command):
    """Take new calls again."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/drain"
    noun: ClassVar[str] = "server"
    verb: ClassVar[str] = "undrain"


COMMANDS: tuple[type[Command], ...] = (
    AddBan, LiftBan, AddUser, ChangeUser, SetPassword, RemoveUser, ExplainRoute, Reload,
    ApproveCountry, RevokeCountry, RemoveRecording,
    AddToken, RevokeToken,
    PutProfile, RemoveProfile, Drain, Undrain,
    AddWebhook, RemoveWebhook, TestWebhook, RetryWebhook,
    AddRoute, ChangeRoute, PlaceRoute, RemoveRoute, SetRoutes, AddGroup, ChangeGroup, RemoveGroup,
)  # fmt: skip
_AMONG = (
    Parameter("format", "csv or jsonl: all rows as one long text, instead of a page; Accept says the same."),
    Parameter("since", "Only what was not over by then: epoch seconds, or such as 2026-11-29T18:00."),
    Parameter("until", "Only what had begun by then."),
    Parameter("limit", "At most so many rows, the newest first; Link says where to go on.", int, 1, 1000),
    Parameter("after", "Only rows older than the one of this number.", int, 0, 2**62),
)
_OF_ROOM = Parameter("room", "Only of this room.")
_MEETING = ("id", "room", "opened_at", "closed_at", "people", "most_present", "cause")
QUESTIONS: tuple[Question, ...] = (
    Question(
        "message", "list", "/rooms/{room}/messages", "List what has been written in a room, as far as it is kept.",
        ("at", "name", "text"), needs=Role.MODERATOR, room="room",
    ),
    Question(
        "webhook",
        "list",
        "/webhooks",
        "List to whom events are sent, and how that goes.",
        ("webhook", "url", "delivered", "waiting", "failing", "dead", "lost", "last"),
    ),
    Question(
        "webhook",
        "dead",
        "/webhooks/{webhook}/dead",
        "List the events that could not be delivered.",
        ("id", "type", "at", "tries", "reason"),
    ),
    Question(
        "meeting", "list", "/meetings", "List the meetings that are on record, the latest first.", _MEETING,
        has_own_verb=True, parameters=(_OF_ROOM, *_AMONG),
    ),
    Question(
        "room_meeting", "list", "/rooms/{room}/meetings", "List the meetings of one room, the latest first.", _MEETING,
        has_own_verb=True, needs=Role.MODERATOR, parameters=_AMONG,
    ),
    Question(
        "meeting", "show", "/meetings/{meeting}", "Show a meeting: who was there, and who spoke when.",
        has_own_verb=True,
    ),
    Question(
        "meeting", "report", "/meetings/{meeting}/report", "Give a meeting's report as a page (HTML).",
        has_own_verb=True, media_type="text/html",
    ),
    Question(
        "audit", "list", "/audit", "List who has asked for what, and what has come of it, the latest first.",
        has_own_verb=True, parameters=(_OF_ROOM, Parameter("who", "Only what this one has asked for."), *_AMONG),
    ),
    Question(
        "metrics", "show", "/metrics", "Give what is counted, as a page for Prometheus.",
        has_own_verb=True, needs=Role.OBSERVER, media_type="text/plain",
    ),
    Question(
        "record", "list", "/records", "List who was in which meeting, the latest first.",
        has_own_verb=True, parameters=(_OF_ROOM, *_AMONG),
    ),
    Question(
        "ban",
        "list",
        "/bans",
        "List from whom nothing is taken, and why.",
        ("network", "since", "until", "by", "reason"),
        key="network",
    ),
    Question("trace", "list", "/traces", "List the calls whose messages are kept.", has_own_verb=True),
    Question("trace", "show", "/traces/{call}", "Show the messages of a call.", has_own_verb=True),
    Question("trace", "pcap", "/traces/{call}/pcap", "Give the messages of a call as a pcap.", has_own_verb=True),
    Question("fence", "show", "/fence", "Show what calls to numbers may cost, and what they have cost."),
    Question(
        "profile", "list", "/profiles", "List the profiles of rooms.", ("profile", "extends", "rules", "source"),
        needs=Role.OBSERVER, key="profile",
    ),
    Question(
        "profile", "show", "/profiles/{profile}", "Show a profile, and which rooms have it.", needs=Role.OBSERVER
    ),
    Question(
        "rule", "list", "/rules", "List what is said of the rooms made beforehand themselves.",
        ("room", "profile", "rules"), key="room",
    ),
    Question("server", "show", "/drain", "Show whether new calls are taken, and how many are left."),
    Question(
        "token", "list", "/tokens", "List who may ask for what by HTTP.",
        ("holder", "role", "rooms", "created_at", "until", "by"), key="holder",
    ),
    Question(
        "user", "list", "/users", "List the users.", ("user", "display", "aliases", "enabled", "phones"), key="user"
    ),
    Question(
        "sound", "list", "/sounds", "List the languages and sets of prompts that rooms may speak.",
        ("set", "language", "voice", "extends", "usual", "prompts", "own"), needs=Role.OBSERVER, key="set",
    ),
    Question(
        "sound", "show", "/sounds/{language}", "Show what a set of prompts says, and from which set each prompt comes.",
        needs=Role.OBSERVER,
    ),
    Question(
        "route", "list", "/routes", "List the rows of the route table, those that were made first.",
        ("number", "source", "name", "when", "then", "off"),
    ),
    Question(
        "route", "table", "/route-table", "Show the rows and groups that were made, as they can be set.",
        is_versioned=True,
    ),
    Question(
        "group", "list", "/groups", "List the groups that rows of the route table may name.",
        ("group", "members", "source", "off"), key="group",
    ),
    Question(
        "user",
        "show",
        "/users/{user}",
        "Show a user, and where the user's phones are.",
    ),
)  # fmt: skip
