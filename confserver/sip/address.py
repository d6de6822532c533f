"""name-addr and addr-spec: the form of From, To, Contact, Route, Refer-To ... (RFC 3261 section 20.10)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from confserver.sip import grammar
from confserver.sip.grammar import LWS, QUOTED, SPACE, Malformed, Params, read_params, unquoted, write_params
from confserver.sip.uri import Uri, parse_uri

# An unquoted display name should be tokens. Others, such as ``My (x) Name``, are taken where they cannot be
# anything else: without quotes, brackets, commas, semicolons and colons.
_NAME_ADDR = re.compile(rf'{LWS}(?:({QUOTED}){LWS}|([^"<>,;:]*+))<([^<>]*+)>{LWS}', re.DOTALL)


@dataclass(frozen=True, slots=True)
class NameAddr:
    """An address with a display name ("" for none, without quotes) and the header's own parameters."""

    display: str
    uri: Uri
    params: Params = ()

    @property
    def tag(self) -> str:
        """ "" where there is none."""
        return self.param("tag") or ""

    @property
    def label(self) -> str:
        """What to call them before people: display name, else user, else host. Always fit for UTF-8."""
        return grammar.printable(self.display) or self.uri.user_decoded or self.uri.host

    def param(self, name: str) -> str | None:
        """A parameter's value without quotes; None where absent or a flag."""
        value = grammar.param(self.params, name)
        return value if value is None else unquoted(value)

    def has_param(self, name: str) -> bool:
        return grammar.has_param(self.params, name)

    def with_param(self, name: str, value: str | None) -> NameAddr:
        return replace(self, params=grammar.with_param(self.params, name, value))

    def __str__(self) -> str:
        display = f"{grammar.quoted(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{write_params(self.params)}"


def parse_name_addr(text: str) -> NameAddr:
    """Read one address. Parameters behind a URI without brackets are the header's (20). Raises Malformed."""
    found = _NAME_ADDR.match(text)
    if found is None:
        return _parse_addr_spec(text)
    string, words, uri = found.groups()
    display = unquoted(string) if string else words.strip(SPACE)
    end = found.end()
    return NameAddr(display, parse_uri(uri), read_params(text, end) if end < len(text) else ())


def _parse_addr_spec(text: str) -> NameAddr:
    uri = text.partition(";")[0]
    if "?" in uri or "," in uri:
        raise Malformed(f"a URI that needs angle brackets: {uri[:60]!r}")
    return NameAddr("", parse_uri(uri.strip(SPACE)), read_params(text, len(uri)))
