"""Many callers on one socket: each is told apart by its address, both ways."""

from __future__ import annotations

import itertools
import socket
import time

import numpy as np
import pytest

from confserver.bench.plan import Caller, Part
from confserver.bench.recording import Recording
from confserver.bench.section import Section
from confserver.bench.wire import Wire, host_of, key
from confserver.engine.batch import Batch
from confserver.rtp.address import AddressBook


@pytest.fixture
def server():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(2)
        yield sock


def test_packets_leave_from_each_callers_address_and_come_back_to_it(server: socket.socket) -> None:
    wire = Wire(16)
    packets = np.arange(3 * 40, dtype=np.uint8).reshape(3, 40)
    wire.point_at(packets, [0, 7, 300], [server.getsockname()] * 3)
    before = time.monotonic()
    assert wire.send() == 0
    for number, packet in zip([0, 7, 300], packets, strict=True):
        data, source = server.recvfrom(2000)
        assert source == (host_of(number), wire.port)
        assert data == packet.tobytes()
        server.sendto(data[::-1], source)
    read = wire.receive()
    assert read.number.tolist() == [0, 7, 300]
    assert read.is_known.all()
    assert read.length.tolist() == [40, 40, 40]
    assert read.sender.tolist() == [key(server.getsockname())] * 3
    assert (read.data[:3, :40] == packets[:, ::-1]).all()
    assert ((read.arrived >= before - 0.001) & (read.arrived <= time.monotonic() + 0.001)).all()
    assert wire.receive().count == 0
    wire.close()


def test_a_packet_that_cannot_be_sent_keeps_no_other_back(server: socket.socket) -> None:
    wire = Wire(4)
    target = server.getsockname()
    wire.point_at(np.zeros((3, 20), np.uint8), [1, 2, 3], [target, ("127.0.0.1", 0), target])
    assert wire.send() == 1
    assert [server.recvfrom(100)[1][0] for _ in range(2)] == [host_of(1), host_of(3)]
    wire.close()


def test_the_key_is_that_of_the_kernels_address() -> None:
    batch = Batch(1)
    batch.sender[0, :8] = np.frombuffer(key(("127.0.0.9", 4000)).to_bytes(8, "little"), np.uint8)
    mine = int.from_bytes(batch.sender[0, :8].tobytes(), "little") & ~0xFFFF
    assert mine == AddressBook().key(0, ("127.0.0.9", 4000))


CALLERS = [
    Caller(0, "r", Part.CLAPPER, 0),
    Caller(10, "r", Part.TALKER, 0, 310),
    Caller(20, "r", Part.LISTENER, 0, is_checked=True),
]


def test_a_section_counts_as_phones_do(server: socket.socket) -> None:
    section = Section(CALLERS, 0.2)
    assert section.prepare(0) == []
    section.send()
    for caller in CALLERS[::-1]:
        section.connect(caller.number, server.getsockname())
    seen: dict[str, list[bytes]] = {}
    for beat in range(24, 27):
        assert section.prepare(beat) == ([0] if beat == 25 else [])
        section.send()
        for _ in CALLERS:
            data, source = server.recvfrom(2000)
            seen.setdefault(source[0], []).append(data)
    assert set(seen) == {host_of(caller.number) for caller in CALLERS}
    for packets in seen.values():
        sequence, timestamp, ssrc = zip(*((p[2:4], p[4:8], p[8:12]) for p in packets), strict=True)
        assert {(int.from_bytes(b) - int.from_bytes(a)) % 65536 for a, b in itertools.pairwise(sequence)} == {1}
        assert {(int.from_bytes(b) - int.from_bytes(a)) % 2**32 for a, b in itertools.pairwise(timestamp)} == {160}
        assert len(set(ssrc)) == 1
    assert seen[host_of(20)][0][12:] == b"\xff" * 160
    assert seen[host_of(10)][0][12:] != seen[host_of(10)][1][12:]
    assert (seen[host_of(0)][0][12:] == b"\xff" * 160, seen[host_of(0)][1][12:] == b"\xff" * 160) == (True, False)
    section.close()


def test_only_what_comes_from_the_server_is_recorded(server: socket.socket) -> None:
    section = Section(CALLERS, 0.2)
    section.connect(20, server.getsockname())
    start = time.monotonic()
    recording = Recording(start - 1, start + 5, 21, [20], [])
    place = (host_of(20), section.port)
    good = b"\x80\x00\x00\x05\x00\x00\x03\x20\x00\x00\x00\x01" + b"\x55" * 160
    server.sendto(good, place)
    server.sendto(b"\x80\xc8" + good[2:], place)  # RTCP
    server.sendto(good[:-1], place)
    server.sendto(b"\x80\x08" + good[2:], place)  # PCMA was not agreed
    server.sendto(good, (host_of(10), section.port))  # not yet connected
    server.sendto(good, (host_of(15), section.port))  # nobody's
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(good, place)
    time.sleep(0.01)
    recording.take(section, section.receive())
    packets, sounds = recording.packets(), recording.sounds()
    assert packets.caller.tolist() == [20]
    assert (packets.sequence.tolist(), packets.timestamp.tolist()) == ([5], [800])
    assert recording.strange == 5
    assert list(sounds) == [20]
    assert (sounds[20].payloads == 0x55).all()
    section.close()
