"""Programs that look for open servers and weak passwords, by the names they give themselves.

Only the lazy ones are known by that; all others are known by what they do (``budgets``). Tools that administrators
use to watch their own servers (sipsak, sipp, HOMER) are not among them.
"""

from __future__ import annotations

from confserver.sip.message import Request

NAMES = (
    "friendly-scanner",  # SIPVicious
    "friendly-request",
    "sipvicious",
    "sundayddr",
    "sip-scan",
    "sipscan",
    "siparmyknife",
    "iwar",
    "vaxsipuseragent",
    "vaxipuseragent",
    "pplsip",
    "sivus",
    "smap",
    "sipcli",
    "sipptk",
    "sip-inspector",
    "mr.sip",
    "nmap",
    "masscan",
    "zgrab",
)  # fmt: skip
"""In lower case, as User-Agent begins."""
CONFESSED = ("friendly-scanner", "sipvicious")
"""Wherever they stand, also in the name of From."""
MOST_LOOKED_AT = 200


def scanner_of(request: Request) -> str:
    """The name of a scanner that a request confesses to come from, "" for none."""
    agent = (request.headers.get("User-Agent") or "")[:MOST_LOOKED_AT].lower()
    for name in NAMES:
        if agent.startswith(name):
            return name
    said = f"{agent} {request.from_.display[:MOST_LOOKED_AT].lower()}"
    return next((name for name in CONFESSED if name in said), "")
