"""To which country a telephone number goes, as far as the fence must know: by its country code (ITU-T E.164)."""

from __future__ import annotations

from collections.abc import Sequence

_TWO_DIGITS = frozenset(
    (20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62,
     63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98)
)  # fmt: skip
"""ITU-T E.164 annex D; 1 and 7 have one digit, all others three."""
_ISLANDS = frozenset(
    (242, 246, 264, 268, 284, 340, 345, 441, 473, 649, 658, 664, 670, 671, 684, 721, 758, 767, 784, 787, 809, 829, 849,
     868, 869, 876, 939)
)  # fmt: skip
"""Area codes of country code 1 that are other countries: calls to them cost what calls abroad do."""


def country_of(number: str, international: Sequence[str] = ("+", "00")) -> str:
    """Give the country code with its plus; "" for a number at home, which begins with none of ``international``."""
    for prefix in sorted(international, key=len, reverse=True):
        if number.startswith(prefix):
            return code_of(number[len(prefix) :])
    return ""


def code_of(digits: str) -> str:
    """The country code that a number in E.164 begins with; +1 with the area code where that is another country."""
    if digits.startswith("1"):
        return f"+1{digits[1:4]}" if _number(digits[1:4]) in _ISLANDS else "+1"
    if digits.startswith("7"):
        return "+7"
    return f"+{digits[:2]}" if _number(digits[:2]) in _TWO_DIGITS else f"+{digits[:3]}"


def is_in(prefix: str, country: str, international: Sequence[str] = ("+", "00")) -> bool:
    """Whether all numbers that begin so are in this country."""
    found = country_of(prefix, international)
    return found == country and found not in ("", "+") and _is_whole(found)


def _is_whole(code: str) -> bool:
    digits = code[1:]
    return digits in ("1", "7") or _number(digits) in _TWO_DIGITS or len(digits) >= 3


def _number(digits: str) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() else -1
