"""One receiver of events."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

from confserver.config.sip import Section


class Webhook(Section, frozen=True):
    """Receivers to whom events are sent by HTTP: a table [[webhooks]] for each."""

    name: Annotated[str, Meta(description="Its name: letters, digits, dots, lines.")] = ""
    url: Annotated[str, Meta(description="Where events are sent (POST), such as https://example.com/calls.")] = ""
    secret: Annotated[
        str, Meta(description="What each delivery is signed with (HMAC-SHA256), at least 16 characters.")
    ] = ""
    events: Annotated[
        tuple[str, ...],
        Meta(
            description="Types of events that are sent, such as message or participant-*; none listed: all but "
            "talking-changed, dominant-speaker and hearing-changed, which come often."
        ),
    ] = ()
    rooms: Annotated[
        tuple[str, ...], Meta(description="Rooms whose events are sent, such as standup or team-*; none listed: all.")
    ] = ()


LEAST_SECRET = 16


def check_webhooks(webhooks: tuple[Webhook, ...]) -> None:
    """Raises ValueError. Types of events are looked at when the server starts: only the rooms know them."""
    names = [each.name for each in webhooks]
    for number, each in enumerate(webhooks, 1):
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", each.name):
            raise ValueError(f"table {number}: {each.name!r} is no name: letters, digits, dots, lines")
        if not re.fullmatch(r"https?://[^\s@/?#]+(?:[/?][\x21-\x7e]*)?", each.url):
            raise ValueError(f"{each.name}: {each.url!r} is not a URL such as https://example.com/calls")
        if len(each.secret) < LEAST_SECRET:
            raise ValueError(f"{each.name}: secret has less than {LEAST_SECRET} characters")
    if len(set(names)) < len(names):
        raise ValueError("two have the same name")
