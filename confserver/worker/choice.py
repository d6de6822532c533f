"""Which way of packet I/O: the quickest that the system has, or the one that was asked for."""

from __future__ import annotations

from confserver.rtp.address import AddressBook
from confserver.worker import mmsg
from confserver.worker.packet_io import PacketIO, PortablePacketIO


def open_io(kind: str, book: AddressBook) -> PacketIO:
    """kind: ``auto``, ``portable`` or ``mmsg``. Raises OSError where the system cannot do what was asked."""
    if kind == "mmsg" or (kind == "auto" and mmsg.is_available()):
        return mmsg.BatchPacketIO(book)
    return PortablePacketIO(book)
