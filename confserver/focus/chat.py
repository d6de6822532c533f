"""Text in rooms: MESSAGE (RFC 3428) to a room, from its members and from elsewhere, and from it to all who can read.

::

    MESSAGE in a call, or to the room's URI -> who may?                      403
                                            -> text/plain, message/cpim      415 (Accept), 413, 400
                                            -> Message (event) -> 202        200 where nobody else is there
    Message -> MESSAGE in the call of each other participant whose phone takes it (Allow names it, or is not there)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from confserver.focus.admission import Admission
from confserver.focus.answers import NoAnswer, of_room, warning
from confserver.focus.legs import Leg, Stage
from confserver.focus.members import Policy, check_may, member_of
from confserver.focus.outputs import Respond
from confserver.focus.requests import Requests
from confserver.focus.scene import Scene
from confserver.sip import cpim
from confserver.sip.grammar import Malformed
from confserver.sip.identity import caller_id
from confserver.sip.message import Request, Response
from confserver.sip.outputs import RequestArrived, RequestInCall
from rooms import events as tell
from rooms.commands import NoteText
from rooms.errors import Invalid, Refused
from rooms.participant import SYSTEM

TYPES = (cpim.PLAIN, cpim.TYPE)
MOST_AT_ONCE, AT_ONCE_S = 10, 10.0
"""So many messages in so many seconds are taken from one participant, and from all of those outside together."""
NEVER_AGAIN = (405, 415, 501)
"""After such an answer a phone gets no more text."""
CHARSETS = ("", "utf-8", "us-ascii", "utf8")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTerms:
    """The settings. ``who`` may write to a room; ``most_bytes`` a body may have."""

    who: Policy = "members"
    most_bytes: int = 4096


class Chat:
    """All messages."""

    def __init__(self, scene: Scene, requests: Requests, admission: Admission, terms: ChatTerms) -> None:
        self._scene = scene
        self._requests = requests
        self._admission = admission
        self._terms = terms
        self._outside: list[float] = []
        requests.in_call["MESSAGE"] = self._said_in_call
        requests.outside["MESSAGE"] = self._said_outside
        scene.followers.append(self.follow)

    # ------------------------------------------------------------------ theirs
    def _said_in_call(self, event: RequestInCall, now: float) -> None:
        leg = self._scene.legs.by_call.get(event.call)
        try:
            if leg is None or leg.stage is not Stage.PRESENT:
                raise NoAnswer(480, "", (warning(399, "the call is not up"),))
            self._take(event.transaction, event.request, leg.room, leg, now)
        except NoAnswer as no:
            self._scene.say(Respond(event.transaction, no.status, no.reason, no.headers))

    def _said_outside(self, event: RequestArrived, now: float) -> None:
        request, flow = event.request, event.flow
        try:
            room = self._admission.room_of(request, flow)
            self._take(event.transaction, request, room, member_of(self._scene, room, request, flow), now)
        except NoAnswer as no:
            self._scene.say(Respond(event.transaction, no.status, no.reason, no.headers))

    def _take(self, transaction: int, request: Request, room: str, leg: Leg | None, now: float) -> None:
        """Raises NoAnswer."""
        check_may(self._terms.who, self._scene, leg, "write to the room")
        text = self._text_of(request)
        self._check_rate(leg, now)
        if leg is not None:
            command = NoteText(room, text, leg.participant)
        else:
            who = caller_id(request, is_believed=False).address
            command = NoteText(room, text, "", who.label, str(who.uri))
        try:
            self._scene.ask(command, SYSTEM, now)
        except Invalid as refused:
            raise NoAnswer(400, "", (warning(399, refused.reason),)) from refused
        except Refused as refused:
            raise of_room(refused) from refused
        others = [each for each in self._listeners(room) if each is not leg]
        self._scene.say(Respond(transaction, 202 if others else 200))  # RFC 3428 section 7

    def _text_of(self, request: Request) -> str:
        """Raises NoAnswer."""
        if len(request.body) > self._terms.most_bytes:
            raise NoAnswer(413, "", (warning(399, f"{self._terms.most_bytes} bytes are the most"),))
        encodings = [value.lower() for value in request.headers.get_all("Content-Encoding")]
        charset = (request.headers.get("Content-Type") or "").lower().partition("charset=")[2].partition(";")[0]
        if request.content_type not in TYPES or charset.strip(' "') not in CHARSETS or set(encodings) - {"identity"}:
            raise _unknown_type()
        try:
            if request.content_type == cpim.PLAIN:
                return cpim.text_of(request.body)
            message = cpim.parse_cpim(request.body)
            if message.content_type != cpim.PLAIN:
                raise _unknown_type()
            return message.text()
        except Malformed as fault:
            raise NoAnswer(400, "", (warning(399, fault.reason),)) from fault

    def _check_rate(self, leg: Leg | None, now: float) -> None:
        """Each message costs as many as there are people in the room. Raises NoAnswer."""
        said = self._outside if leg is None else leg.texts
        if len(said) == MOST_AT_ONCE and now - said[0] < AT_ONCE_S:
            words = f"{MOST_AT_ONCE} messages in {AT_ONCE_S:.0f} s are the most"
            raise NoAnswer(480, "Too Many Messages", (("Retry-After", "10"), warning(399, words)))
        said.append(now)
        del said[:-MOST_AT_ONCE]

    # ------------------------------------------------------------------ ours
    def follow(self, event: tell.Event) -> None:
        """To all but who says it, or to one alone."""
        if isinstance(event, tell.ParticipantArrived):
            self._replay(event)
        if not isinstance(event, tell.Message):
            return
        for leg in self._listeners(event.room):
            if leg.participant != event.participant and event.to in ("", leg.participant):
                self._send(leg, event, in_envelope=leg.takes_cpim)

    def _replay(self, event: tell.ParticipantArrived) -> None:
        """What was written before, to who comes later; not to who has gone on at once to another room."""
        leg, room = self._scene.legs.by_participant.get(event.participant), self._scene.rooms.find(event.room)
        if leg is not None and room is not None and leg.room == event.room and leg.takes("MESSAGE"):
            for message in room.chat.last(room.policy.chat_replay):
                self._send(leg, message, in_envelope=leg.takes_cpim)

    def _listeners(self, room: str) -> list[Leg]:
        return [leg for leg in self._scene.legs.in_room(room) if leg.stage is Stage.PRESENT and leg.takes("MESSAGE")]

    def _send(self, leg: Leg, event: tell.Message, *, in_envelope: bool) -> None:
        kind, body = (cpim.TYPE, self._envelope(leg, event)) if in_envelope else (_PLAIN_UTF8, _plain(event))
        self._requests.ask(leg.call, "MESSAGE", partial(self._sent, leg, event, in_envelope), (), body, kind)

    def _envelope(self, leg: Leg, event: tell.Message) -> bytes:
        host = f"[{leg.local_host}]" if ":" in leg.local_host else leg.local_host
        room = cpim.Address("", f"sip:{event.room}@{host}")
        who = cpim.Address(event.name, event.address) if event.address else cpim.Address(event.name, room.uri)
        return cpim.write_cpim(cpim.Cpim(who, (room,), event.text.encode(), at=event.at))

    def _sent(self, leg: Leg, event: tell.Message, was_in_envelope: bool, response: Response, now: float) -> None:
        """A phone that takes no envelope may take plain text."""
        if response.status == 415 and was_in_envelope:
            leg.takes_cpim = False
            if self._scene.legs.by_id.get(leg.id) is leg and leg.stage is Stage.PRESENT:
                self._send(leg, event, in_envelope=False)
        elif response.status in NEVER_AGAIN:
            leg.refuses |= {"MESSAGE"}


_PLAIN_UTF8 = "text/plain;charset=utf-8"


def _plain(event: tell.Message) -> bytes:
    """Who says it stands before it: all messages of a room come from the room."""
    by_somebody = bool(event.participant or event.address)
    return (f"{event.name}: {event.text}" if by_somebody else event.text).encode()


def _unknown_type() -> NoAnswer:
    return NoAnswer(415, "", (("Accept", ", ".join(TYPES)), ("Accept-Encoding", "identity")))
