"""What the HTTP interface's settings must be beyond their types."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from pathlib import Path

from confserver.config.settings import Settings

MOST_SOCKET_PATH_BYTES = 107
"""Linux, unix(7)."""


def check_address(settings: Settings) -> None:
    where = settings.http_endpoint()
    if isinstance(where, Path):
        _check_path(str(where))
        if len(os.fsencode(where)) > MOST_SOCKET_PATH_BYTES:
            raise ValueError(f"{where} is too long for a Unix socket ({MOST_SOCKET_PATH_BYTES} bytes)")
    elif not ipaddress.ip_address(where[0]).is_loopback and not settings.http.tls_certificate:
        raise ValueError(
            f"{where[0]} is not a loopback address; to be reached from elsewhere, give http.tls_certificate and "
            "http.tls_key, or put an HTTPS proxy before it"
        )


def check_certificate(settings: Settings) -> None:
    http = settings.http
    if bool(http.tls_certificate) != bool(http.tls_key):
        raise ValueError("http.tls_certificate and http.tls_key go together")
    for text in (http.tls_certificate, http.tls_key):
        if text:
            _check_path(text)
    if http.tls_certificate and isinstance(settings.http_endpoint(), Path):
        raise ValueError("a Unix socket takes no TLS; give http.address an IP address")


def check_origins(settings: Settings) -> None:
    for text in settings.http.origins:
        if not re.fullmatch(r"https?://[^/?#\s*]+", text.lower()):
            raise ValueError(f"{text!r} is not an origin such as https://rooms.example.com, without a path")


def _check_path(text: str) -> None:
    if "\0" in text:
        raise ValueError("holds a zero byte")
    if not Path(text).expanduser().is_absolute():
        raise ValueError(f"{text} is neither absolute nor from ~")


HTTP_CHECKS: tuple[tuple[str, Callable[[Settings], None]], ...] = (
    ("http.address", check_address),
    ("http.tls_certificate", check_certificate),
    ("http.origins", check_origins),
)
