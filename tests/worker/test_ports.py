"""The pool of ports: pairs are shared, opened as they are wanted, within the range, and rest."""

from __future__ import annotations

import socket

import pytest

from confserver.worker import ports as module
from confserver.worker.ports import COMFORTABLE, NoPort, Ports

NOW = 1000.0


class Sockets:
    """Packet I/O that only keeps the sockets."""

    def __init__(self) -> None:
        self.by_index: dict[int, socket.socket] = {}

    def add(self, index: int, sock: socket.socket) -> None:
        self.by_index[index] = sock

    def connect(self, index: int, peer: tuple[str, int]) -> None:
        self.by_index[index].connect(peer)

    def remove(self, index: int) -> None:
        self.by_index.pop(index).close()

    def ports(self) -> dict[int, int]:
        return {index: sock.getsockname()[1] for index, sock in self.by_index.items()}


@pytest.fixture
def io():
    sockets = Sockets()
    yield sockets
    for sock in sockets.by_index.values():
        sock.close()


def _anybody(local: int) -> bool:
    return True


def _nobody(local: int) -> bool:
    return False


def _range(pairs: int) -> int:
    """The first of so many even ports that are free, each with the next."""
    for first in range(36000, 60000, 2 * pairs):
        held = []
        try:
            for port in range(first, first + 2 * pairs):
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                held.append(sock)
                sock.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for sock in held:
                sock.close()
    raise AssertionError("no ports")


def test_legs_share_a_pair_as_long_as_they_can_be_told_apart(io):
    first = _range(4)
    ports = Ports(io, first, first + 7, ["127.0.0.1"])
    pair = ports.take(False, NOW, _anybody)
    assert ports.take(False, NOW, _anybody) is pair
    assert ports.take(False, NOW, lambda local: local != pair.index) is not pair
    assert (ports.open_pairs, ports.used_pairs) == (2, 2)
    assert pair.port % 2 == 0
    assert io.ports()[pair.index] == pair.port and io.ports()[pair.index + 1] == pair.port + 1
    assert ports.port_of(pair.index) == ("127.0.0.1", pair.port)


def test_a_full_pair_makes_another_open(io):
    first = _range(4)
    ports = Ports(io, first, first + 7, ["127.0.0.1"])
    taken = [ports.take(False, NOW, _anybody) for _ in range(2 * COMFORTABLE)]
    assert ports.open_pairs == 2
    assert sorted(pair.legs for pair in {pair.index: pair for pair in taken}.values()) == [COMFORTABLE] * 2
    for _ in range(6 * COMFORTABLE):
        ports.take(False, NOW, _anybody)
    assert ports.open_pairs == 4, "the range is used up: pairs are filled further"


@pytest.mark.parametrize(
    ("before", "after", "pairs"), [(0, 7, 4), (0, 6, 3), (-1, 7, 4), (1, 7, 3), (0, 1, 1), (0, 0, 0)]
)
def test_only_whole_pairs_within_the_range_are_opened(before, after, pairs, io):
    first = _range(5) + 2
    ports = Ports(io, first + before, first + after, ["127.0.0.1"])
    opened = []
    with pytest.raises(NoPort, match=str(first + after)):
        while True:
            opened.append(ports.take(False, NOW, _nobody).port)
    assert len(opened) == pairs
    assert all(port % 2 == 0 and first + before <= port < first + after for port in opened)


def test_a_pair_whose_leg_was_never_heard_rests(io):
    first = _range(1)
    ports = Ports(io, first, first + 1, ["127.0.0.1"])
    pair = ports.take(False, NOW, _anybody)
    ports.give_back(pair.index, False, NOW)
    with pytest.raises(NoPort):
        ports.take(False, NOW + 9, _anybody)
    assert ports.take(False, NOW + 10, _anybody) is pair
    ports.give_back(pair.index, True, NOW + 11)
    assert ports.take(False, NOW + 11, _anybody) is pair
    assert ports.used_pairs == 1


