"""TLS around connections (RFC 3261 26.2.1, RFC 5922): our own certificate, whom we trust, and whom we reach.

A certificate that changes is taken by the next connection; a faulty one is told in the log, and the old one stays.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import structlog
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IOpenSSLServerConnectionCreator
from twisted.internet.protocol import Factory
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from confserver.transports.certificates import CertificateError, KeyPair, client_context, server_context, speaks_for

log = structlog.get_logger("transports")


class Tls:
    """What connections need of TLS. ``pair`` None: only connections of ours; ``shows``: also there, to who asks."""

    def __init__(
        self,
        pair: KeyPair | None = None,
        authorities: Path | None = None,
        is_verified: bool = True,
        shows: bool = False,
    ) -> None:
        """Raises CertificateError."""
        self._pair = pair
        self._shown = pair if shows else None
        self._authorities = authorities
        self._signature = pair.signature() if pair else ()
        self.is_verified = is_verified
        self._server: SSL.Context | None = None
        self._client: SSL.Context
        self._read()

    def _read(self) -> None:
        """Both or none. Raises CertificateError."""
        server = server_context(self._pair, self._authorities) if self._pair else None
        self._client = client_context(self._authorities, self.is_verified, self._shown)
        self._server = server

    def refresh(self) -> None:
        """Take the certificate again if its files have changed."""
        if self._pair is None or self._pair.signature() == self._signature:
            return
        self._signature = self._pair.signature()
        try:
            self._read()
        except CertificateError as error:
            log.error("the new certificate cannot be used, the old one stays", why=str(error))
        else:
            log.info("another certificate", file=str(self._pair.certificate))

    def incoming(self, inner: Factory, asks: bool = False) -> Factory:
        """The factory for a port that takes TLS; ``asks``: whoever comes may show a certificate too."""
        return cast(Factory, TLSMemoryBIOFactory(_Server(self, asks), False, cast(Any, inner)))

    def outgoing(self, inner: Factory, host: str) -> Any:
        """The factory for a connection to ``host``."""
        return TLSMemoryBIOFactory(_Client(self, host), True, cast(Any, inner))

    def server_connection(self, faults: list[int] | None = None) -> SSL.Connection:
        """``faults``: ask for a certificate, and note there what is wrong with it: nobody is refused for that."""
        assert self._server is not None
        connection = SSL.Connection(self._server, None)
        if faults is not None and self._authorities is not None:
            connection.set_verify(SSL.VERIFY_PEER, _noting(faults))
        return connection

    def client_connection(self, host: str) -> SSL.Connection:
        connection = SSL.Connection(self._client, None)
        if not _is_address(host):
            connection.set_tlsext_host_name(host.encode("idna"))  # RFC 6066 section 3: no addresses
        return connection


@implementer(IOpenSSLServerConnectionCreator)
class _Server:
    def __init__(self, tls: Tls, asks: bool) -> None:
        self._tls = tls
        self._asks = asks

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        protocol.faults = [] if self._asks else None
        return self._tls.server_connection(protocol.faults)


@implementer(IOpenSSLClientConnectionCreator)
class _Client:
    def __init__(self, tls: Tls, host: str) -> None:
        self._tls = tls
        self._host = host

    def clientConnectionForTLS(self, protocol: object) -> SSL.Connection:
        return self._tls.client_connection(self._host)


def peer_is(transport: Any, host: str) -> bool:
    """Whether the peer of a finished handshake has the certificate of ``host``; "" where that does not matter."""
    if not host:
        return True
    found = transport.getPeerCertificate()
    return found is not None and speaks_for(found.to_cryptography(), host)


def has_shown(transport: Any, host: str) -> bool:
    """Whether a peer that has come showed a certificate of ``host``, signed by an authority that we believe."""
    found = transport.getPeerCertificate()
    return found is not None and transport.faults == [] and speaks_for(found.to_cryptography(), host)


def _noting(faults: list[int]) -> Callable[[SSL.Connection, object, int, int, int], bool]:
    """Note each fault, and let the handshake go on."""

    def note(_: SSL.Connection, __: object, fault: int, ___: int, is_good: int) -> bool:
        if not is_good:
            faults.append(fault)
        return True

    return note


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
