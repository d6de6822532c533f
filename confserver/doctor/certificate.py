"""What is shown by TLS: until when, for whom, and whether its key is its own."""

from __future__ import annotations

import datetime
import ipaddress

from cryptography import x509

from confserver.doctor.finding import Finding, fault, ok, warning
from confserver.doctor.ground import Ground
from confserver.transports.certificates import CertificateError, KeyPair, server_context

SOON_DAYS = 21
CHECK = "certificate"


def check_certificate(ground: Ground, now: datetime.datetime | None = None) -> list[Finding]:
    if not {"tls", "wss"} & set(ground.settings.sip.transports):
        return [ok(CHECK, "TLS is not used")]
    files = ground.settings.sip.tls_files()
    if files is None:
        return [warning(CHECK, "the server shows one of its own making, which no phone trusts by itself",
                        "get one (certbot) and name it in sip.tls_certificate and sip.tls_key")]  # fmt: skip
    pair = KeyPair(*files)
    try:
        server_context(pair)
        certificate = x509.load_pem_x509_certificates(pair.certificate.read_bytes())[0]
    except (CertificateError, OSError) as error:
        return [fault(CHECK, str(error), "correct sip.tls_certificate and sip.tls_key")]
    return [*_dates(certificate, now or datetime.datetime.now(datetime.UTC)), *_names(certificate, ground)] or [
        ok(CHECK, f"is good until {certificate.not_valid_after_utc:%Y-%m-%d}, for {', '.join(names_of(certificate))}")
    ]


def _dates(certificate: x509.Certificate, now: datetime.datetime) -> list[Finding]:
    until, since = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    fix = "renew it, then confserver reload"
    if now >= until:
        return [fault(CHECK, f"has ended on {until:%Y-%m-%d}", fix)]
    if now < since:
        return [fault(CHECK, f"begins only on {since:%Y-%m-%d}", "look at the machine's clock")]
    if (until - now).days < SOON_DAYS:
        return [warning(CHECK, f"ends in {(until - now).days} days", fix)]
    return []


def names_of(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]


def _names(certificate: x509.Certificate, ground: Ground) -> list[Finding]:
    """RFC 5922 section 7.1: the domain that phones call has to be among the subject's alternative names."""
    names = names_of(certificate)
    if not names:
        return [fault(CHECK, "has no names (subjectAltName): phones will not take it", "get another one")]
    missing = [each for each in ground.settings.users.domains if not _is_named(each, names)]
    if missing:
        return [warning(CHECK, f"does not speak for {', '.join(missing)} (users.domains), only for {', '.join(names)}",
                        "get one with all names that phones call")]  # fmt: skip
    return []


def _is_named(domain: str, names: list[str]) -> bool:
    try:
        return str(ipaddress.ip_address(domain)) in names
    except ValueError:
        return domain.lower() in [name.lower() for name in names]
