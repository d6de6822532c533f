"""The texts of /proc, and what they are not."""

from __future__ import annotations

import os
import socket
import time

import pytest

from confserver.bench import proc

STAT = (
    "4242 (conf (x) serve) S 17 4242 4242 0 -1 4194560 9184 0 0 0 250 50 7 7 20 0 3 0 12345 215552000 28000 "
    "18446744073709551615 1 1 0 0 0 0 0 16781312 16898 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0"
)
UDP = """  sl  local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode ref pointer drops
  101: 0100007F:4E20 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 3
  102: 0200007F:4E20 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 4
  103: 00000000:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  broken
"""


def test_a_process_is_read_whatever_its_name() -> None:
    found = proc.parse_stat(STAT)
    assert (found.pid, found.parent) == (4242, 17)
    assert found.cpu_s == pytest.approx(300 / proc.TICKS_A_SECOND)
    assert found.rss_kib == 28000 * proc.PAGE_KIB


@pytest.mark.parametrize("text", ["", "17", "17 (name) S 1 2", "17 name S " + "1 " * 40, "x (y) S " + "1 " * 40])
def test_what_is_no_stat_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        proc.parse_stat(text)


def test_idle_and_waiting_and_stolen_time_is_not_busy() -> None:
    text = "cpu  100 20 30 99999 88888 4 6 77777 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"
    assert proc.parse_busy(text) == pytest.approx(160 / proc.TICKS_A_SECOND)
    for bad in ("", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3"):
        with pytest.raises(ValueError):
            proc.parse_busy(bad)


def test_drops_of_a_port_are_added_up_over_its_sockets() -> None:
    assert proc.parse_udp(UDP) == {20000: 7, 5060: 0}
    assert proc.parse_udp("") == {}


def test_a_family_has_grandchildren_and_no_neighbours() -> None:
    tree = [(1, 0), (5, 1), (6, 5), (7, 6), (8, 1), (9, 8)]
    members = proc.family(5, [proc.Process(pid, parent, 1.0, 10) for pid, parent in tree])
    assert {one.pid for one in members} == {5, 6, 7}
    assert proc.family(99, []) == []


def test_ports_are_free_in_a_row_and_begin_even() -> None:
    assert proc.free_range(set(), 4, 20000, 20003) == 20000
    assert proc.free_range({20003}, 4, 20001, 20020) == 20004
    with pytest.raises(LookupError):
        proc.free_range({20003}, 4, 20000, 20006)


def test_this_process_is_seen_with_what_it_uses() -> None:
    before = proc.use_of(os.getpid())
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    after = proc.use_of(os.getpid())
    assert after.cpu_s - before.cpu_s >= 0.03
    assert after.rss_kib > 1000
    assert proc.busy() > after.cpu_s
    with pytest.raises(ProcessLookupError):
        proc.use_of(1 << 29)


def test_what_a_full_socket_drops_is_seen() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as full,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
    ):
        full.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        full.bind(("127.0.0.1", 0))
        for _ in range(100):
            out.sendto(bytes(172), full.getsockname())
        assert proc.udp_drops()[full.getsockname()[1]] > 0
