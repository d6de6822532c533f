"""What a check has found."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Verdict(enum.Enum):
    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """``fix``: what to do, in words; empty where all is well."""

    check: str
    verdict: Verdict
    words: str
    fix: str = ""


def ok(check: str, words: str) -> Finding:
    return Finding(check, Verdict.OK, words)


def warning(check: str, words: str, fix: str) -> Finding:
    return Finding(check, Verdict.WARNING, words, fix)


def fault(check: str, words: str, fix: str) -> Finding:
    return Finding(check, Verdict.FAULT, words, fix)
