"""What goes beyond RFC 3261, one file an extension; each is a row here, and Supported, Allow and Require follow.

    session_timer   a call that nobody refreshes ends (RFC 4028)
    rel100          provisional answers that are acknowledged (RFC 3262)
    update          changes of a session at any time, without an INVITE (RFC 3311)
    replaces        INVITEs that take another call's place, or join its conversation (RFC 3891, RFC 3911)
    refer           what REFER and its news say (RFC 3515, RFC 4488, RFC 7614, RFC 3892)
    reason          why a call ends, in BYE and CANCEL (RFC 3326)

Imported by ``sip`` alone.
"""

from __future__ import annotations

from typing import NamedTuple


class Extension(NamedTuple):
    """``option_tag``: "" where there is none; ``methods``: those that it brings."""

    option_tag: str
    methods: tuple[str, ...] = ()


EXTENSIONS = (
    Extension("100rel", ("PRACK",)),
    Extension("timer"),
    Extension("", ("UPDATE",)),
    Extension("replaces"),
    Extension("join"),
    Extension("norefersub"),
    Extension("nosub"),
    Extension("explicitsub"),
)

OPTION_TAGS = tuple(each.option_tag for each in EXTENSIONS if each.option_tag)
METHODS = tuple(method for each in EXTENSIONS for method in each.methods)