def test_ports_in_use_by_others_are_passed_over_and_tried_again_later(io):
    first = _range(3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", first + 1))
        ports = Ports(io, first, first + 5, ["127.0.0.1"])
        got = {ports.take(False, NOW, _nobody).port for _ in range(2)}
        assert got == {first + 2, first + 4}
        with pytest.raises(NoPort):
            ports.take(False, NOW, _nobody)
    assert ports.take(False, NOW, _nobody).port == first


def test_no_address_of_a_family_is_no_port_of_it(io):
    first = _range(1)
    ports = Ports(io, first, first + 1, ["127.0.0.1"])
    with pytest.raises(NoPort):
        ports.take(True, NOW, _anybody)


def test_ipv6_has_pairs_of_its_own(io):
    first = _range(1)
    ports = Ports(io, first, first + 1, ["127.0.0.1", "::1"])
    old = ports.take(False, NOW, _anybody)
    try:
        new = ports.take(True, NOW, _anybody)
    except NoPort:
        pytest.skip("no IPv6 here")
    assert new.index != old.index and new.port == old.port
    assert io.by_index[new.index].family == socket.AF_INET6


def test_no_more_files_is_no_port(io, monkeypatch):
    def full(*arguments):
        raise OSError(24, "Too many open files")

    first = _range(1)
    ports = Ports(io, first, first + 1, ["127.0.0.1"])
    with monkeypatch.context() as patch:
        patch.setattr(module.socket, "socket", full)
        with pytest.raises(NoPort):
            ports.take(False, NOW, _anybody)
    assert ports.take(False, NOW, _anybody).port == first


def test_a_pair_is_taken_again_by_its_number_and_shared_as_before(io):
    first = _range(3)
    ports = Ports(io, first, first + 5, ["127.0.0.1"])
    pair = ports.take_exactly(first + 2, False)
    assert ports.take_exactly(first + 2, False) is pair and (pair.port, pair.legs) == (first + 2, 2)
    assert io.ports() == {pair.index: first + 2, pair.index + 1: first + 3}
    assert {ports.take(False, NOW, _nobody).port for _ in range(2)} == {first, first + 4}, "nobody gets it twice"
    with pytest.raises(NoPort):
        ports.take(False, NOW, _nobody)


def test_what_cannot_be_taken_again(io):
    first = _range(2)
    ports = Ports(io, first, first + 3, ["127.0.0.1"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", first))
        for port in (first, first + 1, first + 4, first - 2, 0):
            with pytest.raises(NoPort, match=str(port)):
                ports.take_exactly(port, False)
    with pytest.raises(NoPort):
        ports.take_exactly(first, True)
    assert ports.open_pairs == 0
    assert ports.take_exactly(first, False).port == first, "it is free by now"


def test_a_pair_of_one_alone_is_shared_with_nobody_and_closed_behind_it(io):
    first = _range(2)
    ports = Ports(io, first, first + 3, ["127.0.0.1"])
    peers = (("127.0.0.1", 5004), ("127.0.0.1", 5005))
    alone = ports.take_alone(False, peers)
    sockets = [io.by_index[alone.index + offset] for offset in (0, 1)]
    assert [sock.getpeername() for sock in sockets] == list(peers)
    assert ports.take(False, NOW, _anybody).port != alone.port
    assert ports.take(False, NOW, _anybody).port != alone.port
    with pytest.raises(NoPort, match="no free RTP port"):
        ports.take_alone(False, peers)
    with pytest.raises(NoPort, match="cannot be had again"):
        ports.take_exactly(alone.port, False)
    ports.give_back(alone.index, False, NOW)
    assert ports.take(False, NOW + 1, _anybody).port != alone.port, "its sockets are still connected"
    ports.shrink(NOW + 1)
    assert ports.open_pairs == 1
    assert ports.take_alone(False, peers, alone.port).port == alone.port


def test_a_pair_that_cannot_be_connected_is_free_again(io):
    first = _range(1)
    ports = Ports(io, first, first + 1, ["127.0.0.1"])
    nowhere = (("255.255.255.255", 5004), ("255.255.255.255", 5005))
    with pytest.raises(NoPort, match=r"255.255.255.255 cannot be reached"):
        ports.take_alone(False, nowhere)
    assert ports.open_pairs == 0 and ports.take(False, NOW, _anybody).port == first
