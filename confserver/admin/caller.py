# mypy: allow-untyped-calls
# (twisted.web is half typed)
"""Who asks, as far as his request shows: from where, and by which of our faces."""

from __future__ import annotations

import ipaddress

from twisted.web.server import Request

from confserver.admin.answers import header

FACES = {"confserver-cli": "cli", "confserver-client": "python"}


def source_of(request: Request) -> str:
    """Where a request comes from; "" for a Unix socket."""
    return str(getattr(request.getClientAddress(), "host", "") or "")


def face_of(request: Request) -> str:
    """Which of our faces it is, by what it calls itself: for the audit log, which believes it no more than that."""
    agent = header(request, b"user-agent") or ""
    return next((face for begins, face in FACES.items() if agent.startswith(begins)), "http")


def is_of_this_machine(request: Request) -> bool:
    """A proxy on it speaks for others."""
    source = source_of(request)
    is_near = not source or ipaddress.ip_address(source.partition("%")[0]).is_loopback
    return is_near and not any(header(request, name) for name in (b"x-forwarded-for", b"forwarded", b"via"))


def is_local_host(header: str | None) -> bool:
    """Tell whether a Host header is one that a local client sends.

    A web page that has its own name resolve to 127.0.0.1 (DNS rebinding) makes the browser send that name. HTTP/1.0
    clients, which send none, are no browsers.
    """
    if header is None:
        return True
    name = header[1:].partition("]")[0] if header.startswith("[") else header.partition(":")[0]
    if name.lower() in ("localhost", "localhost."):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
