"""INVITEs that speak of another dialog: Replaces (RFC 3891) takes its place, Join (RFC 3911) joins its conversation.

::

    INVITE with Replaces or Join -- unreadable, or more than one of them --> 400
                                 -- matches no dialog --------------------> 481
                                 -- matches one that is ending -----------> 603
                                 -- an early one that is not of our making> 481
                                 -- early-only, and it is confirmed ------> 486
                                 -- matches ------------------------------> the number of that call
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from confserver.sip.checks import Refusal, fit
from confserver.sip.grammar import SPACE, Malformed, has_param, param, read_params
from confserver.sip.message import Request
from confserver.sip.outputs import CallId

if TYPE_CHECKING:
    from confserver.sip.core import Core

REPLACES, JOIN = "Replaces", "Join"
_CALL_ID = re.compile(r"[!-+\--:<-~]++")  # a word, or two with @ between; neither comma nor semicolon


class Named(NamedTuple):
    """A dialog as its other side names it: ``to_tag`` is ours (RFC 3891 section 3)."""

    call_id: str
    to_tag: str
    from_tag: str
    is_early_only: bool = False


class Other(NamedTuple):
    """The call that an INVITE speaks of; ``replaces``: its place is to be taken, else it is joined."""

    call: CallId
    replaces: bool


def parse_named(text: str) -> Named:
    """The value of Replaces, Join or Target-Dialog. Raises Malformed."""
    call_id = text.partition(";")[0]
    params = read_params(text, len(call_id))
    call_id, to_tag, from_tag = call_id.strip(SPACE), param(params, "to-tag"), param(params, "from-tag")
    if _CALL_ID.fullmatch(call_id) is None or not to_tag or not from_tag:
        raise Malformed(f"names no dialog: {text[:60]!r}")
    return Named(call_id, to_tag, from_tag, has_param(params, "early-only"))


def written(named: Named) -> str:
    early = ";early-only" if named.is_early_only else ""
    return f"{named.call_id};to-tag={named.to_tag};from-tag={named.from_tag}{early}"


def other_call(request: Request, core: Core) -> Other | Refusal | None:
    """What a new INVITE says of another call; None where it speaks of none."""
    said = [(name, value) for name in (REPLACES, JOIN) for _, value in request.headers.lines(name)]
    if not said:
        return None
    if len(said) > 1:
        return Refusal(400, "More Than One Replaces Or Join")  # RFC 3891 section 3, RFC 3911 section 4
    [(header, value)] = said
    try:
        named = parse_named(value)
    except Malformed as fault:
        return Refusal(400, fit(fault.reason))
    call = core.dialogs.get((named.call_id, named.to_tag, named.from_tag))
    if call is None:
        return Refusal(481)
    if call.is_leaving:
        return Refusal(603)
    if not call.owns_call_id and call.is_early:
        return Refusal(481)
    if named.is_early_only and header == REPLACES and not call.is_early:
        return Refusal(486)
    return Other(call.number, header == REPLACES)
