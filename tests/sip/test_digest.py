"""Digest: the examples of the RFCs, our own answers checked by our own questions, and text that is malformed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.sip.digest import (
    ALGORITHMS,
    Challenge,
    Credentials,
    ha1,
    hashed,
    is_right,
    parse_challenge,
    parse_credentials,
    response_for,
    with_response,
)
from confserver.sip.grammar import Malformed

RFC7616 = {
    "username": "Mufasa",
    "realm": "http-auth@example.org",
    "uri": "/dir/index.html",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "nc": 1,
    "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    "qop": "auth",
    "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
}


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc7616_section_3_9_1(algorithm: str, response: str) -> None:
    given_ = Credentials(**RFC7616, algorithm=algorithm, response=response)  # type: ignore[arg-type]
    secret = ha1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life")
    assert response_for(given_, secret, "GET") == response
    assert is_right(given_, secret, "GET")
    assert not is_right(given_, secret, "POST")
    assert not is_right(given_, ha1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Death"), "GET")


def test_the_example_of_rfc2617_section_3_5() -> None:
    text = (
        'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",'
        ' uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b",'
        ' response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    assert is_right(parse_credentials(text), ha1("MD5", "Mufasa", "testrealm@host.com", "Circle Of Life"), "GET")


def test_sha_512_256_is_the_hash_of_that_name() -> None:
    """FIPS 180-4, not a SHA-512 cut short."""
    assert hashed("SHA-512-256", "abc") == "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"


def test_the_best_algorithm_comes_first() -> None:
    assert ALGORITHMS == ("SHA-256", "SHA-512-256", "MD5")


text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30)


@given(text, text, text, st.sampled_from(ALGORITHMS), st.integers(1, 0xFFFFFFFF), text.filter(bool))
def test_what_we_write_we_read(user: str, realm: str, nonce: str, algorithm: str, nc: int, cnonce: str) -> None:
    credentials = with_response(
        Credentials(
            username=user, realm=realm, nonce=nonce, uri="sip:a@b", response="", algorithm=algorithm,
            qop="auth", nc=nc, cnonce=cnonce,
        ),
        "secret",
        "INVITE",
    )  # fmt: skip
    assert parse_credentials(str(credentials)) == credentials
    challenge = Challenge(realm=realm, nonce=nonce, algorithm=algorithm, stale=True, opaque=user)
    assert parse_challenge(str(challenge)) == challenge


def test_phones_write_it_in_many_ways() -> None:
    text = 'dIgEsT\tUSERNAME="a" ,realm = "b,c=d",nonce="n\\"n",, uri="sip:x",response="%s",algorithm=md5,' % ("A" * 32)
    found = parse_credentials(text)
    assert (found.username, found.realm, found.nonce, found.algorithm, found.qop) == ("a", "b,c=d", 'n"n', "MD5", "")
    quoted = parse_credentials(text + ' qop="auth", nc="00000010", cnonce=abc==')
    assert (quoted.qop, quoted.nc, quoted.cnonce) == ("auth", 16, "abc==")


def test_a_challenge_with_several_qops_and_spaces() -> None:
    assert parse_challenge('Digest realm="r", nonce="n", qop="auth, auth-int"').qop == ("auth", "auth-int")
    assert parse_challenge('Digest realm="r", nonce="n"').qop == ()


GOOD = 'Digest username="a", realm="b", nonce="c", uri="sip:d", response="%s"' % ("0" * 32)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "Basic YWxhZGRpbjpvcGVuc2VzYW1l",
        "Digest",
        "Digest username",
        'Digest username="a',
        GOOD.replace("username", "user"),
        GOOD.replace("0" * 32, "x" * 32),
        GOOD.replace("0" * 32, "0" * 31),
        GOOD + ', realm="again"',
        GOOD + ', qop=auth',
        GOOD + ', qop=auth, nc=1, cnonce="x"',
        GOOD + ', qop=auth, nc=0000000g, cnonce="x"',
        GOOD + ', qop=auth, nc=00000001, cnonce=""',
        GOOD + " junk",
        GOOD + "".join(f", p{i}=1" for i in range(40)),
    ],
)  # fmt: skip
def test_bad_credentials_are_malformed(bad: str) -> None:
    parse_credentials(GOOD)
    with pytest.raises(Malformed):
        parse_credentials(bad)


def test_an_unknown_algorithm_is_read_and_never_right() -> None:
    assert not is_right(parse_credentials(GOOD + ", algorithm=SHA-3"), "x", "INVITE")


@pytest.mark.parametrize(
    "pattern", ['a="", ', 'a="\\"', "a=b, ", ",", " ", "=", '"', "a", 'a="x" b="y" ', "\\", 'a = "', "a=,"]
)
def test_reading_takes_linear_time(pattern: str) -> None:
    """The trap of others: a pattern that tries all ways to cut a line."""

    def seconds(size: int) -> float:
        line = "Digest " + pattern * (size // len(pattern)) + "!"
        begun = time.perf_counter()
        with pytest.raises(Malformed):
            parse_credentials(line)
        return time.perf_counter() - begun

    assert min(seconds(200_000) for _ in range(3)) < 0.1 + 40 * min(seconds(20_000) for _ in range(3))
