"""What a stack is told about its house."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from confserver.sip.doorkeeper import OPEN_DOOR, Doorkeeper
from confserver.sip.extensions import METHODS, OPTION_TAGS
from confserver.sip.flow import Address, Flow
from confserver.sip.proxy.plan import Planner, all_for_us, nothing_is_ours
from confserver.sip.sentry import OPEN, Sentry
from confserver.sip.tap import NO_TAP, Tap
from confserver.sip.uri import Uri


def local_address(flow: Flow) -> Address:
    return flow.local


def believes_nobody(_: Flow) -> bool:
    return False


def everybody(_: Flow) -> str:
    return ""


def nobody(_: Flow, __: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class StackSettings:
    user_agent: str = "confserver"
    """User-Agent and Server; "" for none."""
    advertised: Callable[[Flow], Address] = local_address
    """What Via and Contact say to the peer of a flow."""
    unwelcome: Callable[[Flow], str] = everybody
    """Why nothing new is taken from a flow, "" where it is. Such requests get 403 and leave no trace: whoever sends
    them from a made-up address makes us send one datagram for each of his, and keep nothing."""
    sentry: Sentry = OPEN
    """Whom strangers have to pass."""
    doorkeeper: Doorkeeper = OPEN_DOOR
    """Who asks for credentials."""
    tap: Tap = NO_TAP
    """Who is told of each message that comes and can be read."""
    option_tags: tuple[str, ...] = OPTION_TAGS
    """Extensions that a Require may name; also Supported."""
    vouches: Callable[[Flow, str], bool] = nobody
    """Whether a connection that has come is believed to be that of a host or domain (RFC 5923 section 9): only then
    requests to there go by it."""
    keeps_alive: bool = False
    """Connections of ours are kept alive where the peer wants it (RFC 6223), and offered for reuse."""
    register_tags: tuple[str, ...] = ()
    """Extensions that a REGISTER may require besides."""
    needed_tags: tuple[str, ...] = ()
    """Extensions without which no call is taken (421)."""
    most_body: int = 32 * 1024
    """Bytes of a body; 413 to more."""
    has_tcp: bool = False
    """Requests that are too large for UDP go by TCP (RFC 3261 18.1.1)."""
    content_types: tuple[str, ...] = ("application/sdp",)
    allow: tuple[str, ...] = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", *METHODS)
    """Methods that we know. Those the stack does not answer itself come as RequestArrived."""
    features: str = ""
    """Parameters of our Contact that say what we are (RFC 3840): ``;isfocus`` and its like."""
    most_transactions: int = 20_000
    """Server transactions at once; above it 503 with Retry-After (RFC 3261 21.5.4)."""
    most_bytes: int = 64 << 20
    """Of the requests that they keep; above it 503 as well."""
    most_calls: int = 5_000
    events: tuple[str, ...] = ()
    """Event packages that may be subscribed to (RFC 6665)."""
    most_subscriptions: int = 5_000
    """Above it 503 with Retry-After."""
    most_subscriptions_at: int = 200
    """Of one host; above it 480 with Retry-After."""
    min_subscription_s: int = 60
    """The shortest subscription; 423 to less."""
    retry_after: int = 10
    """Seconds, in that 503."""
    planner: Planner = all_for_us
    """What becomes of a request outside of a dialog that is not for our own user agent."""
    is_ours: Callable[[Uri], bool] = nothing_is_ours
    """Whether a URI names this server: by its own Route we know that a request has been sent to us on purpose."""
    follows_redirects: bool = False
    """Whether a 3xx from who was called is followed by us where it leads to addresses of ours (16.7, step 4)."""
    realm: str = ""
    """Credentials for it are for us alone, and not sent on."""
    believes: Callable[[Flow], bool] = believes_nobody
    """Whose word on a caller's identity is sent on (RFC 3325 section 5)."""
    secret: str = ""
    """Signs our Record-Routes, so that dialogs outlive a restart; "": one that does not."""
    session_expires_s: int = 0
    """The session timer that we ask for (RFC 4028); 0: only what the peer asks for."""
    min_se_s: int = 90
    """The shortest that we take; 422 to less."""
