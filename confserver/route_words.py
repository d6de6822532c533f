"""What the members of a row of the route table are, and of a group, in words: for settings and for commands.

Plain, so that the command line has them without what reads settings. Imports none of ours.
"""

from __future__ import annotations

from collections.abc import Mapping

ROUTE: Mapping[str, str] = {
    "name": "What the row is called in explanations.",
    "method": "Methods, such as INVITE or MESSAGE; none listed: all but REGISTER.",
    "domain": "Patterns of the domain that is called; none listed: any.",
    "user": "Patterns of the name or number that is called: * is any text; behind an underscore X is a digit, Z one "
    "from 1, N one from 2, as in _0ZX*. None listed: any.",
    "source": "Networks that the request comes from; none listed: any.",
    "identity": "Patterns of the user whose password came with the request; none listed: with or without.",
    "group": "Groups that this user is in; none listed: any.",
    "days": "Days of the week, by the clock of this machine; none listed: all.",
    "hours": "Time of day from and to, such as 08:00-18:00, also over midnight; empty: any.",
    "to": "Where such requests go, or that they are answered with a redirection or a refusal.",
    "target": "The room, user or trunk; SIP addresses for address (all ring at once) and redirect. {user} "
    "stands for what was called. None listed: {user}; trunk, address and redirect want theirs.",
    "strip": "So many characters are taken from the front of what was called.",
    "prepend": "Then this is put before it.",
    "status": "SIP status of a redirection or refusal; 0: 302, or 403.",
    "reason": "Words of that answer; empty: the usual ones.",
}
GROUP: Mapping[str, str] = {
    "name": "What routes call it.",
    "members": "Patterns of the names of its users.",
}
