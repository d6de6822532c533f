"""Which domains are ours: names that are listed, and this machine's addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from confserver.routing.guard import address_in
from confserver.sip.uri import Uri


class Domains:
    """``hosts`` gives the addresses that this server has now. Without any name listed every name is ours.

    That is for servers that nobody has told their name: whoever reaches us by one means us.
    """

    def __init__(self, names: Iterable[str] = (), hosts: Callable[[], Iterable[str]] = tuple) -> None:
        self._names = tuple(dict.fromkeys(name.lower().rstrip(".") for name in names))
        self._hosts = hosts

    @property
    def first(self) -> str:
        """The one to write where any would do; "" where none is listed."""
        return self._names[0] if self._names else ""

    def is_listed(self, host: str) -> bool:
        """By name alone; ``host`` in lower case."""
        return host in self._names

    def is_surely_ours(self, uri: Uri) -> bool:
        """Whether it is ours also where nobody has asked us: a name that is listed, or an address of this machine."""
        return uri.is_sip and (bool(self._names) or address_in(uri.host) is not None) and self.is_ours(uri)

    def is_ours(self, uri: Uri) -> bool:
        """A tel URI has no domain: whoever is asked is meant."""
        if not uri.is_sip:
            return True
        host = uri.host.lower().rstrip(".")
        address = address_in(host)
        if address is not None:
            return address in {address_in(each) for each in self._hosts()} or address.is_loopback
        return not self._names or host in self._names or host == "localhost"
