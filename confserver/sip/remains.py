"""What is left of a dialog when the process that had it is gone: enough to end it politely by BYE.

A dialog that stands gives its ``Remains``, text alone, to be kept on disk; after a crash the next process says BYE by
them (RFC 3261 15.1.1). Its CSeq goes on far behind the one that was noted, since requests may have been sent later:
gaps are allowed (12.2.2).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from confserver.sip.dialog import Dialog
from confserver.sip.extensions.reason import of_cause
from confserver.sip.grammar import Malformed
from confserver.sip.headers import parse_name_addr
from confserver.sip.requests import UNATTENDED, Errand
from confserver.sip.uri import parse_uri
from confserver.sip.ways import Hop, Way

if TYPE_CHECKING:
    from confserver.sip.core import Core

CSEQ_GAP = 100_000
"""More requests than one call may have had since."""
MOST_BYTES = 16 * 1024
"""Of one dialog: a longer route set is not worth keeping."""


@dataclass(frozen=True, slots=True)
class Remains:
    call_id: str
    local: str
    """From of our requests, with our tag."""
    remote: str
    target: str
    routes: tuple[str, ...]
    cseq: int
    transport: str
    host: str
    port: int
    """Where the next request would have gone."""

    def written(self) -> str:
        """As ASCII, whatever bytes the peer has sent."""
        return json.dumps(asdict(self), separators=(",", ":"))


def remains_of(dialog: Dialog) -> Remains | None:
    """None where there is no way to the peer, or it takes too much to say."""
    way = dialog.way()
    if way.flow is not None and not way.flow.is_reliable:
        hop = Hop(way.flow.transport, *way.flow.remote)
    elif way.hop is not None:
        hop = way.hop
    elif way.fallback is not None:
        hop = Hop(way.fallback.transport, *way.fallback.remote)
    else:
        return None
    routes = tuple(str(route) for route in dialog.routes)
    remains = Remains(
        dialog.call_id, str(dialog.local), str(dialog.remote), str(dialog.target), routes, dialog.local_cseq,
        hop.transport, hop.host, hop.port,
    )  # fmt: skip
    return remains if len(remains.written()) <= MOST_BYTES else None


def read_remains(text: str) -> Remains | None:
    """None where it is damaged."""
    try:
        fields = json.loads(text)
        return Remains(**{**fields, "routes": tuple(fields["routes"])})
    except (ValueError, TypeError, KeyError):
        return None


def say_goodbye(core: Core, remains: Remains, cause: str, now: float) -> bool:
    """Send BYE, as often as its transaction asks for. False where the remains make no sense."""
    try:
        dialog = Dialog(
            remains.call_id, parse_name_addr(remains.local), parse_name_addr(remains.remote),
            parse_uri(remains.target), core.settings.user_agent,
        )  # fmt: skip
        dialog.routes = tuple(parse_name_addr(route) for route in remains.routes)
    except Malformed:
        return False
    dialog.local_cseq = remains.cseq + CSEQ_GAP
    bye = dialog.request("BYE")
    bye.headers.add(*of_cause(cause))
    Errand(core, bye, UNATTENDED).start(Way(hop=Hop(remains.transport, remains.host, remains.port)), now)
    return True
