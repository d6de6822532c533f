"""Names to addresses by the system's resolver."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IAddress, IHostResolution, IResolutionReceiver
from zope.interface import implementer


@implementer(IResolutionReceiver)
class _Gathering:
    def __init__(self, told: Callable[[list[str]], None]) -> None:
        self._told = told
        self._found: list[str] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Nothing to do yet."""

    def addressResolved(self, address: IAddress) -> None:
        host = getattr(address, "host", None)
        if host and host not in self._found:
            self._found.append(str(host))

    def resolutionComplete(self) -> None:
        self._told(self._found)


def resolve(reactor: object, host: str, told: Callable[[list[str]], None]) -> None:
    """Look a host name up; ``told`` gets its addresses, none where there is no such name."""
    try:
        host.encode("idna")  # the resolver never answers for what is no name at all
    except UnicodeError:
        told([])
        return
    resolver = reactor.nameResolver  # type: ignore[attr-defined]
    resolver.resolveHostName(_Gathering(told), host, 0)
