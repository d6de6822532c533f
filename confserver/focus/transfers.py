"""REFER, both ways (RFC 3515, RFC 4579 sections 5.5 to 5.9).

::

    REFER to a room, in a call or by its URI -> who may? the fence --> Dial -> 202, NOTIFYs with the call's progress
                          with ;method=BYE   -> who may? ------------> Kick -> 202, NOTIFY
                          with explicitsub   -> 200 and where the news are: SUBSCRIBE there -> NOTIFYs (RFC 7614)
    Transfer (command)    -> REFER in the participant's call -> NOTIFYs -> TransferEnded; done: BYE
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from confserver.focus.admission import Admission
from confserver.focus.answers import NoAnswer, of_room, warning
from confserver.focus.dialout import CAUSES, Dialout
from confserver.focus.legs import Leg, Stage
from confserver.focus.members import Policy, check_may, is_moderator, member_of
from confserver.focus.outputs import Headers, Respond
from confserver.focus.requests import Requests
from confserver.focus.scene import SIP, Scene
from confserver.routing.fence import Unreachable, read_callee
from confserver.sip.events import Event
from confserver.sip.extensions import replaces
from confserver.sip.extensions.refer import EVENT, SIPFRAG, Refer, read_sipfrag, refer_of, write_sipfrag
from confserver.sip.grammar import Malformed
from confserver.sip.identity import caller_id
from confserver.sip.message import Request, Response
from confserver.sip.outputs import RequestArrived, RequestInCall
from confserver.sip.uri import parse_uri
from rooms import events as tell
from rooms.commands import Command, Dial, Kick, NoteTransferred, Transfer
from rooms.errors import Conflict, Invalid, Refused
from rooms.manager import resolve
from rooms.participant import SYSTEM, Actor, ParticipantId, Role

NEWS_S = 180
"""So long a subscription to the progress of a REFER is said to last."""
MOVE_S = 90.0
"""So long a phone may take for the call elsewhere."""
DONE = "done"
KEPT_S = 64.0
"""So long the last word is kept for who subscribes late (RFC 7614 section 5: the SUBSCRIBE may cross it)."""
MOST_KEPT = 1000


@dataclass(slots=True)
class News:
    """How far it has come with what a REFER wants; a status of 200 or above is the last word."""

    subscriptions: set[int] = field(default_factory=set)
    """Empty: nobody wants to know."""
    status: int = 100
    words: str = ""
    place: str = ""
    """Where who asks for them finds them, as the user part of a URI; "" for those that go out by themselves."""

    def compose(self, whole: bool) -> tuple[bytes, str]:
        """A NOTIFY says it all each time."""
        return write_sipfrag(self.status, self.words), f"{SIPFRAG};version=2.0"


@dataclass(slots=True)
class Move:
    """A phone that we have asked to call somebody else."""

    leg: Leg
    until: float


class Transfers:
    """All REFERs under way."""

    def __init__(
        self,
        scene: Scene,
        requests: Requests,
        admission: Admission,
        dialout: Dialout,
        who: Policy = "members",
        token: Callable[[], str] = secrets.token_urlsafe,
    ) -> None:
        """``token`` gives what nobody can guess."""
        self._token = token
        self._scene = scene
        self._requests = requests
        self._admission = admission
        self._dialout = dialout
        self._who: Policy = who
        self._news: dict[ParticipantId, News] = {}
        """Whom to tell how the call to a participant goes."""
        self._explicit: dict[str, News] = {}
        """News for who asks for them, by the user part of where they are; the oldest come first."""
        self._over: dict[str, float] = {}
        """Until when those are kept whose last word has been said."""
        self._moves: dict[int, Move] = {}
        """By call."""
        requests.in_call["REFER"] = self._referred_in_call
        requests.outside["REFER"] = self._referred
        requests.in_call["NOTIFY"] = self._notified
        requests.subscribed[EVENT] = self._subscribed
        scene.followers.append(self.follow)

    # ------------------------------------------------------------------ theirs
    def _referred_in_call(self, event: RequestInCall, now: float) -> None:
        leg = self._scene.legs.by_call.get(event.call)
        try:
            if leg is None or leg.stage is not Stage.PRESENT:
                raise NoAnswer(480, "", (warning(399, "the call is not up"),))
            refer = _read(event.request)
            self._obey(event.transaction, leg.room, refer, event.request, leg, now, by_call=leg)
        except NoAnswer as no:
            self._scene.say(Respond(event.transaction, no.status, no.reason, no.headers))

    def _referred(self, event: RequestArrived, now: float) -> None:
        """By the room's URI."""
        request = event.request
        try:
            room = self._admission.room_of(request, event.flow)
            refer = _read(request)
            leg = member_of(self._scene, room, request, event.flow)
            self._obey(event.transaction, room, refer, request, leg, now)
        except NoAnswer as no:
            self._scene.say(Respond(event.transaction, no.status, no.reason, no.headers))

    def _obey(
        self,
        transaction: int,
        room: str,
        refer: Refer,
        request: Request,
        leg: Leg | None,
        now: float,
        by_call: Leg | None = None,
    ) -> None:
        """``leg``: whose wish it is; ``by_call``: where it came in his call. Raises NoAnswer; nothing has changed then.

        Several REFERs of one call are told apart by an id (RFC 3515 2.4.6). Deviation: only while they run beside each
        other; pjsua2 answers 481 to the id of its second REFER, though it has written that CSeq itself.
        """
        event = Event(EVENT, str(request.cseq.number) if by_call is not None and by_call.refers else "")
        if refer.method == "BYE":
            participant = self._remove(room, refer, leg, now)
            news = self._accept(transaction, refer, request, event, by_call)
            self._tell(news, 200, now, f"{participant} is asked to leave")
        elif refer.method == "INVITE":
            check_may(self._who, self._scene, leg, "call others into the room")
            participant = self._call(room, refer, request, leg, now)
            self._news[participant] = self._accept(transaction, refer, request, event, by_call)
        else:
            raise NoAnswer(403, "", (warning(399, "Refer-To takes the methods INVITE and BYE only"),))

    def _accept(self, transaction: int, refer: Refer, request: Request, event: Event, by_call: Leg | None) -> News:
        """202, and the subscription to what comes of it (RFC 3515 section 2.4.4), unless nobody wants to know."""
        if refer.is_explicit:
            return self._lay_out(transaction, request)
        if not refer.wants_news:
            headers = (("Refer-Sub", "false"),) if refer.is_told_so else ()  # RFC 4488 section 4
            self._scene.say(Respond(transaction, 202, "", headers))
            return News()
        news = News({transaction})
        ended = partial(self._unsubscribed, news, transaction, by_call)
        if by_call is not None:
            by_call.refers += 1
        self._requests.grant(transaction, news.compose, ended, event=event, most_s=NEWS_S)
        return news

    def _unsubscribed(self, news: News, number: int, by_call: Leg | None, cause: str, now: float) -> None:
        """The last word has been said, or the phone wants no more, or its call has ended."""
        news.subscriptions.discard(number)
        if by_call is not None:
            by_call.refers -= 1

    def _tell(self, news: News, status: int, now: float, words: str = "") -> None:
        news.status, news.words = status, words
        for number in sorted(news.subscriptions):
            if status >= 200:
                self._requests.end(number)
            else:
                self._requests.notify(number)
        if status >= 200 and news.place in self._explicit:
            self._over[news.place] = now + KEPT_S

    # ------------------------------------------------------------------ news for who asks for them (RFC 7614)
    def _lay_out(self, transaction: int, request: Request) -> News:
        """200 with the place of the news, which nobody can guess."""
        news = News(place=f"refer-{self._token()}")
        while len(self._explicit) >= MOST_KEPT:
            self._forget(next(iter(self._explicit)))
        self._explicit[news.place] = news
        place = request.uri.replace(user=news.place, params=(), headers=())
        self._scene.say(Respond(transaction, 200, "", (("Refer-Events-At", f"<{place}>"),)))
        return news

    def _subscribed(self, event: RequestArrived, now: float) -> None:
        """What has been said last is said at once; where that is the last word, nothing else."""
        news = self._explicit.get(event.request.uri.user)
        if news is None:
            self._scene.say(Respond(event.transaction, 404, "", (warning(399, "nothing is known of such a REFER"),)))
            return
        news.subscriptions.add(event.transaction)
        ended = partial(self._unsubscribed, news, event.transaction, None)
        self._requests.grant(event.transaction, news.compose, ended, most_s=NEWS_S, status=200)
        if news.status >= 200:
            self._requests.end(event.transaction)

    def _forget(self, place: str) -> None:
        self._explicit.pop(place, None)
        self._over.pop(place, None)

    def _call(self, room: str, refer: Refer, request: Request, leg: Leg | None, now: float) -> ParticipantId:
        """Raises NoAnswer."""
        headers: Headers = (("Referred-By", refer.referred_by),)
        if refer.replaces is not None:
            headers = (*headers, ("Replaces", replaces.written(refer.replaces)))
        who = leg.participant if leg else caller_id(request, is_believed=False).address.label
        actor = Actor(who, Role.MODERATOR, leg.participant if leg else None, SIP, leg.source if leg else "")
        command = Dial(room, str(refer.target), refer.name)
        try:
            self._dialout.check(command, actor, now, headers)
            events = self._scene.ask(command, actor, now)
        except Refused as refused:
            draining = self._scene.draining
            raise draining.answer(request) if draining else of_room(refused) from refused
        return next(event.participant for event in events if isinstance(event, tell.Dialled))

    def _remove(self, room: str, refer: Refer, leg: Leg | None, now: float) -> ParticipantId:
        """Oneself, whom one has called, or anybody for a moderator. Raises NoAnswer."""
        target = self._named(room, refer)
        may = leg is not None and (target is leg or target.called_by == leg.participant)
        if not may and not is_moderator(self._scene, leg):
            raise NoAnswer(403, "", (warning(399, "it takes a moderator to remove others"),))
        try:
            self._scene.ask(Kick(room, target.participant), SYSTEM, now)
        except Refused as refused:
            raise of_room(refused) from refused
        return target.participant

    def _named(self, room: str, refer: Refer) -> Leg:
        """By the address of the participant, by his id, or as the room's documents name his phone. Raises NoAnswer."""
        ids = refer.target.user, refer.target.param("participant")
        for leg in self._scene.legs.in_room(room):
            if leg.participant in ids or (leg.address and _is(leg.address, refer)):
                return leg
        raise NoAnswer(404, "", (warning(399, "nobody in the room has that address"),))

    # ------------------------------------------------------------------ what has come of it
    def follow(self, event: tell.Event) -> None:
        """Pass on how calls go; ask phones that are to go elsewhere."""
        match event:
            case tell.DialRinging(participant=who, status=status) if who in self._news:
                self._tell(self._news[who], status, event.at)
            case tell.ParticipantArrived(participant=who) if who in self._news:
                self._tell(self._news.pop(who), 200, event.at)
            case tell.DialFailed(participant=who, status=status, cause=cause) if who in self._news:
                words = "" if status in CAUSES else cause
                self._tell(self._news.pop(who), status if status >= 300 else 503, event.at, words)
            case tell.Transferring():
                self._move(event)
            case tell.ParticipantLeft(participant=who):
                self._moves = {call: move for call, move in self._moves.items() if move.leg.participant != who}

    # ------------------------------------------------------------------ ours
    def check(self, command: Command) -> None:
        """Whether the phone can be asked to go elsewhere. Raises Refused."""
        if not isinstance(command, Transfer):
            return
        who = resolve(self._scene.rooms.get(command.room), command.participant)
        leg = self._scene.legs.by_participant.get(who)
        if leg is not None and not leg.takes("REFER"):
            raise Conflict("that phone cannot be sent elsewhere: it takes no REFER")
        try:
            read_callee(command.uri)
        except Unreachable as why:
            raise Invalid(why.reason) from why

    def _move(self, event: tell.Transferring) -> None:
        leg = self._scene.legs.by_participant.get(event.participant)
        if leg is None:
            return
        self._moves[leg.call] = Move(leg, event.at + MOVE_S)
        host = f"[{leg.local_host}]" if ":" in leg.local_host else leg.local_host
        us = f"<sip:{leg.room}@{host}>"
        headers = (("Refer-To", f"<{read_callee(event.uri)}>"), ("Referred-By", us))
        self._requests.ask(leg.call, "REFER", lambda response, now: self._moving(leg, response, now), headers)

    def _moving(self, leg: Leg, response: Response, now: float) -> None:
        if response.status >= 300:
            self._moved(leg, response.reason or str(response.status), response.status, now)

    def _notified(self, event: RequestInCall, now: float) -> None:
        """News of a REFER of ours; of anything else there is no subscription (RFC 6665 4.1.3: 481)."""
        request, move = event.request, self._moves.get(event.call)
        kind = (request.headers.get("Event") or "").partition(";")[0].strip().lower()
        state = (request.headers.get("Subscription-State") or "").partition(";")[0].strip().lower()
        if move is None or kind != EVENT:
            self._scene.say(Respond(event.transaction, 481))
            return
        try:
            status, reason = read_sipfrag(request.body) if request.body else (100, "")
        except Malformed as fault:
            self._scene.say(Respond(event.transaction, 400, "", (warning(399, fault.reason),)))
            return
        self._scene.say(Respond(event.transaction, 200))
        if status >= 200:
            self._moved(move.leg, DONE if status < 300 else CAUSES.get(status, reason or str(status)), status, now)
        elif state == "terminated":
            self._moved(move.leg, "the phone says no more of it", 0, now)

    def _moved(self, leg: Leg, cause: str, status: int, now: float) -> None:
        """The call elsewhere stands, or will not; only then is the participant let go."""
        if self._moves.pop(leg.call, None) is None:
            return
        self._scene.try_ask(NoteTransferred(leg.room, leg.participant, cause, status), SYSTEM, now)
        if cause == DONE:
            self._scene.hang_up(leg, "transferred")

    # ------------------------------------------------------------------ time
    def next_deadline(self) -> float | None:
        return min((*(move.until for move in self._moves.values()), *self._over.values()), default=None)

    def fire(self, now: float) -> None:
        for move in [move for move in self._moves.values() if move.until <= now]:
            self._moved(move.leg, "no word from the phone", 0, now)
        for place in [place for place, until in self._over.items() if until <= now]:
            self._forget(place)


def _read(request: Request) -> Refer:
    """Raises NoAnswer."""
    try:
        refer = refer_of(request)
    except Malformed as fault:
        raise NoAnswer(400, "", (warning(399, fault.reason),)) from fault
    if not refer.target.is_sip and refer.target.scheme != "tel":
        raise NoAnswer(416, "", (warning(399, f"{refer.target.scheme[:20]}: addresses cannot be called"),))
    return refer


def _is(address: str, refer: Refer) -> bool:
    try:
        return parse_uri(address).matches(refer.target)
    except Malformed:
        return False
