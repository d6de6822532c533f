"""The other side of connections, by asyncio and the standard library's TLS: nothing of ours, nothing of autobahn's."""

from __future__ import annotations

import asyncio
import base64
import datetime
import os
import ssl
import struct
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from confserver.sip.flow import Address
from confserver.transports.certificates import KeyPair, self_signed

NOW = datetime.datetime.now(datetime.UTC)


def run(work: Coroutine[Any, Any, Any], seconds: float = 5.0) -> Deferred[Any]:
    """Await asyncio's work from a test that runs in Twisted."""
    return Deferred.fromFuture(asyncio.ensure_future(asyncio.wait_for(work, seconds)))


def pair(folder: Path, *hosts: str, name: str = "one") -> KeyPair:
    """A certificate of its own authority for these hosts, as files."""
    made = KeyPair(folder / f"{name}.pem", folder / f"{name}-key.pem")
    write(made, *hosts)
    return made


def write(made: KeyPair, *hosts: str, now: datetime.datetime = NOW) -> None:
    certificate, key = self_signed(hosts, now)
    made.certificate.write_bytes(certificate)
    made.key.write_bytes(key)


def trusting(path: Path | None = None) -> ssl.SSLContext:
    """Who believes this certificate; None: any."""
    context = ssl.create_default_context(cafile=None if path is None else str(path))
    if path is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Stream:
    """A connection of a phone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @property
    def local(self) -> Address:
        host, port = self.writer.get_extra_info("sockname")[:2]
        return str(host), int(port)

    @property
    def certificate(self) -> bytes:
        """Of the peer, in DER."""
        return bytes(self.writer.get_extra_info("ssl_object").getpeercert(binary_form=True))

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def hear(self, count: int) -> bytes:
        """So many bytes, or all up to the end."""
        try:
            return await self.reader.readexactly(count)
        except asyncio.IncompleteReadError as end:
            return end.partial
        except (ConnectionError, ssl.SSLError):
            return b""

    async def is_shut(self) -> bool:
        return await self.hear(1) == b""

    def close(self) -> None:
        self.writer.transport.abort()


async def dialled(address: Address, tls: ssl.SSLContext | None = None, name: str | None = None) -> Stream:
    hosted = (name or address[0]) if tls else None
    return Stream(*await asyncio.open_connection(*address, ssl=tls, server_hostname=hosted))


# ---------------------------------------------------------------- WebSocket by hand (RFC 6455)
class WebSocket(Stream):
    async def shake(self, *headers: str, path: str = "/", host: str = "127.0.0.1") -> str:
        """The opening handshake; gives the head of the answer."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *headers, "", ""]
        self.say("\r\n".join(lines).encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        return head.decode()

    def send(self, payload: bytes, opcode: int = 1, last: bool = True) -> None:
        """One frame, masked as a client's must be (section 5.3)."""
        mask = os.urandom(4)
        size = len(payload)
        head = bytes([last << 7 | opcode])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65536:
            head += struct.pack("!BH", 0x80 | 126, size)
        else:
            head += struct.pack("!BQ", 0x80 | 127, size)
        self.say(head + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload)))

    async def frame(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload; (8, b"") at the end."""
        head = await self.hear(2)
        if len(head) < 2:
            return 8, b""
        size = head[1] & 127
        if size == 126:
            size = int.from_bytes(await self.hear(2), "big")
        elif size == 127:
            size = int.from_bytes(await self.hear(8), "big")
        return head[0] & 15, await self.hear(size)


async def opened(
    address: Address, *headers: str, tls: ssl.SSLContext | None = None, path: str = "/", protocol: str = "sip"
) -> WebSocket:
    """A WebSocket that is through its handshake."""
    made = await websocket(address, tls)
    answer = await made.shake(*headers, f"Sec-WebSocket-Protocol: {protocol}", path=path)
    assert answer.startswith("HTTP/1.1 101 "), answer
    return made


async def websocket(address: Address, tls: ssl.SSLContext | None = None) -> WebSocket:
    """Only TCP, or TLS, stands yet."""
    hosted = address[0] if tls else None
    return WebSocket(*await asyncio.open_connection(*address, ssl=tls, server_hostname=hosted))
