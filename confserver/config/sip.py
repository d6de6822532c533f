"""What a section of the settings is, and the one of SIP."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE_NETWORKS = (
    "10.0.0.0/8",  # RFC 1918
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",  # RFC 6598, shared between carrier and customer
    "169.254.0.0/16",  # RFC 3927, link-local
    "127.0.0.0/8",
    "fc00::/7",  # RFC 4193, unique local
    "fe80::/10",  # RFC 4291, link-local
    "::1/128",
)


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file; the docstring's first line is its heading."""


class Sip(Section, frozen=True):
    """Where phones reach the server, and which may call."""

    addresses: Annotated[
        tuple[str, ...], Meta(description="IP addresses to listen on; none listed: every local address, IPv4 and IPv6.")
    ] = ()
    port: Annotated[int, Meta(ge=0, le=65535, description="Port for SIP; 0 takes any free one.")] = 5060
    transports: Annotated[
        tuple[Literal["udp", "tcp", "tls", "ws", "wss"], ...],
        Meta(description="Transports to listen with, of udp, tcp, tls, ws (WebSocket) and wss (the same over TLS)."),
    ] = ("udp", "tcp", "tls", "ws", "wss")
    tls_port: Annotated[int, Meta(ge=0, le=65535, description="Port for SIP over TLS; 0 takes any free one.")] = 5061
    ws_port: Annotated[int, Meta(ge=0, le=65535, description="Port for WebSockets; 0 takes any free one.")] = 5066
    wss_port: Annotated[
        int, Meta(ge=0, le=65535, description="Port for WebSockets over TLS; 0 takes any free one.")
    ] = 7443
    ws_path: Annotated[str, Meta(description="Path of the WebSocket's URL, such as /ws; empty: any path will do.")] = ""
    ws_origins: Annotated[
        tuple[str, ...],
        Meta(
            description="Origins of web pages that may connect by WebSocket (https://phone.example.com), or * for all; "
            "none listed: pages that this machine itself serves, reached by its IP address, and what is no browser."
        ),
    ] = ()
    tls_certificate: Annotated[
        str,
        Meta(
            description="PEM file with the certificate for tls and wss and those between it and its authority, "
            "absolute or from ~; empty: a self-signed one for trying, made in the state directory. Read again when it "
            "changes."
        ),
    ] = ""
    tls_key: Annotated[str, Meta(description="PEM file with the key of that certificate, without a password.")] = ""
    tls_authorities: Annotated[
        str,
        Meta(
            description="PEM file with the authorities whose certificates are believed where this server connects to "
            "others by TLS; empty: those of the system. With a file, who comes by TLS may show a certificate too, and "
            "is then reached by his connection (RFC 5923)."
        ),
    ] = ""
    public_address: Annotated[
        str,
        Meta(
            description="IP address that peers outside local_networks reach this server by, where a router translates "
            "addresses; empty: the local address that the route to the peer uses."
        ),
    ] = ""
    local_networks: Annotated[
        tuple[str, ...], Meta(description="Networks whose peers are given the local address, not public_address.")
    ] = PRIVATE_NETWORKS
    trusted_networks: Annotated[
        tuple[str, ...],
        Meta(description="Networks that may call besides loopback and the networks this machine is attached to."),
    ] = ()

    session_expires_s: Annotated[
        int,
        Meta(
            ge=0,
            le=86400,
            description="Seconds after which a call ends that nobody refreshes (session timer), asked of phones that "
            "know it; 0: only where the phone asks for it.",
        ),
    ] = 1800
    min_se_s: Annotated[
        int, Meta(ge=90, le=86400, description="Shortest session timer that is taken, in seconds; 422 to less.")
    ] = 90

    identity_networks: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks of proxies that are believed who a caller is (P-Asserted-Identity, RFC 3325); of "
            "anybody else it counts for nothing."
        ),
    ] = ()

    attribute_headers: Annotated[
        tuple[str, ...],
        Meta(
            description="Headers of calls (X-Account) whose values are shown with the participant (attributes), as the "
            "caller says them; none listed: none."
        ),
    ] = ()

    def other_ports(self) -> dict[str, int]:
        """Of the transports that have a port of their own."""
        return {"tls": self.tls_port, "ws": self.ws_port, "wss": self.wss_port}

    def tls_files(self) -> tuple[Path, Path] | None:
        """Certificate and key; None: our own."""
        if not self.tls_certificate:
            return None
        return Path(self.tls_certificate).expanduser(), Path(self.tls_key).expanduser()

    def tls_authorities_file(self) -> Path | None:
        return Path(self.tls_authorities).expanduser() if self.tls_authorities else None

    required_extensions: Annotated[
        tuple[Literal["100rel", "timer"], ...],
        Meta(description="Extensions without which no call is taken: 100rel, timer; 421 to phones that lack one."),
    ] = ()

    def listens_on(self) -> tuple[IPAddress, ...]:
        """Empty stands for every local address."""
        return tuple(ipaddress.ip_address(text) for text in self.addresses)

    def local(self) -> tuple[IPNetwork, ...]:
        return tuple(ipaddress.ip_network(text) for text in self.local_networks)

    def believed(self) -> tuple[IPNetwork, ...]:
        return tuple(ipaddress.ip_network(text) for text in self.identity_networks)

    def trusted(self) -> tuple[IPNetwork, ...]:
        return tuple(ipaddress.ip_network(text) for text in self.trusted_networks)
