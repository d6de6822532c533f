"""The headers of a message in their order, and their values as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from confserver.sip.address import NameAddr, parse_name_addr
from confserver.sip.grammar import SPACE, TOKEN, Malformed, number, split_commas
from confserver.sip.names import LISTS, canonical
from confserver.sip.via import Via, parse_via

__all__ = [
    "CSeq", "Headers", "NameAddr", "Via",
    "parse_contacts", "parse_cseq", "parse_name_addr", "parse_name_addrs", "parse_via",
]  # fmt: skip

Value = TypeVar("Value")

_CSEQ = re.compile(rf"([0-9]++)[ \t]++({TOKEN})")


class Headers:
    """An ordered map of header names to one or more values.

    Names are found in any case and in compact form, and are given out in their proper spelling. A line of several
    values (``Via: a, b``) stays one line, but ``get``, ``get_all`` and ``remove_first`` see its single values.
    """

    __slots__ = ("_lines", "_typed")

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        self._lines = [(canonical(name), value.strip(SPACE)) for name, value in lines]
        self._typed: dict[str, tuple[object, object]] = {}

    @classmethod
    def of_canonical(cls, lines: list[tuple[str, str]]) -> Headers:
        """Take over lines whose names are spelled properly already."""
        headers = cls.__new__(cls)
        headers._lines = lines
        headers._typed = {}
        return headers

    def get(self, name: str) -> str | None:
        """The first value."""
        return self._first(canonical(name))

    def _first(self, name: str) -> str | None:
        for key, value in self._lines:
            if key == name:
                if "," not in value or name not in LISTS:
                    return value
                if values := split_commas(value):
                    return values[0]
        return None

    def get_all(self, name: str) -> list[str]:
        """All values, those of one line taken apart where the header is a list."""
        name = canonical(name)
        lines = [value for key, value in self._lines if key == name]
        if name not in LISTS:
            return lines
        return [value for line in lines for value in split_commas(line)]

    def lines(self, name: str) -> list[tuple[str, str]]:
        """All lines of that name, as they came."""
        name = canonical(name)
        return [line for line in self._lines if line[0] == name]

    def typed(self, name: str, read: Callable[[str], Value]) -> Value:
        """The first value as data; read once and kept until the header is changed.

        Raises Malformed where it is missing or bad.
        """
        kept = self._typed.get(name)  # whoever asks spells it properly, as a rule
        if kept is None:
            name = canonical(name)
            kept = self._typed.get(name)
        if kept is not None and kept[0] is read:
            return cast(Value, kept[1])
        text = self._first(name)
        if text is None:
            raise Malformed(f"no {name}")
        value = read(text)
        self._typed[name] = (read, value)
        return value

    def add(self, name: str, value: str) -> None:
        """Put a line at the end."""
        name = canonical(name)
        self._lines.append((name, value.strip(SPACE)))
        self._typed.pop(name, None)

    def insert_first(self, name: str, value: str) -> None:
        """Put a line before all others of that name; at the very top where there are none."""
        name = canonical(name)
        self._lines.insert(self._index(name) or 0, (name, value.strip(SPACE)))
        self._typed.pop(name, None)

    def set(self, name: str, value: str) -> None:
        """Make this the only value, in the place of the first; at the end where there was none."""
        name = canonical(name)
        index = self._index(name)
        line = (name, value.strip(SPACE))
        if index is None:
            self._lines.append(line)
        else:
            rest = [other for other in self._lines[index + 1 :] if other[0] != name]
            self._lines[index:] = [line, *rest]
        self._typed.pop(name, None)

    def remove(self, name: str) -> None:
        """Take all values away."""
        name = canonical(name)
        self._lines = [line for line in self._lines if line[0] != name]
        self._typed.pop(name, None)

    def remove_first(self, name: str) -> None:
        """Take the first value away, if there is one."""
        self._replace_first(canonical(name), [])

    def replace_first(self, name: str, value: str) -> None:
        """Write the first value anew, where it stands; the others stay."""
        name = canonical(name)
        self._replace_first(name, [(name, value.strip(SPACE))])

    def _replace_first(self, name: str, line: list[tuple[str, str]]) -> None:
        index = self._index(name)
        if index is None:
            self._lines[:0] = line
        else:
            rest = split_commas(self._lines[index][1])[1:] if name in LISTS else []
            self._lines[index : index + 1] = [*line, (name, ", ".join(rest))] if rest else line
        self._typed.pop(name, None)

    def copy(self) -> Headers:
        headers = Headers.of_canonical(self._lines.copy())
        headers._typed = self._typed.copy()
        return headers

    def _index(self, name: str) -> int | None:
        for index, line in enumerate(self._lines):
            if line[0] == name:
                return index
        return None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._index(canonical(name)) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __eq__(self, other: object) -> bool:
        return self._lines == other._lines if isinstance(other, Headers) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self._lines!r})"


@dataclass(frozen=True, slots=True)
class CSeq:
    number: int
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def parse_cseq(text: str) -> CSeq:
    """RFC 3261 20.16: a number of 32 bits and a method."""
    found = _CSEQ.fullmatch(text)
    if found is None:
        raise Malformed(f"bad CSeq: {text[:60]!r}")
    return CSeq(number(found[1], 0xFFFFFFFF), found[2])


def parse_name_addrs(headers: Headers, name: str) -> list[NameAddr]:
    """All addresses of Route, Record-Route, P-Asserted-Identity ... Raises Malformed."""
    return [parse_name_addr(value) for value in headers.get_all(name)]


def parse_contacts(headers: Headers) -> list[NameAddr] | Literal["*"]:
    """The Contact addresses, or ``"*"`` (RFC 3261 10.2.2), which must stand alone. Raises Malformed."""
    values = headers.get_all("Contact")
    if values == ["*"]:
        return "*"
    return [parse_name_addr(value) for value in values]
