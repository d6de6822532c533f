"""Which key protects what, as offer and answer settle it (RFC 4568 sections 5.1 and 7.1; best effort: RFC 8643)."""

from __future__ import annotations

from confserver.sdp.agreement import Rejected, Warn
from confserver.sdp.crypto import PLAIN, PROTECTED, SUITES, Crypto, Line, Secrets, is_protected, lines
from confserver.sdp.description import Media


def settled(media: Media, previous: Crypto | None, secrets: Secrets | None, best_effort: bool = False) -> Crypto | None:
    """What protects an offered m-line: nothing (RTP/AVP), or its first acceptable line and a key of ours.

    ``best_effort``: also where the line asks for no protection, but has a key (RFC 8643 section 3.2).
    As long as the peer keeps its key, ours stays too, and with it all counters. Raises Rejected.
    """
    if not is_protected(media):
        line = next(lines(media), None) if best_effort and secrets is not None else None
        return _with_ours(line, previous, secrets, is_best_effort=True) if line and secrets else None
    if secrets is None:
        raise Rejected(Warn.TRANSPORT, f"{PROTECTED} needs signalling over TLS or WSS; by this transport only {PLAIN}")
    line = next(lines(media), None)
    if line is None:
        raise Rejected(Warn.TRANSPORT, f"{PROTECTED} without an a=crypto line that can be used")
    return _with_ours(line, previous, secrets, is_best_effort=False)


def _with_ours(line: Line, previous: Crypto | None, secrets: Secrets, is_best_effort: bool) -> Crypto:
    kept = previous is not None and (previous.suite, previous.theirs) == (line.suite, line.key)
    ours = previous.ours if previous is not None and kept else secrets(SUITES[line.suite])
    return Crypto(line.tag, line.suite, line.key, ours, is_best_effort)


def answered(ours: Media, theirs: Media) -> Crypto | None:
    """What protects the m-line that answers ours: the line of its tag and suite (section 7.1.3). Raises Rejected."""
    if is_protected(ours) != is_protected(theirs):
        raise Rejected(Warn.TRANSPORT, f"{ours.proto} is answered by {theirs.proto[:40]}")
    is_best_effort = not is_protected(ours)
    offered = {(line.tag, line.suite): line.key for line in lines(ours)}
    for line in lines(theirs):
        if (line.tag, line.suite) in offered:
            return Crypto(line.tag, line.suite, line.key, offered[line.tag, line.suite], is_best_effort)
    if is_best_effort:
        return None  # RFC 8643 section 3.3: it goes on without
    raise Rejected(Warn.TRANSPORT, f"{PROTECTED} is answered without the a=crypto line that was offered")
