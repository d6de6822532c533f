"""UPDATE (RFC 3311): one request of ours that changes nothing but the clock of a session.

Theirs go through ``offers``, as re-INVITEs do, where they bring an offer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from confserver.sip.headers import Headers
from confserver.sip.message import Response
from confserver.sip.requests import Errand

if TYPE_CHECKING:
    from confserver.sip.call import Call
    from confserver.sip.core import Core


class Updater(Protocol):
    """Who sends one."""

    def updated(self, response: Response, now: float) -> None:
        """The final answer; made up where none came. Not said once the call is over."""


class Update:
    """One UPDATE of ours without an offer (RFC 3311 section 5.1; as a refresh: RFC 4028 section 7.4)."""

    __slots__ = ("_call", "_core", "_updater")

    def __init__(self, core: Core, call: Call, updater: Updater) -> None:
        self._core = core
        self._call = call
        self._updater = updater

    def start(self, now: float) -> None:
        dialog = self._call.dialog
        assert dialog is not None
        request = dialog.request("UPDATE")
        for name, value in (*self._core.abilities(), *self._call.session.asked()):
            request.headers.add(name, value)
        Errand(self._core, request, self, dialog=dialog, contact_user=self._call.contact_user).start(dialog.way(), now)

    def answered(self, response: Response, now: float) -> None:
        if response.status < 200 or self._call.is_over:
            return
        if response.status < 300 and self._call.dialog is not None:
            self._call.dialog.refresh(response)
        self._updater.updated(response, now)

    def unanswered(self, status: int, reason: str, now: float) -> None:
        if not self._call.is_over:
            self._updater.updated(Response(status, reason, Headers()), now)
