"""All that the focus can ask for. Frozen data; ``app`` performs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from confserver.contract import LegId, ToScribe, ToWorker
from confserver.routing.dialplan import Target
from confserver.sip.events import Event
from confserver.sip.flow import Flow
from confserver.sip.headers import NameAddr
from confserver.sip.outputs import CallId
from confserver.sip.subscription import Compose
from rooms.events import Event as Happened
from rooms.participant import ParticipantId
from rooms.records.audit import Entry
from rooms.records.figures import Figures

Headers = tuple[tuple[str, str], ...]


# ------------------------------------------------------------------ for the stack
@dataclass(frozen=True, slots=True)
class Accept:
    call: CallId
    body: bytes


@dataclass(frozen=True, slots=True)
class Ring:
    """A provisional answer; with a body media run before the answer, as far as the phone can."""

    call: CallId
    status: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class NameRoom:
    """Our Contact in a call that came has this user: the room, where the caller has asked for another name."""

    call: CallId
    user: str


@dataclass(frozen=True, slots=True)
class Refuse:
    call: CallId
    status: int
    reason: str
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    call: CallId
    body: bytes


@dataclass(frozen=True, slots=True)
class RefuseOffer:
    call: CallId
    status: int
    reason: str
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """Send a re-INVITE; answered by OfferAnswered, also where it cannot be sent now (491)."""

    call: CallId
    body: bytes


@dataclass(frozen=True, slots=True)
class HangUp:
    call: CallId
    cause: str


@dataclass(frozen=True, slots=True)
class Call:
    """Make a call for a leg: ``Focus.called`` is told its number.

    ``offer`` gives the body, once it is known by which flow the INVITE goes.
    """

    leg: LegId
    target: Target
    from_: NameAddr
    to: NameAddr
    user: str
    """Of our Contact: the room."""
    offer: Callable[[Flow], bytes]
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Abandon:
    """End a call of ours that the stack has not been asked for yet; answered by CallEnded."""

    call: CallId
    cause: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask the phone whether it still lives (OPTIONS in the dialog)."""

    call: CallId


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer a request other than INVITE."""

    transaction: int
    status: int
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a request in a call; see ``requests.Requests.ask``."""

    key: int
    call: CallId
    method: str
    headers: Headers = ()
    body: bytes = b""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request outside of any dialog; see ``requests.Requests.send``. ``user``: of our Contact."""

    key: int
    method: str
    target: Target
    from_: NameAddr
    to: NameAddr
    user: str = ""
    headers: Headers = ()
    body: bytes = b""
    content_type: str = ""
    series: tuple[str, int] | None = None
    """Call-ID and CSeq of one that follows others."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Answer a SUBSCRIBE or REFER, and notify from now on; the subscription has the transaction's number.

    ``compose`` and ``pace_s`` as in ``sip.subscription``. Its last word is SubscriptionEnded, whatever comes.
    """

    transaction: int
    compose: Compose
    event: Event | None = None
    most_s: int = 3600
    status: int = 202
    pace_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Notify:
    """What a subscription is about has changed."""

    subscription: int


@dataclass(frozen=True, slots=True)
class EndSubscription:
    """``reason`` and ``retry_after`` as in RFC 6665 4.1.3."""

    subscription: int
    reason: str = "noresource"
    retry_after: int | None = None


# ------------------------------------------------------------------ for the others
@dataclass(frozen=True, slots=True)
class TellWorker:
    worker: int
    command: ToWorker


@dataclass(frozen=True, slots=True)
class TellScribe:
    """What it answers comes back by ``Focus.hear_scribe``."""

    command: ToScribe


@dataclass(frozen=True, slots=True)
class Tell:
    """Something for the log that belongs to no room; ``is_trouble``: an operator should look at it."""

    event: str
    facts: tuple[tuple[str, object], ...]
    is_trouble: bool = False


@dataclass(frozen=True, slots=True)
class Publish:
    """What has happened in the rooms: for the store, the log and whoever listens."""

    events: tuple[Happened, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What the media of one who has left have come to; ``is_last``: by the worker's last word, which follows."""

    room: str
    participant: ParticipantId
    figures: Figures
    at: float
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Audited:
    """Somebody has asked for something by his phone."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Recorded:
    """The recording of a room has got its name; "": it has ended."""

    room: str
    name: str
    at: float


Output = (
    Accept | NameRoom | Ring | Refuse | AcceptOffer | RefuseOffer | Offer | HangUp | Call | Abandon | Probe | Respond
    | Ask | Send | Grant | Notify | EndSubscription | TellWorker | TellScribe | Tell | Publish
    | Measured | Recorded | Audited
)  # fmt: skip
