"""TLS around connections (RFC 3261 26.2.1, RFC 5922): our own certificate, whom we trust, and whom we reach.

A certificate that changes is taken by the next connection; a faulty one is told in the log, and the old one stays.
"""

from __future__ import annotations

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
    """What connections need of TLS. ``pair`` None: only connections of ours."""

    def __init__(self, pair: KeyPair | None = None, authorities: Path | None = None, is_verified: bool = True) -> None:
        """Raises CertificateError."""
        self._pair = pair
        self._signature = pair.signature() if pair else ()
        self._server = server_context(pair) if pair else None
        self._client = client_context(authorities, is_verified)
        self.is_verified = is_verified

    @property
    def may_listen(self) -> bool:
        return self._server is not None

    def refresh(self) -> None:
        """Take the certificate again if its files have changed."""
        if self._pair is None or self._pair.signature() == self._signature:
            return
        self._signature = self._pair.signature()
        try:
            self._server = server_context(self._pair)
        except CertificateError as error:
            log.error("the new certificate cannot be used, the old one stays", why=str(error))
        else:
            log.info("another certificate", file=str(self._pair.certificate))

    def incoming(self, inner: Factory) -> Factory:
        """The factory for a port that takes TLS."""
        return cast(Factory, TLSMemoryBIOFactory(_Server(self), False, cast(Any, inner)))

    def outgoing(self, inner: Factory, host: str) -> Any:
        """The factory for a connection to ``host``."""
        return TLSMemoryBIOFactory(_Client(self, host), True, cast(Any, inner))

    def server_connection(self) -> SSL.Connection:
        assert self._server is not None
        return SSL.Connection(self._server, None)

    def client_connection(self, host: str) -> SSL.Connection:
        connection = SSL.Connection(self._client, None)
        if not _is_address(host):
            connection.set_tlsext_host_name(host.encode("idna"))  # RFC 6066 section 3: no addresses
        return connection


@implementer(IOpenSSLServerConnectionCreator)
class _Server:
    def __init__(self, tls: Tls) -> None:
        self._tls = tls

    def serverConnectionForTLS(self, protocol: object) -> SSL.Connection:
        return self._tls.server_connection()


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


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
