"""Both ways of packet I/O, on real sockets: what is sent comes in, with its sender, its socket and its time."""

from __future__ import annotations

import socket
import time

import numpy as np
import pytest

from confserver.engine.departure import Outbox, empty_outbox
from confserver.rtp.address import SOCKADDR_BYTES, AddressBook, address_of, sockaddr
from confserver.worker.choice import open_io
from confserver.worker.mmsg import is_available
from confserver.worker.packet_io import PortablePacketIO

KINDS = ["portable", pytest.param("mmsg", marks=pytest.mark.skipif(not is_available(), reason="not 64-bit Linux"))]


def _socket(host: str = "127.0.0.1") -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(2)
    return sock


@pytest.fixture
def sockets():
    opened: list[socket.socket] = []

    def open_one(host: str = "127.0.0.1") -> socket.socket:
        try:
            opened.append(_socket(host))
        except OSError:
            pytest.skip(f"no {host} here")
        return opened[-1]

    yield open_one
    for sock in opened:
        sock.close()


def _io(kind: str, sockets, hosts: tuple[str, ...] = ("127.0.0.1",)):
    book = AddressBook()
    io = open_io(kind, book)
    own = [sockets(host) for host in hosts]
    for place, sock in enumerate(own):
        io.add(2 * place, sock)
    return io, book, own


def _outbox(packets: list[bytes], addresses: list[tuple[str, int]], ranges, version: int = 1) -> Outbox:
    data = np.frombuffer(bytearray(b"".join(packets)), np.uint8).reshape(len(packets), -1)
    raw = np.frombuffer(bytearray(b"".join(map(sockaddr, addresses))), np.uint8).reshape(-1, SOCKADDR_BYTES)
    length = np.full(len(data), data.shape[1], np.int32)
    return Outbox(data, length, raw, ranges, np.arange(len(data)), version)


@pytest.mark.parametrize("kind", KINDS)
def test_datagrams_come_in_order_with_sender_socket_and_the_kernels_time(kind, sockets):
    io, book, (one, other) = _io(kind, sockets, ("127.0.0.1", "127.0.0.1"))
    phone = sockets()
    before = time.time()
    for number in range(50):
        phone.sendto(b"one" + bytes([number]), one.getsockname())
    phone.sendto(b"other", other.getsockname())
    after = time.time()
    time.sleep(0.05)
    ahead = 1000.0
    batch = io.receive(time.time() + ahead)
    assert batch.count == 51
    mine = [place for place in range(51) if batch.local[place] == 0]
    assert [batch.datagram(place) for place in mine] == [b"one" + bytes([number]) for number in range(50)]
    address = phone.getsockname()
    for place in range(51):
        assert address_of(batch.sender[place].tobytes()) == address
        assert batch.key[place] == book.key(int(batch.local[place]), address)
        assert before - 0.2 <= batch.arrived[place] - ahead <= after + 0.2  # a busy machine may pause in between
    assert (np.diff(batch.arrived[mine]) >= 0).all()
    assert [batch.datagram(place) for place in range(51) if batch.local[place] == 2] == [b"other"]
    assert io.receive(time.time()).count == 0


@pytest.mark.parametrize("kind", KINDS)
def test_ipv6_comes_in_and_goes_out_beside_ipv4(kind, sockets):
    io, book, (one, six) = _io(kind, sockets, ("127.0.0.1", "::1"))
    phone, phone6 = sockets(), sockets("::1")
    address6 = phone6.getsockname()[:2]
    book.hold(address6)
    phone.sendto(b"four", one.getsockname())
    phone6.sendto(b"six", six.getsockname())
    time.sleep(0.02)
    batch = io.receive(time.time())
    got = {batch.datagram(place): place for place in range(batch.count)}
    assert set(got) == {b"four", b"six"}
    assert batch.key[got[b"six"]] == book.key(2, address6) != 2
    assert batch.key[got[b"four"]] == book.key(0, phone.getsockname())
    addresses = [phone.getsockname(), address6]
    assert io.send(_outbox([b"to four", b"to six "], addresses, [(0, 0, 1), (2, 1, 2)])) == []
    assert phone.recv(99) == b"to four"
    assert phone6.recv(99) == b"to six "
    book.drop(address6)
    phone6.sendto(b"six", six.getsockname())
    time.sleep(0.02)
    assert io.receive(time.time()).key[0] == 2, "nobody's"


@pytest.mark.parametrize("kind", KINDS)
def test_a_datagram_too_long_or_empty_is_taken_as_empty(kind, sockets):
    io, _, (one,) = _io(kind, sockets)
    phone = sockets()
    for size in (1504, 1505, 9000, 0, 12):
        phone.sendto(b"x" * size, one.getsockname())
    time.sleep(0.02)
    batch = io.receive(time.time())
    assert batch.length[: batch.count].tolist() == [1504, 0, 0, 0, 12]


