"""Where bytes of SIP come from and go to."""

from __future__ import annotations

from dataclasses import dataclass

Address = tuple[str, int]
"""Host (an IP address in text, without brackets) and port."""


SECURE = frozenset({"TLS", "WSS"})
WEBSOCKET = frozenset({"WS", "WSS"})


@dataclass(frozen=True, slots=True)
class Flow:
    """One way to one peer: a connection, or a UDP socket and the peer's address (RFC 5626 section 3).

    ``local`` is an address the peer can reach, never the wildcard. ``id`` tells connections apart; 0 for UDP.
    """

    transport: str
    """As in a Via header: ``UDP``, ``TCP``, ``TLS``, ``WS``, ``WSS``."""
    local: Address
    remote: Address
    id: int = 0

    @property
    def is_reliable(self) -> bool:
        return self.transport != "UDP"

    @property
    def is_secure(self) -> bool:
        """Nobody on the way can read what is said."""
        return self.transport in SECURE

    @property
    def is_websocket(self) -> bool:
        """The peer cannot be called back: it listens nowhere (RFC 7118 section 5)."""
        return self.transport in WEBSOCKET

    @property
    def keeps_messages(self) -> bool:
        """What comes in one piece is one message, or a ping; streams have to be cut."""
        return self.transport in ("UDP", "WS", "WSS")

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.remote[0]


def written(address: Address) -> str:
    """``192.0.2.1:5060``, ``[2001:db8::1]:5060``."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
