"""What a REGISTER says of its contacts, as data (RFC 3261 sections 10.2 and 20.10, RFC 5626, RFC 5627, RFC 3327)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from confserver.routing.location import FULL
from confserver.sip.address import NameAddr
from confserver.sip.grammar import Malformed, Params, write_params
from confserver.sip.message import Request

MALFORMED_S = 3600
"""What an unreadable expiration time stands for (RFC 3261 10.2.1.1, 20.19)."""
MOST_CONTACTS = 10
MOST_TEXT = 1000
"""Characters of one contact, of all Path values together, and of a Call-ID: they are kept."""
_OURS = ("expires", "q", "pub-gruu", "temp-gruu", "temp-gruu-cookie")
_DIGITS = re.compile(r"[0-9]{1,10}")
_Q = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


class Unfit(Malformed):
    """The REGISTER cannot be carried out as it is (RFC 3261 21.4.1)."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One contact of a REGISTER."""

    contact: NameAddr
    expires_s: int | None
    """As it asks for; 0: remove it; None: it says nothing."""
    q: int
    instance: str
    reg_id: int
    params: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """All that a REGISTER asks for. ``removes_all``: ``Contact: *``."""

    contacts: tuple[Wish, ...]
    path: tuple[str, ...]
    supported: frozenset[str]
    removes_all: bool = False

    @property
    def is_outbound(self) -> bool:
        """RFC 5626 section 4.2.1."""
        return any(self.is_flow(wish) for wish in self.contacts)

    def is_flow(self, wish: Wish) -> bool:
        """Whether the contact stands for a flow, and not for its URI."""
        return "outbound" in self.supported and bool(wish.reg_id and wish.instance)


def read_wishes(request: Request) -> Wishes:
    """Raises Malformed."""
    supported = frozenset(tag.lower() for name in ("Supported", "Require") for tag in request.headers.get_all(name))
    path = tuple(request.headers.get_all("Path"))
    _check_size("Path", "".join(path))
    _check_size("Call-ID", request.call_id)
    contacts = request.contacts
    header = request.headers.get("Expires")
    if contacts == "*":
        if header is None or header.strip("0"):
            raise Unfit("Contact * Needs Expires 0")  # RFC 3261 10.3, step 6
        return Wishes((), path, supported, removes_all=True)
    if len(contacts) > MOST_CONTACTS:
        raise Unfit("Too Many Contacts")
    default = None if header is None else _seconds(header)
    wishes = tuple(_wish(contact, default) for contact in contacts if isinstance(contact, NameAddr))
    if len(wishes) > 1 and any(wish.reg_id for wish in wishes):
        raise Unfit("One Contact for One Flow")  # RFC 5626 section 6
    return Wishes(wishes, path, supported)


def _wish(contact: NameAddr, default_s: int | None) -> Wish:
    if not contact.uri.is_sip:
        raise Unfit("A Contact That Is No SIP URI")
    if contact.uri.host.lower() in ("", "0.0.0.0", "::"):
        raise Unfit("A Contact That Is Nowhere")
    _check_size("Contact", str(contact))
    expires = contact.param("expires")
    expires_s = _seconds(expires) if contact.has_param("expires") else default_s
    instance = (contact.param("+sip.instance") or "").strip("<>")
    reg_id = contact.param("reg-id") or ""
    is_flow = bool(instance) and _DIGITS.fullmatch(reg_id) is not None  # RFC 5626 section 6
    return Wish(
        contact=contact,
        expires_s=expires_s,
        q=_q(contact.param("q")),
        instance=instance,
        reg_id=int(reg_id) if is_flow else 0,
        params=write_params(_kept(contact.params)),
    )


def _kept(params: Params) -> Params:
    return tuple((name, value) for name, value in params if name.lower() not in _OURS)


def _seconds(text: str | None) -> int:
    """Delta-seconds up to 2**32 - 1."""
    if text is None or _DIGITS.fullmatch(text) is None:
        return MALFORMED_S
    return min(int(text), 0xFFFFFFFF)


def _q(text: str | None) -> int:
    """In thousandths. Raises Malformed."""
    if text is None:
        return FULL
    if _Q.fullmatch(text) is None:
        raise Unfit("Bad q Value")
    return round(float(text) * FULL)


def _check_size(name: str, text: str) -> None:
    """Too long, or not text: it could not be kept."""
    if len(text) > MOST_TEXT or any("\ud800" <= char <= "\udfff" for char in text):
        raise Unfit(f"{name} Cannot Be Kept")
