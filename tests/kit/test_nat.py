"""The NAT of the kit, by plain sockets: who gets in, who does not, what is rewritten."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.kit.nat import Filtering, Nat
from tests.kit.raw_sip import Message, offer, written


def udp(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, 0))
    made.settimeout(2)
    return made


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with closing(udp("127.0.0.1")) as made:
        yield made


@pytest.fixture
def phone() -> Iterator[socket.socket]:
    with closing(udp("127.0.0.2")) as made:
        yield made


def test_there_and_back(server: socket.socket, phone: socket.socket) -> None:
    with Nat(server.getsockname()) as nat:
        phone.sendto(b"hello", nat.inside)
        data, mapped = server.recvfrom(100)
        assert data == b"hello"
        assert mapped[0] == "127.0.0.1" and mapped != phone.getsockname()
        assert nat.mapped_ports(phone.getsockname()) == [mapped[1]]
        server.sendto(b"welcome", mapped)
        assert phone.recvfrom(100) == (b"welcome", nat.inside)


def test_a_stranger_does_not_get_in(server: socket.socket, phone: socket.socket) -> None:
    with Nat(server.getsockname()) as nat, closing(udp("127.0.0.1")) as stranger:
        phone.sendto(b"hello", nat.inside)
        _, mapped = server.recvfrom(100)
        stranger.sendto(b"let me in", mapped)
        phone.settimeout(0.2)
        with pytest.raises(TimeoutError):
            phone.recvfrom(100)
        assert nat.dropped == [stranger.getsockname()]


def invite_answer(host: str, port: int) -> bytes:
    return written("SIP/2.0 200 OK", [("Call-ID", "1"), ("CSeq", "1 INVITE")], offer(host, port))


@pytest.mark.parametrize("filtering", Filtering)
def test_media_goes_through_a_door(server: socket.socket, phone: socket.socket, filtering: Filtering) -> None:
    with Nat(server.getsockname(), filtering) as nat, closing(udp("127.0.0.1")) as media:
        own = written("INVITE sip:a@b SIP/2.0", [], offer(*phone.getsockname()))
        phone.sendto(own, nat.inside)
        data, mapped = server.recvfrom(1000)
        assert data == own, "what the phone says is not touched"
        server.sendto(invite_answer(*media.getsockname()), mapped)
        answer = Message.read(phone.recv(1000))
        assert answer.media[0] == "127.0.0.2" and answer.media != media.getsockname()
        assert int(answer.header("Content-Length")) == len(answer.body)
        phone.sendto(b"rtp", answer.media)
        data, source = media.recvfrom(100)
        assert data == b"rtp"
        assert (source == mapped) is (filtering is Filtering.PORT)
        media.sendto(b"back", source)
        assert phone.recvfrom(100) == (b"back", answer.media)
