"""Whom may be called at all: nobody, until prefixes of numbers or domains are listed. Toll fraud ends here."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from confserver.routing.guard import address_in
from confserver.sip.grammar import Malformed
from confserver.sip.uri import Uri, parse_uri

ANYBODY = "*"
_SEPARATORS = str.maketrans("", "", "-.() /")
"""Visual separators (RFC 3966 5.1.1), and what people write in their place."""
_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
MOST_TEXT = 256


class Unreachable(Exception):
    """Somebody who cannot or may not be called, and why, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def number_in(text: str) -> str | None:
    """The digits of what is written as a telephone number, with the leading plus; None for anything else."""
    plain = text.translate(_SEPARATORS)
    return plain if _NUMBER.fullmatch(plain) else None


def read_callee(text: str) -> Uri:
    """Whom somebody wants to call: ``sip:``, ``sips:``, ``tel:``, a number, or USER@HOST. Raises Unreachable."""
    text = text.strip()
    if len(text) > MOST_TEXT:
        raise Unreachable("that is too long for an address")
    number = number_in(text)
    try:
        if number is not None:
            return Uri("tel", number)
        uri = parse_uri(f"sip:{text}" if "@" in text and ":" not in text.partition("@")[0] else text)
    except Malformed:
        raise Unreachable(f"{text[:64]!r} is no address: sip:USER@HOST, tel:NUMBER, or a number") from None
    if not uri.is_sip and uri.scheme != "tel":
        raise Unreachable(f"{uri.scheme[:20]}: addresses cannot be called")
    return uri


class Fence:
    """``prefixes``: beginnings of numbers. ``domains``: names, addresses or networks of hosts; ``*``: all."""

    def __init__(self, prefixes: Iterable[str] = (), domains: Iterable[str] = ()) -> None:
        self._prefixes = tuple(each if each == ANYBODY else (number_in(each) or each) for each in prefixes)
        self._names = frozenset(domain.lower().rstrip(".") for domain in domains)
        self._networks = tuple(network for domain in domains if (network := _network_of(domain)) is not None)

    def check_number(self, number: str) -> None:
        """Raises Unreachable."""
        if not any(prefix == ANYBODY or number.startswith(prefix) for prefix in self._prefixes):
            what = f"{number} begins with none of" if self._prefixes else f"no number such as {number} is listed in"
            raise Unreachable(f"dialling out: {what} dialout.prefixes")

    def check_host(self, host: str) -> None:
        """Raises Unreachable."""
        name = host.lower().rstrip(".")
        if name in self._names or ANYBODY in self._names:
            return
        address = address_in(host)
        if address is None or not any(address.version == net.version and address in net for net in self._networks):
            raise Unreachable(f"dialling out: {host} is not listed in dialout.domains")


def _network_of(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text.strip("[]"))
    except ValueError:
        return None
