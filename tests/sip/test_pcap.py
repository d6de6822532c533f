"""The pcap writer against a reader of our own, and against tshark or tcpdump where the machine has them."""

from __future__ import annotations

import ipaddress
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from confserver.sip.pcap import Packet, pcap

A, B = ("192.0.2.7", 5060), ("192.0.2.1", 5061)
A6, B6 = ("2001:db8::7", 5060), ("2001:db8::1%eth0", 5060)
MESSAGE = b"OPTIONS sip:b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n"


def is_right(data: bytes) -> bool:
    """RFC 1071: whatever is checked, with its checksum, adds up to all ones."""
    data += b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total == 0xFFFF


def read(file: bytes) -> list[dict[str, object]]:
    """As a reader would: every length and checksum must be right."""
    magic, major, minor, _, _, snap, link = struct.unpack("<IHHiIII", file[:24])
    assert (magic, major, minor, link) == (0xA1B23C4D, 2, 4, 101)
    found, at = [], 24
    while at < len(file):
        seconds, nanoseconds, kept, length = struct.unpack("<IIII", file[at : at + 16])
        raw = file[at + 16 : at + 16 + kept]
        assert kept == len(raw) <= snap and nanoseconds < 1_000_000_000
        told = {"left_out": length - kept} if length > kept else {}
        found.append({"at": seconds + nanoseconds / 1e9, **told, **read_ip(raw, length - kept)})
        at += 16 + kept
    return found


def read_ip(raw: bytes, left_out: int = 0) -> dict[str, object]:
    if raw[0] >> 4 == 6:
        length, protocol = struct.unpack("!HB", raw[4:7])
        source, target, rest = raw[8:24], raw[24:40], raw[40:]
        assert length == len(rest) + left_out
    else:
        assert raw[0] == 0x45 and is_right(raw[:20]) and struct.unpack("!H", raw[2:4])[0] == len(raw) + left_out
        protocol, source, target, rest = raw[9], raw[12:16], raw[16:20], raw[20:]
    if not left_out:  # what was not kept was not summed up either
        assert is_right(source + target + struct.pack("!II", len(rest), protocol) + rest)
    ports = struct.unpack("!HH", rest[:4])
    ends = [(str(ipaddress.ip_address(host)), port) for host, port in zip((source, target), ports, strict=True)]
    told: dict[str, object] = {"source": ends[0], "target": ends[1], "protocol": protocol}
    if protocol == 17:
        assert struct.unpack("!H", rest[4:6])[0] == len(rest) + left_out
        assert not left_out or rest[6:8] == b"\0\0", "no checksum (RFC 768)"
        return told | {"data": rest[8:]}
    return told | {"data": rest[20:], "sequence": struct.unpack("!II", rest[4:12])}


def test_datagrams() -> None:
    [one, two] = read(pcap([Packet(1000.25, A, B, False, MESSAGE), Packet(1000.5, B, A, False, b"odd")]))
    assert one == {"at": 1000.25, "source": A, "target": B, "protocol": 17, "data": MESSAGE}
    assert (two["source"], two["target"], two["data"]) == (B, A, b"odd")


def test_ipv6_with_a_zone() -> None:
    [one] = read(pcap([Packet(0.0, A6, B6, False, MESSAGE)]))
    assert (one["source"], one["target"]) == (A6, ("2001:db8::1", 5060))


def test_mixed_families_are_mapped() -> None:
    [one] = read(pcap([Packet(0.0, A, B6, False, MESSAGE)]))
    assert one["source"] == ("::ffff:c000:207", 5060)


def test_streams_go_on() -> None:
    packets = [Packet(float(n), *((A, B) if n % 2 == 0 else (B, A)), True, MESSAGE) for n in range(4)]
    size = len(MESSAGE)
    assert [each["sequence"] for each in read(pcap(packets))] == [(1, 1), (1, 1 + size), (1 + size, 1 + size),
                                                                  (1 + size, 1 + 2 * size)]  # fmt: skip


def test_what_is_large() -> None:
    file = read(pcap([Packet(0.0, A, B, True, b"x" * 65_000)]))
    assert b"".join(each["data"] for each in file) == b"x" * 65_000  # type: ignore[misc]
    [cut] = read(pcap([Packet(0.0, A, B, False, b"x" * 65_535)]))
    assert len(cut["data"]) == 65_535 - 48  # type: ignore[arg-type]


def test_nothing_is_a_file_too() -> None:
    assert read(pcap([])) == []


@pytest.mark.parametrize("program", ["tshark", "tcpdump"])
def test_others_read_it(program: str, tmp_path: Path) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not here")
    path = tmp_path / "call.pcap"
    path.write_bytes(pcap([Packet(1000.25, A, B, False, MESSAGE), Packet(1000.5, A6, B6, True, MESSAGE)]))
    command = ["tshark", "-n", "-r", str(path)] if program == "tshark" else ["tcpdump", "-n", "-r", str(path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert "OPTIONS" in told and told.count("\n") >= 2
