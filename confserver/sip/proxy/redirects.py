"""Redirections of those who were called, followed by ourselves (RFC 3261 16.7, step 4) where the house wants it so.

The caller gets what he would have got by following them himself: the planner is asked again, as if his request had
named the new address. What it does not relay (rooms, refusals), and all that is no address of ours, goes back to him.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from confserver.sip.address import NameAddr
from confserver.sip.dialog import as_request_uri
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request, Response
from confserver.sip.proxy.plan import Relay, Target

if TYPE_CHECKING:
    from confserver.sip.core import Core
    from confserver.sip.flow import Flow
    from confserver.sip.uri import Uri

FOLLOWED = (300, 301, 302)
"""305 wants another proxy on the way, 380 another kind of session: neither is ours to decide."""
MOST_FOLLOWED = 10
"""Addresses for one request."""

Group = tuple[Target, ...]


class Redirects:
    """Of one request. No address and no target comes twice."""

    def __init__(self, core: Core, request: Request, came_by: Flow, relay: Relay) -> None:
        self._core = core
        self._request = request
        self._came_by = came_by
        self._named = [request.uri]
        self._targets = {target.uri for group in relay.groups for target in group}

    def follow(self, response: Response, now: float) -> tuple[list[Group], Response | None]:
        """Whom to try instead, and what is left of the answer: None where nothing is.

        Nothing is followed in a dialog, whose requests have their way already.
        """
        if not self._core.settings.follows_redirects or response.status not in FOLLOWED or self._request.to.tag:
            return [], response
        contacts = _contacts_of(response)
        if not contacts:
            return [], response
        groups, left = self._sorted_out(contacts, now)
        response.headers.remove("Contact")
        for contact in left:
            response.headers.add("Contact", str(contact))
        return groups, response if left else None

    def _sorted_out(self, contacts: Sequence[NameAddr], now: float) -> tuple[list[Group], list[NameAddr]]:
        """Whom those of ours lead to, and those that are left to the caller."""
        groups: list[Group] = []
        left: list[NameAddr] = []
        for contact in contacts:
            uri = as_request_uri(contact.uri)
            if any(uri.matches(each) for each in self._named):
                continue  # it has been tried
            found = self._led_to(uri, now)
            if found is None:
                left.append(contact)
            groups += found or []
        return groups, left

    def _led_to(self, uri: Uri, now: float) -> list[Group] | None:
        """None where the address is not followed. A sips URI never becomes a sip URI."""
        request = self._request
        is_weaker = request.uri.scheme == "sips" and uri.scheme != "sips"
        if is_weaker or len(self._named) > MOST_FOLLOWED or not self._core.settings.is_ours(uri):
            return None
        asked = Request(request.method, uri, request.headers, request.body)
        asked.identity = request.identity
        plan = self._core.settings.planner(asked, self._came_by, now)
        if not isinstance(plan, Relay):
            return None
        self._named.append(uri)
        return [group for each in plan.groups if (group := self._untried(each))]

    def _untried(self, group: Group) -> Group:
        fresh = tuple(target for target in group if target.uri not in self._targets)
        self._targets.update(target.uri for target in fresh)
        return fresh


def _contacts_of(response: Response) -> Sequence[NameAddr]:
    """By preference (RFC 3261 16.6). Those that cannot be read lead nowhere."""
    try:
        contacts = response.contacts
    except Malformed:
        return ()
    return () if contacts == "*" else sorted(contacts, key=_preference, reverse=True)


def _preference(contact: NameAddr) -> float:
    try:
        return min(max(float(contact.param("q") or "1"), 0.0), 1.0)
    except ValueError:
        return 0.0
