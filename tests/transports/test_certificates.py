"""Certificates: read, refused in words, taken anew when they change, made where there are none; whom they speak for."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from confserver.transports import tls
from confserver.transports.certificates import (
    RENEW_DAYS,
    CertificateError,
    KeyPair,
    client_context,
    own_pair,
    server_context,
    speaks_for,
)
from confserver.transports.tls import Tls
from tests.transports.lane import NOW, pair, write

URI, DNS = x509.UniformResourceIdentifier, x509.DNSName


def certificate(*names: x509.GeneralName, common: str = "pbx.example.com") -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + datetime.timedelta(days=1))
    if names:
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return made.sign(key, hashes.SHA256())


# ---------------------------------------------------------------- whose it is (RFC 5922 section 7)
def test_dns_names_count_where_there_is_no_uri_of_sip() -> None:
    found = certificate(DNS("example.com"), DNS("sip.example.com"), URI("https://example.net"))
    assert speaks_for(found, "Example.COM.") and speaks_for(found, "sip.example.com")
    assert not speaks_for(found, "example.net") and not speaks_for(found, "pbx.example.com")


def test_uris_of_sip_count_alone() -> None:
    found = certificate(URI("sip:example.com"), DNS("www.example.com"))
    assert speaks_for(found, "example.com") and not speaks_for(found, "www.example.com")


def test_a_uri_with_a_user_is_that_user_and_no_domain() -> None:
    assert not speaks_for(certificate(URI("sip:alice@example.com")), "example.com")


def test_there_are_no_wildcards() -> None:
    """RFC 5922 section 7.2."""
    found = certificate(DNS("*.example.com"))
    assert not speaks_for(found, "sip.example.com") and not speaks_for(found, "example.com")


def test_the_common_name_counts_only_without_alternative_names() -> None:
    assert speaks_for(certificate(), "pbx.example.com")
    assert not speaks_for(certificate(DNS("other.example.com")), "pbx.example.com")


def test_an_address_must_be_there_as_an_address() -> None:
    import ipaddress

    found = certificate(x509.IPAddress(ipaddress.ip_address("192.0.2.1")), DNS("192.0.2.2"))
    assert speaks_for(found, "192.0.2.1") and not speaks_for(found, "192.0.2.2")
    assert not speaks_for(certificate(common="192.0.2.1"), "192.0.2.1")
    six = certificate(x509.IPAddress(ipaddress.ip_address("2001:db8::1")))
    assert speaks_for(six, "2001:db8:0::1")


# ---------------------------------------------------------------- files
def test_what_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    one, other = pair(tmp_path, "a.example"), pair(tmp_path, "a.example", name="other")
    server_context(one)
    (tmp_path / "rubbish.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    rubbish, none = tmp_path / "rubbish.pem", tmp_path / "none.pem"
    for faulty, words in (
        (KeyPair(none, one.key), r"none.pem cannot be read: No such file"),
        (KeyPair(one.certificate, tmp_path), r"cannot be read: Is a directory"),
        (KeyPair(rubbish, one.key), r"rubbish.pem holds no certificate in PEM form"),
        (KeyPair(one.certificate, rubbish), r"rubbish.pem holds no private key"),
        (KeyPair(one.certificate, other.key), r"other-key.pem is not the key of .*one.pem"),
    ):
        with pytest.raises(CertificateError, match=words):
            server_context(faulty)
    for path in (none, rubbish):
        with pytest.raises(CertificateError):
            client_context(path)


def test_a_key_with_a_password_is_refused_without_asking(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as form

    made = pair(tmp_path, "a.example")
    key = form.load_pem_private_key(made.key.read_bytes(), None)
    sealed = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"secret"))
    made.key.write_bytes(sealed)
    with pytest.raises(CertificateError, match="without a password"):
        server_context(made)


def test_our_own_is_made_once_and_again_before_it_ends(tmp_path: Path) -> None:
    made = own_pair(tmp_path, ["192.0.2.1", "2001:db8::1%eth0", "pbx.example.com"], NOW)
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    first = made.certificate.read_bytes()
    found = x509.load_pem_x509_certificate(first)
    assert all(speaks_for(found, host) for host in ("192.0.2.1", "2001:db8::1", "pbx.example.com", "localhost"))
    assert own_pair(tmp_path, ["192.0.2.9"], NOW).certificate.read_bytes() == first
    late = found.not_valid_after_utc - datetime.timedelta(days=RENEW_DAYS)
    assert own_pair(tmp_path, ["192.0.2.9"], late).certificate.read_bytes() != first


def test_our_own_is_made_anew_where_a_file_is_broken(tmp_path: Path) -> None:
    made = own_pair(tmp_path, [], NOW)
    for path in (made.key, made.certificate):
        path.write_text("broken")
        server_context(own_pair(tmp_path, [], NOW))


# ---------------------------------------------------------------- change
class Told:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[str] = []
        monkeypatch.setattr(tls, "log", self)

    def error(self, event: str, **more: Any) -> None:
        self.lines.append(f"error {event} {more}")

    def info(self, event: str, **more: Any) -> None:
        self.lines.append(f"info {event} {more}")


def test_a_changed_certificate_is_taken_and_a_faulty_one_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, made = Told(monkeypatch), pair(tmp_path, "a.example")
    side = Tls(made)
    first = side.server_connection().get_context()
    side.refresh()
    assert side.server_connection().get_context() is first and told.lines == []
    made.certificate.write_text("half of a fi")
    side.refresh()
    side.refresh()
    assert side.server_connection().get_context() is first
    assert len(told.lines) == 1 and "the old one stays" in told.lines[0] and "one.pem holds no" in told.lines[0]
    write(made, "a.example")
    side.refresh()
    assert side.server_connection().get_context() is not first and told.lines[1:] == [
        f"info another certificate {{'file': '{made.certificate}'}}"
    ]


def test_a_new_certificate_whose_key_comes_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, made, new = Told(monkeypatch), pair(tmp_path, "a.example"), pair(tmp_path, "a.example", name="new")
    side = Tls(made)
    first = side.server_connection().get_context()
    new.certificate.replace(made.certificate)
    side.refresh()
    assert side.server_connection().get_context() is first and "is not the key of" in told.lines[0]
    new.key.replace(made.key)
    side.refresh()
    assert side.server_connection().get_context() is not first