@pytest.mark.parametrize("kind", KINDS)
def test_more_than_a_system_calls_worth_waits_on_one_socket(kind, sockets):
    io, _, (one,) = _io(kind, sockets)
    phone = sockets()
    for number in range(700):
        phone.sendto(number.to_bytes(2, "big") * 86, one.getsockname())
    time.sleep(0.05)
    batch = io.receive(time.time())
    if batch.count < 700:
        pytest.skip("the kernel's buffer is too small here")
    assert [int.from_bytes(batch.datagram(place)[:2], "big") for place in range(700)] == list(range(700))
    assert (batch.arrived[:700] > time.time() - 5).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [("127.0.0.1", 0), ("255.255.255.255", 9)])
def test_a_bad_destination_is_passed_over_and_told(kind, bad, sockets):
    io, _, own = _io(kind, sockets, ("127.0.0.1", "127.0.0.1"))
    phone = sockets()
    good = phone.getsockname()
    addresses = [bad, good, good, bad, bad, good, bad, good, good, bad]
    packets = [bytes([number]) * 172 for number in range(10)]
    failed = io.send(_outbox(packets, addresses, [(0, 0, 6), (2, 6, 10)]))
    assert failed == [0, 3, 4, 6, 9]
    came = sorted(phone.recvfrom(2000) for _ in range(5))
    assert [(data[0], len(data)) for data, _ in came] == [(number, 172) for number in (1, 2, 5, 7, 8)]
    senders = [sender for _, sender in came]
    assert senders == [own[0].getsockname()] * 3 + [own[1].getsockname()] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_packets_change_in_place_and_addresses_with_the_version(kind, sockets):
    io, _, _ = _io(kind, sockets)
    first, second = sockets(), sockets()
    outbox = _outbox([b"aaaa"], [first.getsockname()], [(0, 0, 1)])
    io.send(outbox)
    outbox.packets[:] = ord("b")
    io.send(outbox)
    assert (first.recv(9), first.recv(9)) == (b"aaaa", b"bbbb")
    io.send(_outbox([b"cccc", b"dddd"], [second.getsockname()] * 2, [(0, 0, 2)], version=2))
    assert (second.recv(9), second.recv(9)) == (b"cccc", b"dddd")
    io.send(empty_outbox())


@pytest.mark.parametrize("kind", KINDS)
def test_single_datagrams_and_sockets_that_are_gone(kind, sockets):
    io, _, (one,) = _io(kind, sockets)
    phone = sockets()
    assert io.send_control(0, sockaddr(phone.getsockname()), b"report")
    assert phone.recv(99) == b"report"
    assert not io.send_control(0, sockaddr(("127.0.0.1", 0)), b"report")
    assert not io.send_control(8, sockaddr(phone.getsockname()), b"report")
    name = one.getsockname()
    io.remove(0)
    phone.sendto(b"x", name)
    assert io.receive(time.time()).count == 0
    assert one.fileno() == -1


def test_the_quickest_way_is_chosen():
    assert isinstance(open_io("portable", AddressBook()), PortablePacketIO)
    assert isinstance(open_io("auto", AddressBook()), PortablePacketIO) != is_available()


@pytest.mark.parametrize("kind", KINDS)
def test_each_packet_has_a_length_of_its_own_which_may_change_from_tick_to_tick(kind, sockets):
    io, _, _ = _io(kind, sockets)
    phone = sockets()
    phone.settimeout(2)
    outbox = _outbox([b"a" * 192, b"b" * 192], [phone.getsockname()] * 2, [(0, 0, 2)])
    for lengths in ((172, 182), (192, 1)):
        outbox.length[:] = lengths
        assert io.send(outbox) == []
        assert tuple(len(phone.recv(2000)) for _ in range(2)) == lengths


@pytest.mark.parametrize("kind", KINDS)
def test_packets_without_a_length_are_not_sent(kind, sockets):
    io, _, _ = _io(kind, sockets, ("127.0.0.1", "127.0.0.1"))
    peers = [sockets("127.0.0.1") for _ in range(4)]
    outbox = _outbox(
        [b"aaaa", b"bbbb", b"cccc", b"dddd"], [peer.getsockname() for peer in peers], [(0, 0, 3), (2, 3, 4)]
    )
    outbox.is_whole = False
    outbox.number = 1
    for lengths in ([0, 4, 0, 3], [2, 0, 0, 0], [0, 0, 0, 0], [4, 4, 4, 4]):
        outbox.length[:] = lengths
        assert io.send(outbox) == []
        for peer, data, length in zip(peers, (b"aaaa", b"bbbb", b"cccc", b"dddd"), lengths, strict=True):
            assert _received(peer) == ([data[:length]] if length else [])
    outbox.length[:] = [0, 4, 0, 4]
    outbox.address[3] = np.frombuffer(sockaddr(("127.0.0.1", 0)), np.uint8)
    outbox.version += 1
    assert io.send(outbox) == [3], "the place in the outbox, not among those sent"


def _received(peer: socket.socket) -> list[bytes]:
    peer.setblocking(False)
    received = []
    try:
        while True:
            received.append(peer.recv(2000))
    except BlockingIOError:
        return received
