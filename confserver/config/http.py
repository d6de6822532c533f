"""Where scripts reach the server, and how much they may ask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from confserver.config.sip import Section

SOCKET_NAME = "http.sock"
"""The file name of the HTTP interface's Unix socket in the state directory."""


class Http(Section, frozen=True):
    """Where scripts reach the server."""

    address: Annotated[
        str,
        Meta(
            description="IP address and port (127.0.0.1:8070, [::1]:8070; port 0 takes any free one), a Unix "
            f"socket (unix:/PATH), or unix for the socket {SOCKET_NAME} in the state directory. Beyond loopback with "
            "TLS alone."
        ),
    ] = "127.0.0.1:8070"
    tls_certificate: Annotated[
        str,
        Meta(
            description="PEM file with the certificate (and those above it) by which the interface speaks HTTPS; "
            "empty: plain HTTP. This machine's own commands then come by the Unix socket in the state directory."
        ),
    ] = ""
    tls_key: Annotated[str, Meta(description="PEM file with the private key of that certificate.")] = ""
    origins: Annotated[
        tuple[str, ...],
        Meta(
            description="Origins such as https://rooms.example.com whose web pages browsers may let use the interface "
            "(CORS); they need a token like anybody."
        ),
    ] = ()
    requests: Annotated[
        int,
        Meta(
            ge=0,
            le=100000,
            description="Requests a second with one token, and from one address that is not loopback, five times as "
            "many at once; 429 to more. 0: no bound.",
        ),
    ] = 200
    failures: Annotated[
        int,
        Meta(
            ge=0,
            le=100000,
            description="Wrong tokens a minute from one address; then it has to wait, but for tokens that it has "
            "shown before. 0: no bound.",
        ),
    ] = 20

    metrics_open: Annotated[
        bool,
        Meta(description="GET /metrics wants no token where it is asked for from this machine itself, not by a proxy."),
    ] = False

    def tls_files(self) -> tuple[Path, Path] | None:
        if not self.tls_certificate:
            return None
        return Path(self.tls_certificate).expanduser(), Path(self.tls_key).expanduser()
