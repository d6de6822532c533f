"""To whom events are sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from confserver.routing.commands.command import Command


@dataclass(frozen=True, slots=True)
class AddWebhook(Command):
    """Have events sent to a URL by HTTP, signed with a secret, or change where and which.

    Without a secret the server makes one, which is shown this once. URL and secret of one that is there stay where none
    is given.
    """

    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/webhooks/{webhook}"
    noun: ClassVar[str] = "webhook"
    verb: ClassVar[str] = "add"

    webhook: str
    url: str = ""
    events: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RemoveWebhook(Command):
    """Send no events there any more, and forget its dead letters."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/webhooks/{webhook}"
    noun: ClassVar[str] = "webhook"
    verb: ClassVar[str] = "remove"

    webhook: str


@dataclass(frozen=True, slots=True)
class TestWebhook(Command):
    """Send an event of the type test, and tell what comes of it."""

    __test__: ClassVar[bool] = False
    path: ClassVar[str] = "/webhooks/{webhook}/test"
    noun: ClassVar[str] = "webhook"
    verb: ClassVar[str] = "test"

    webhook: str


@dataclass(frozen=True, slots=True)
class RetryWebhook(Command):
    """Deliver dead letters once more, before anything new."""

    path: ClassVar[str] = "/webhooks/{webhook}/retry"
    noun: ClassVar[str] = "webhook"
    verb: ClassVar[str] = "retry"

    webhook: str
