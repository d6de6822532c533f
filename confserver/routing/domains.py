"""Which domains are ours: names that are listed, and this machine's addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from confserver.routing.guard import address_in
from confserver.sip.uri import Uri


class Domains:
    """``hosts`` gives the addresses that this server has now. Without any name listed every host is ours.

    That is for servers that nobody has told their name, or the address of the router before them: whoever reaches us
    by one means us.
    """

    def __init__(self, names: Iterable[str] = (), hosts: Callable[[], Iterable[str]] = tuple) -> None:
        self._names = tuple(dict.fromkeys(name.lower().rstrip(".") for name in names))
        self._hosts = hosts

    def is_ours(self, uri: Uri) -> bool:
        """Whether who asks us for it means us. A tel URI has no domain."""
        return not uri.is_sip or not self._names or self._is_known(uri)

    def is_listed(self, host: str) -> bool:
        """By name alone; ``host`` in lower case."""
        return host in self._names

    def is_surely_ours(self, uri: Uri) -> bool:
        """Whether it is ours also where nobody has asked us: a name that is listed, or an address of this machine."""
        return uri.is_sip and self._is_known(uri)

    def _is_known(self, uri: Uri) -> bool:
        host = uri.host.lower().rstrip(".")
        address = address_in(host)
        if address is None:
            return host in self._names or host == "localhost"
        return address.is_loopback or address in {address_in(each) for each in self._hosts()}
