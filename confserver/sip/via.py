"""Via: the way a request came and its answer goes back (RFC 3261 section 20.42)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from confserver.sip import grammar
from confserver.sip.grammar import HOST, LWS, TOKEN, Malformed, Params, number, read_params, unquoted, write_params

_VIA = re.compile(
    rf"{LWS}({TOKEN}){LWS}/{LWS}({TOKEN}){LWS}/{LWS}({TOKEN})[ \t]++{HOST}{LWS}(?::{LWS}([0-9]++){LWS})?+"
)


@dataclass(frozen=True, slots=True)
class Via:
    """One hop. ``transport`` is in capitals, ``host`` without brackets; parameters are written back unchanged."""

    transport: str
    host: str
    port: int | None = None
    params: Params = ()
    protocol: str = "SIP/2.0"

    @property
    def branch(self) -> str:
        """ "" where there is none (RFC 2543)."""
        return self.param("branch") or ""

    def param(self, name: str) -> str | None:
        """A parameter's value without quotes; None where absent or a flag (an empty ``rport``)."""
        value = grammar.param(self.params, name)
        return value if value is None else unquoted(value)

    def has_param(self, name: str) -> bool:
        return grammar.has_param(self.params, name)

    def with_param(self, name: str, value: str | None) -> Via:
        return replace(self, params=grammar.with_param(self.params, name, value))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{self.protocol}/{self.transport} {host}{port}{write_params(self.params)}"


def parse_via(text: str) -> Via:
    """Read one value of a Via header. Raises Malformed."""
    found = _VIA.match(text)
    if found is None:
        raise Malformed(f"bad Via: {text[:80]!r}")
    name, version, transport, ipv6, host, port = found.groups()
    return Via(
        transport.upper(),
        host or ipv6,
        None if port is None else number(port, 65535),
        read_params(text, found.end()),
        f"{name}/{version}",
    )
