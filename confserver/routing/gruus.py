"""GRUUs (RFC 5627): addresses of one phone of a user, public ones and temporary ones that tell nothing.

::

    public      sip:alice@example.com;gr=urn:uuid:...            the user's address and the phone's URN
    temporary   sip:tgruu.ONCE.SEALED@example.com;gr             ONCE hides the number in SEALED from everybody else

A temporary one leads to the number of a registration (``Binding.gruu``), which changes with its Call-ID: then all
temporary GRUUs given before are over (section 5.1). Nothing is kept for each one that is given.
"""

from __future__ import annotations

import hashlib
import hmac

from confserver.sip.uri import Uri

PREFIX = "tgruu."
_NUMBER_BYTES, _SEAL_BYTES = 6, 10


class Gruus:
    """``secret``: random bytes that outlive a restart, else temporary GRUUs do not."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def public(self, address: Uri, instance: str) -> Uri:
        """Section 5.2; ``instance`` is a URN without brackets, its specials escaped (19.1.2 of RFC 3261)."""
        escaped = "".join(char if char.isalnum() or char in "-_.!~*'():/[]&+$" else _percent(char) for char in instance)
        return _plain(address).with_param("gr", escaped)

    def temporary(self, address: Uri, number: int, once: str) -> Uri:
        """``once``: fresh hexadecimal text, so that no two are alike."""
        data = number.to_bytes(_NUMBER_BYTES, "big")
        sealed = bytes(a ^ b for a, b in zip(data, self._mask(once), strict=False)).hex() + self._seal(once, data)
        return _plain(address).replace(user=f"{PREFIX}{once}.{sealed}").with_param("gr", None)

    def number_in(self, user: str) -> int | None:
        """The number that the user part of a temporary GRUU of ours leads to; None for anything else."""
        once, dot, sealed = user.removeprefix(PREFIX).partition(".")
        if not user.startswith(PREFIX) or not dot or len(sealed) != 2 * (_NUMBER_BYTES + _SEAL_BYTES):
            return None
        try:
            hidden = bytes.fromhex(sealed[: 2 * _NUMBER_BYTES])
        except ValueError:
            return None
        data = bytes(a ^ b for a, b in zip(hidden, self._mask(once), strict=False))
        given = sealed[2 * _NUMBER_BYTES :].encode("utf-8", "surrogateescape")
        return int.from_bytes(data, "big") if hmac.compare_digest(given, self._seal(once, data).encode()) else None

    def _mask(self, once: str) -> bytes:
        return self._hmac(b"mask", once, b"")[:_NUMBER_BYTES]

    def _seal(self, once: str, data: bytes) -> str:
        return self._hmac(b"seal", once, data)[:_SEAL_BYTES].hex()

    def _hmac(self, purpose: bytes, once: str, data: bytes) -> bytes:
        text = purpose + b"\0" + once.encode("utf-8", "surrogateescape") + b"\0" + data
        return hmac.new(self._secret, text, hashlib.sha256).digest()


def is_gruu(uri: Uri) -> bool:
    return uri.is_sip and uri.has_param("gr")


def _plain(address: Uri) -> Uri:
    return Uri(address.scheme, address.user, host=address.host, port=address.port)


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogateescape"))
