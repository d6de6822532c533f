"""Certificates as files: read, watched for change, made where there are none; and the names that one speaks for."""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

LIFE_DAYS = 825
"""Longer ones are refused by some systems."""
RENEW_DAYS = 30
_EARLIER = datetime.timedelta(days=1)
"""For peers whose clock is late."""


class CertificateError(Exception):
    """A certificate or key cannot be used; one line for the administrator."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """PEM files: the certificate with those between it and its authority, and its private key."""

    certificate: Path
    key: Path

    def signature(self) -> tuple[object, ...]:
        """Another one once a file is another."""
        return tuple(_stamp(path) for path in (self.certificate, self.key))


def server_context(pair: KeyPair, authorities: Path | None = None) -> SSL.Context:
    """TLS 1.2 or later with this certificate; ``authorities`` of those that come. Raises CertificateError."""
    context = bare_context()
    _show(context, pair)
    if authorities is not None:
        _believe(context, authorities)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # a resumed session would not be checked again
        context.set_options(SSL.OP_NO_TICKET)
    return context


def _show(context: SSL.Context, pair: KeyPair) -> None:
    chain, key = _chain(pair.certificate), _private_key(pair.key)
    try:
        if chain[0].public_key() != key.public_key():
            raise CertificateError(f"{pair.key} is not the key of {pair.certificate}")
        context.use_certificate(chain[0])
        for above in chain[1:]:
            context.add_extra_chain_cert(above)
        context.use_privatekey(key)
    except (SSL.Error, UnsupportedAlgorithm, ValueError, TypeError):
        raise CertificateError(f"{pair.certificate} is of a kind that TLS cannot use") from None


def _believe(context: SSL.Context, authorities: Path) -> None:
    _read(authorities)
    try:
        context.load_verify_locations(str(authorities))
    except SSL.Error:
        raise CertificateError(f"{authorities} holds no certificates in PEM form") from None


def _chain(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except ValueError:
        raise CertificateError(f"{path} holds no certificate in PEM form") from None


def _private_key(path: Path) -> Any:
    try:
        return serialization.load_pem_private_key(_read(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it wants a password
        raise CertificateError(f"{path} holds no private key without a password in PEM form") from None


def client_context(authorities: Path | None, is_verified: bool = True, pair: KeyPair | None = None) -> SSL.Context:
    """Trusts the authorities of a PEM file; None: the system's. Shows a certificate. Raises CertificateError."""
    context = bare_context()
    if authorities is None:
        context.set_default_verify_paths()
    else:
        _believe(context, authorities)
    if is_verified:
        context.set_verify(SSL.VERIFY_PEER)
    if pair is not None:
        _show(context, pair)
    return context


def bare_context() -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
    return context


# ------------------------------------------------------------------ one of our own
def own_pair(folder: Path, hosts: Iterable[str], now: datetime.datetime) -> KeyPair:
    """The self-signed certificate in a folder, made where there is none or where it ends soon. Raises OSError."""
    pair = KeyPair(folder / "tls-certificate.pem", folder / "tls-key.pem")
    if not _is_good(pair, now):
        certificate, key = self_signed(hosts, now)
        _write(pair.key, key)
        _write(pair.certificate, certificate)
    return pair


def self_signed(hosts: Iterable[str], now: datetime.datetime) -> tuple[bytes, bytes]:
    """A certificate for these names and addresses, and its key, in PEM; nobody trusts it who is not told to."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "confserver")])
    names = [_general_name(host) for host in dict.fromkeys((*hosts, socket.gethostname(), "localhost"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + datetime.timedelta(days=LIFE_DAYS))
        .add_extension(x509.SubjectAlternativeName([each for each in names if each]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    pem = serialization.Encoding.PEM
    return certificate.public_bytes(pem), key.private_bytes(pem, form, serialization.NoEncryption())


def _general_name(host: str) -> x509.GeneralName | None:
    try:
        return x509.IPAddress(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return x509.DNSName(host) if host.isascii() and host else None


def _is_good(pair: KeyPair, now: datetime.datetime) -> bool:
    try:
        server_context(pair)
        found = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    except (CertificateError, OSError, ValueError):
        return False
    return found.not_valid_after_utc - now > datetime.timedelta(days=RENEW_DAYS)


def _write(path: Path, text: bytes) -> None:
    """For its owner alone, and whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
    draft.replace(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {error.strerror or error}") from None


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError as error:
        return error.errno
    return found.st_mtime_ns, found.st_size, found.st_ino


# ------------------------------------------------------------------ whose it is
def speaks_for(certificate: x509.Certificate, host: str) -> bool:
    """Whether a certificate is that of a SIP domain (RFC 5922 sections 7.1, 7.2), or of an IP address.

    URIs of SIP in its alternative names count alone; else its DNS names; else, without any alternative name, its common
    name. There are no wildcards.
    """
    names = _alternative_names(certificate)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is not None:
        return names is not None and address in names.get_values_for_type(x509.IPAddress)
    return host.rstrip(".").lower() in _domains(certificate, names)


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _domains(certificate: x509.Certificate, names: x509.SubjectAlternativeName | None) -> set[str]:
    if names is not None:
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        domains = {uri[4:].lower() for uri in uris if uri[:4].lower() == "sip:" and "@" not in uri}
        return domains or {name.lower() for name in names.get_values_for_type(x509.DNSName)}
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return {str(attribute.value).lower() for attribute in common}
