"""All that the stack can ask of the transports, and tell its user.

Frozen data. The first group is for the transports; the second is for whoever uses calls (the focus, the
robot phone). Bodies are bytes; ``content_type`` is in lower case without parameters, "" where there is no body.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from confserver.sip.events import Standing
    from confserver.sip.extensions.replaces import Other
    from confserver.sip.flow import Address, Flow
    from confserver.sip.message import Request, Response

CallId = int
"""Our own number of a call; never reused. (Not the Call-ID header.)"""


# ------------------------------------------------------------------ for the transports
@dataclass(frozen=True, slots=True)
class SendBytes:
    flow: Flow
    data: bytes


@dataclass(frozen=True, slots=True)
class OpenFlow:
    """Find a way to this address; answer with ``stack.flow_opened(token, flow)`` or ``flow_failed(token, reason)``.

    ``domain``: the name that was looked up, which the peer's certificate must have (RFC 5922 section 7.3); "" where
    none was.
    """

    token: int
    transport: str
    remote: Address
    domain: str = ""


@dataclass(frozen=True, slots=True)
class CloseFlow:
    """The peer has sent what cannot be framed, or has been idle; for connections only."""

    flow: Flow
    reason: str


@dataclass(frozen=True, slots=True)
class Resolve:
    """Look up where a domain is (RFC 3263; ``locating``): answer with ``stack.resolved(token, targets)``.

    ``transport`` "" and ``port`` 0 where none is named; ``is_secure``: nothing but TLS will do.
    """

    token: int
    host: str
    transport: str = ""
    port: int = 0
    is_secure: bool = False


# ------------------------------------------------------------------ for the user of calls
@dataclass(frozen=True, slots=True)
class CallArrived:
    """An INVITE outside a dialog. Answer with ``ring``, ``accept`` or ``refuse``; 100 has been sent."""

    call: CallId
    request: Request
    flow: Flow
    other: Other | None = None
    """The call whose place it takes, or that it joins (RFC 3891, RFC 3911)."""


@dataclass(frozen=True, slots=True)
class CallAcknowledged:
    """The ACK of our 2xx came; it carries the answer where the INVITE had no offer."""

    call: CallId
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class EarlyAnswered:
    """The PRACK of a provisional answer of ours that held our offer (RFC 3262 section 5); it carries the answer."""

    call: CallId
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class OfferArrived:
    """A re-INVITE, or an UPDATE or PRACK with an offer (RFC 3311, RFC 3262 section 5).

    A re-INVITE without a body wants our offer. Answer with ``accept_offer`` or ``refuse_offer``; OfferAcknowledged
    follows a re-INVITE alone.
    """

    call: CallId
    request: Request
    flow: Flow


@dataclass(frozen=True, slots=True)
class OfferAcknowledged:
    """The ACK of our 2xx to a re-INVITE came."""

    call: CallId
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class CallRinging:
    """A provisional answer (above 100) to our INVITE.

    A description in one that is reliable is the answer to our offer (RFC 3262 section 5): the 2xx need not have it.
    """

    call: CallId
    response: Response


@dataclass(frozen=True, slots=True)
class CallAccepted:
    """A 2xx to our INVITE; the ACK has been sent."""

    call: CallId
    response: Response
    flow: Flow


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """The final answer to our re-INVITE (a made-up 408 or 503 where none came)."""

    call: CallId
    status: int
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class ProbeAnswered:
    """The answer to our OPTIONS in the dialog; 408 where none came. After 408 and 481 CallEnded follows."""

    call: CallId
    status: int


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The last word of every call that arrived or was made.

    ``status``: for our INVITE refused, its final answer; for theirs, what we answered; 0 after a BYE.
    ``cause`` is for people: "hung up", "cancelled", "no ACK", "Busy Here", ...
    """

    call: CallId
    cause: str
    by_peer: bool
    status: int = 0
    detail: str = ""
    """Why it was refused, in the words of the answer's Warning (RFC 3261 20.43)."""
    answer: Response | None = field(default=None, compare=False, repr=False)
    """The answer that has refused our INVITE."""


@dataclass(frozen=True, slots=True)
class RelayBegan:
    """A request outside of a dialog is sent on to others. Nothing is wanted of our user."""

    number: int
    request: Request
    flow: Flow
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RelayEnded:
    """Its first final answer has come, or been made."""

    number: int
    status: int


@dataclass(frozen=True, slots=True)
class RequestArrived:
    """A request outside a dialog, of a method that we know, other than INVITE, ACK, CANCEL. Answer with ``respond``."""

    transaction: int
    request: Request
    flow: Flow


@dataclass(frozen=True, slots=True)
class RequestInCall:
    """A request in the dialog of a call, of a method that we know but the stack does not answer itself.

    Answer with ``respond``; where the call ends before, 487 has been said (RFC 3261 15.1.2).
    """

    call: CallId
    transaction: int
    request: Request
    flow: Flow


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """The final answer to a request of ours that ``ask`` or ``send`` has sent; made up (408, 503) where none came.

    Of a request in a call, 408 and 481 end the call as well (RFC 3261 12.2.1.2, RFC 5057 5.1): CallEnded follows.
    """

    number: int
    response: Response


@dataclass(frozen=True, slots=True)
class Notified:
    """A NOTIFY of a subscription of ours; answered already."""

    subscription: int
    standing: Standing
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class SubscriptionEnded:
    """The last word of every subscription, of others or of ours; what its last NOTIFY says has been asked for.

    ``cause`` is for people: "unsubscribed", "expired", "no answer to NOTIFY", or what ``end_subscription`` was given;
    of ours: the notifier's reason, or the words of its refusal, and when it may be tried again, if that was said.
    """

    subscription: int
    cause: str
    retry_after: int | None = None


Output = (
    SendBytes | OpenFlow | CloseFlow | Resolve | CallArrived | CallAcknowledged | EarlyAnswered | OfferArrived
    | OfferAcknowledged
    | CallRinging | CallAccepted | OfferAnswered | ProbeAnswered | CallEnded | RequestArrived
    | RelayBegan | RelayEnded
    | RequestInCall | RequestAnswered | SubscriptionEnded | Notified
)  # fmt: skip
