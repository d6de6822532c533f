from __future__ import annotations

import pytest

from confserver.sip import grammar
from confserver.sip.grammar import Malformed


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a, b", ["a", "b"]),
        ("a", ["a"]),
        ("", []),
        (" , a ,, b ,", ["a", "b"]),
        ('"x, y" <sip:a@b>, <sip:c,d@e>', ['"x, y" <sip:a@b>', "<sip:c,d@e>"]),
        (r'"say \", twice" <sip:a@b>, c', [r'"say \", twice" <sip:a@b>', "c"]),
        ('"ends in \\\\", b', ['"ends in \\\\"', "b"]),
        ('<sip:odd"user@b>, <sip:c@d>', ['<sip:odd"user@b>', "<sip:c@d>"]),
    ],
)
def test_commas_separate_only_outside_quotes_and_brackets(text: str, values: list[str]) -> None:
    assert grammar.split_commas(text) == values


@pytest.mark.parametrize("text", ['"never ends, b', "<never ends, b", 'x "\\", b'])
def test_after_an_unbalanced_quote_nothing_is_split(text: str) -> None:
    assert grammar.split_commas(text) == [text]


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("0009", 9), ("255", 255), ("0" * 50 + "7", 7)])
def test_numbers(text: str, value: int) -> None:
    assert grammar.number(text, 255) == value


@pytest.mark.parametrize("text", ["", "-5", "+5", "1_0", "1.0", " 1", "١", "²", "256", "9" * 5000, "0x1"])
def test_what_python_takes_for_a_number_may_be_none(text: str) -> None:
    with pytest.raises(Malformed):
        grammar.number(text, 255)


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("", ()),
        (";lr", (("lr", None),)),
        (";a=b;C=d", (("a", "b"), ("C", "d"))),
        (" ; a = b ; c", (("a", "b"), ("c", None))),
        (';a="x;y, \\" z";b', (("a", '"x;y, \\" z"'), ("b", None))),
        (";received=2001:db8::1", (("received", "2001:db8::1"),)),
        (";rport=", (("rport", ""),)),
        (";a=b; ", (("a", "b"),)),
        (";a;", (("a", None),)),
    ],
)
def test_parameters(text: str, params: grammar.Params) -> None:
    assert grammar.read_params(text.lstrip(" ")) == params


@pytest.mark.parametrize("text", ["x", ";;", ";=b", ';a="b', ";a b", ";a=b c", ";a=b,c", ";a=<b>", ";ä=b", ";a;;b"])
def test_bad_parameters(text: str) -> None:
    with pytest.raises(Malformed):
        grammar.read_params(text)


def test_parameter_names_have_no_case() -> None:
    params = (("Tag", "x"), ("lr", None))
    assert grammar.param(params, "tag") == grammar.param(params, "TAG") == "x"
    assert grammar.param(params, "LR") is None
    assert grammar.has_param(params, "LR")
    assert not grammar.has_param(params, "tagg")
    assert grammar.with_param(params, "tag", "y") == (("Tag", "y"), ("lr", None))
    assert grammar.with_param(params, "new", None) == (*params, ("new", None))


@pytest.mark.parametrize("text", ["", "plain", 'a "b" \\ c', "\x00\x07\x7f", "Bürgi", "\\"])
def test_quoting_can_be_undone(text: str) -> None:
    assert grammar.unquoted(grammar.quoted(text)) == text


def test_a_token_needs_no_unquoting() -> None:
    assert grammar.unquoted("a\\b") == "a\\b"


def test_printable_is_fit_for_utf8_and_one_line() -> None:
    assert grammar.printable("Bürgi 大") == "Bürgi 大"
    shown = grammar.printable("a\r\nb\x1b[31m\udcff\u2028c")
    assert shown == "a  b [31m\ufffd c"
    shown.encode()


def test_tokens() -> None:
    assert grammar.is_token("a-b.c!%*_+`'~9")
    assert not any(grammar.is_token(bad) for bad in ("", "a b", "a\n", "ä", "a:b", "a/b", '"a"'))
