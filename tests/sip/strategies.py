"""SIP values and messages for hypothesis."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from confserver.sip.headers import CSeq, Headers, NameAddr, Via
from confserver.sip.message import Request, Response
from confserver.sip.uri import Uri

tokens = st.text(string.ascii_letters + string.digits + "-.!%*_+`'~", min_size=1, max_size=12)
hosts = st.sampled_from(
    ["host1", "my_host", "Example.COM", "a-b.c", "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "x."]
)
ports = st.none() | st.integers(0, 65535)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=20)
"""What can stand in a quoted string."""
values = texts.map(lambda text: text.strip(" \t"))

_user_chars = st.sampled_from(string.ascii_letters + string.digits + "-_.!~*'()&=+$,;?/#ü") | st.sampled_from(
    ["%40", "%00", "%C3%BC", "%zz", "%"]
)
users = st.lists(_user_chars, max_size=8).map("".join)
_uri_words = st.lists(
    st.sampled_from(string.ascii_letters + string.digits + "[]/:+$-_.%3B"), min_size=1, max_size=8
).map("".join)
uri_params = st.lists(st.tuples(_uri_words, st.none() | _uri_words), max_size=3).map(tuple)
uri_headers = st.lists(st.tuples(_uri_words, _uri_words), max_size=2).map(tuple)


@st.composite
def sip_uris(draw: st.DrawFn, headers: st.SearchStrategy[tuple[tuple[str, str], ...]] = uri_headers) -> Uri:
    user = draw(users)
    password = draw(st.none() | _uri_words.map(lambda word: word.replace(":", ""))) if user else None
    scheme = draw(st.sampled_from(["sip", "sips"]))
    return Uri(scheme, user, password, draw(hosts), draw(ports), draw(uri_params), draw(headers))


uris = st.one_of(
    sip_uris(),
    st.builds(Uri, st.just("tel"), st.from_regex(r"\+?[0-9]{1,9}", fullmatch=True), params=uri_params),
    st.builds(Uri, st.just("urn"), st.from_regex(r"[a-z:]{1,9}", fullmatch=True)),
)

quoted = texts.map(lambda text: '"' + text.replace("\\", "").replace('"', "") + '"')
params = st.lists(st.tuples(tokens, st.none() | tokens | quoted), max_size=2).map(tuple)
addresses = st.builds(NameAddr, texts, uris, params)
vias = st.builds(Via, tokens.map(str.upper), hosts, ports, params)


@st.composite
def header_sets(draw: st.DrawFn, method: str) -> Headers:
    """All that a message needs, and some more."""
    lines = [("Via", str(via)) for via in draw(st.lists(vias, min_size=1, max_size=2))]
    lines += [("From", str(draw(addresses))), ("To", str(draw(addresses)))]
    lines += [("Call-ID", draw(tokens)), ("CSeq", str(CSeq(draw(st.integers(0, 2**32 - 1)), method)))]
    lines += [
        ("Contact", ", ".join(map(str, found)))
        for found in draw(st.lists(st.lists(addresses, min_size=1, max_size=2), max_size=1))
    ]
    lines += [(f"X-{name}", draw(values)) for name in draw(st.lists(tokens, max_size=2))]
    return Headers(draw(st.permutations(lines)))


bodies = st.binary(max_size=60)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    method = draw(st.sampled_from(["INVITE", "ACK", "BYE"]) | tokens)
    return Request(method, draw(sip_uris(st.just(()))), draw(header_sets(method)), draw(bodies))


@st.composite
def responses(draw: st.DrawFn) -> Response:
    reason = draw(texts)
    return Response(draw(st.integers(100, 699)), reason, draw(header_sets("INVITE")), draw(bodies))
