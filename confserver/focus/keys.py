"""Keys that participants press: by RTP (RFC 4733, or as tones), or by INFO; each press counts once.

Some phones send each key both ways. What comes by one way is passed over where the same key has just come by the
other; a key that is pressed twice comes twice by either.
"""

from __future__ import annotations

from confserver.focus.answers import warning
from confserver.focus.legs import Leg, Pressed
from confserver.focus.outputs import Headers, Respond
from confserver.focus.requests import Requests
from confserver.focus.scene import Scene
from confserver.sip.dtmf import TYPES, read_key
from confserver.sip.grammar import Malformed
from confserver.sip.outputs import RequestArrived, RequestInCall
from rooms.commands import NoteDigit
from rooms.participant import SYSTEM

RTP, INFO = "RTP", "INFO"
TWICE_S = 2.0
"""Within this the two ways of one press come, counted from the end of the key."""
MOST_PENDING = 16


class Keys:
    """What is pressed, in all calls."""

    def __init__(self, scene: Scene, requests: Requests) -> None:
        self._scene = scene
        requests.in_call["INFO"] = self.info
        requests.outside["INFO"] = self._info_outside

    def pressed(self, leg: Leg, digit: str, duration_ms: int, now: float, way: str = RTP) -> None:
        """A key, by one of its ways."""
        recent = [each for each in leg.keys if now - each.at < TWICE_S + each.duration_ms / 1000]
        twin = next((each for each in recent if each.digit == digit and each.way != way), None)
        if twin is not None:
            recent.remove(twin)
            leg.keys = recent
            return
        leg.keys = [*recent[-MOST_PENDING:], Pressed(digit, way, duration_ms, now)]
        self._scene.try_ask(NoteDigit(leg.room, leg.participant, digit, duration_ms), SYSTEM, now)

    def info(self, event: RequestInCall, now: float) -> None:
        """RFC 6086: packages are refused by name (469), bodies that we do not know by type (415).

        An INFO without a body is the question whether the call still stands (section 4.2.2: 200).
        """
        request, leg = event.request, self._scene.legs.by_call.get(event.call)
        if "Info-Package" in request.headers:
            self._answer(event.transaction, 469, "Bad Info Package", (("Recv-Info", ""),))
        elif not request.body:
            self._answer(event.transaction, 200)
        elif request.content_type not in TYPES:
            self._answer(event.transaction, 415, "", (("Accept", ", ".join(TYPES)),))
        else:
            try:
                digit, duration_ms = read_key(request.content_type, request.body)
            except Malformed as fault:
                self._answer(event.transaction, 400, "", (warning(399, fault.reason),))
                return
            self._answer(event.transaction, 200)
            if leg is not None:
                self.pressed(leg, digit, duration_ms, now, INFO)

    def _info_outside(self, event: RequestArrived, now: float) -> None:
        """There is none outside of a dialog (RFC 6086 section 4.2.2)."""
        self._answer(event.transaction, 481)

    def _answer(self, transaction: int, status: int, reason: str = "", headers: Headers = ()) -> None:
        self._scene.say(Respond(transaction, status, reason, headers))
