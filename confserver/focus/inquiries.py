"""OPTIONS: whether a room takes calls, what it would agree on, and, to those who may watch it, how it stands.

RFC 3261 11.2 has it answered as an INVITE to the same place would be, RFC 3264 section 9 says how abilities are
described, and RFC 4575 what a room is; which of the two descriptions comes is for Accept to say.
"""

from __future__ import annotations

from confserver.focus import conference_info as info
from confserver.focus.admission import Admission
from confserver.focus.answers import NoAnswer
from confserver.focus.outputs import Respond
from confserver.focus.requests import Requests
from confserver.focus.scene import Scene
from confserver.focus.watching import Watching, reads
from confserver.sdp import extras
from confserver.sdp.agreement import Local
from confserver.sdp.negotiation import offer
from confserver.sdp.text import write
from confserver.sip.message import Request
from confserver.sip.outputs import RequestArrived

SDP = "application/sdp"
UNSPECIFIED = {False: "0.0.0.0", True: "::"}
"""What a description of abilities has in place of an address (RFC 3264 section 9: nothing is ever sent there)."""


class Inquiries:
    def __init__(self, scene: Scene, requests: Requests, admission: Admission, watching: Watching) -> None:
        self._scene = scene
        self._admission = admission
        self._watching = watching
        requests.outside["OPTIONS"] = self._asked

    def _asked(self, event: RequestArrived, now: float) -> None:
        """Deviation: workers are not asked. One that is lost is replaced within a second, and whoever watches us by
        OPTIONS (a proxy in front) should not give us up for that.
        """
        try:
            room = self._admission.room_for(event.request, event.flow)
        except NoAnswer as no:
            self._scene.say(Respond(event.transaction, no.status, no.reason, no.headers))
            return
        body, content_type = self._described(room, event) if room else (b"", "")
        self._scene.say(Respond(event.transaction, 200, body=body, content_type=content_type))

    def _described(self, room: str, event: RequestArrived) -> tuple[bytes, str]:
        """The room itself where that is what they read and they may; else what a call to it would agree on."""
        request = event.request
        if not _prefers(request, info.TYPE):
            return (self._abilities(room, event.flow.is_ipv6), SDP) if reads(request, SDP) else (b"", "")
        seen = self._watching.seen_once(room, request, event.flow)
        return (seen.body, seen.type) if seen else (b"", "")

    def _abilities(self, room: str, is_ipv6: bool) -> bytes:
        """RFC 3264 section 9: port 0."""
        terms = self._scene.terms(room)
        local = Local(
            host=UNSPECIFIED[is_ipv6], port=0, session_id=0, ptime_ms=terms.ptime_ms, parameters=terms.stated,
            extras=extras.OURS,
        )  # fmt: skip
        return write(offer(terms.offered(), local))


def _prefers(request: Request, kind: str) -> bool:
    """Whether Accept names it, and no SDP before it."""
    named = [value.partition(";")[0].strip().lower() for value in request.headers.get_all("Accept")]
    return next((each == kind for each in named if each in (kind, SDP)), False)
