"""Where a call of ours goes: to a user of ours, through a trunk, or straight to a host.

::

    text or URI -> read_callee -> one of our own domain? -> his phones, by the location service
                                  a number? -> fence -> the trunks that serve its prefix, longest first
                                  any other host -> fence -> that host
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from confserver.routing.fence import Fence, Unreachable, number_in
from confserver.sip.account import Account
from confserver.sip.dialog import as_request_uri
from confserver.sip.uri import Uri
from confserver.sip.ways import Hop

MOST_TARGETS = 10
"""So many ways are tried for one call."""


@dataclass(frozen=True, slots=True)
class Target:
    """One way to whom is called."""

    uri: Uri
    hop: Hop | None = None
    """Where the INVITE goes first; None: where ``uri`` says."""
    routes: tuple[str, ...] = ()
    """Route values, for a phone behind a proxy (RFC 3327)."""
    trunk: str = ""
    """The name of the trunk, if it is one."""
    caller: str = ""
    """Who is shown as calling, where the trunk wants that."""
    account: Account | None = field(default=None, compare=False, repr=False)
    """Ours there."""

    @property
    def host(self) -> str:
        return self.hop.host if self.hop else self.uri.host


class Trunks(Protocol):
    """What is asked of the trunks."""

    def serving(self, number: str) -> Sequence[Target]:
        """The ways to a number, best first."""

    def named(self, host: str) -> bool:
        """Whether a host is one of a trunk's."""


class NoTrunks:
    def serving(self, number: str) -> Sequence[Target]:
        return ()

    def named(self, host: str) -> bool:
        return False


Locate = Callable[[Uri, float], "Sequence[Target] | None"]
"""The ways to a user of ours; None where the URI is none of ours."""


def nobody_is_ours(_: Uri, __: float) -> Sequence[Target] | None:
    return None


class DialPlan:
    """``locate`` knows our own users and domains."""

    def __init__(
        self, fence: Fence | None = None, trunks: Trunks | None = None, locate: Locate = nobody_is_ours
    ) -> None:
        self._fence = fence or Fence()
        self._trunks = trunks or NoTrunks()
        self._locate = locate

    def targets(self, uri: Uri, now: float) -> tuple[Target, ...]:
        """All ways to somebody, best first; never none. Raises Unreachable."""
        uri = as_request_uri(uri)
        ours = self._locate(uri, now)
        if ours is not None:
            if not ours:
                raise Unreachable(f"{uri} cannot be reached now: no phone of that user is registered")
            return tuple(ours[:MOST_TARGETS])
        if uri.scheme == "tel" or uri.param("user") == "phone" or self._trunks.named(uri.host):
            return self._by_trunk(uri)
        self._fence.check_host(uri.host)
        return (Target(uri),)

    def _by_trunk(self, uri: Uri) -> tuple[Target, ...]:
        number = number_in(uri.user_decoded)
        if number is None:
            raise Unreachable(f"{uri.user_decoded[:64]!r} is no telephone number")
        self._fence.check_number(number)
        ways = self._trunks.serving(number)
        if not ways:
            raise Unreachable(f"no trunk serves {number}")
        return tuple(ways[:MOST_TARGETS])
