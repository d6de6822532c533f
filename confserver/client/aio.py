"""An event stream on asyncio: one HTTP request whose answer has no end, line by line."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast
from urllib.parse import unquote

from confserver.client.connection import Connection
from confserver.client.errors import BadAnswer, ClientError
from confserver.client.live import IDLE_S, MOST_BYTES

MOST_HEAD_LINES = 100


async def lines(connection: Connection, path: str) -> AsyncGenerator[bytes, None]:
    """The lines of the answer. Raises ClientError where there is no good one, or it breaks off."""
    with connection.told_as_ours():
        async with asyncio.timeout(connection.timeout):
            reader, writer = await _opened(connection)
        try:
            writer.write(_head(connection, path))
            await writer.drain()
            async with asyncio.timeout(connection.timeout):
                status, headers = await _answer(reader)
                if status != 200:
                    connection.understood(status, await reader.read(MOST_BYTES))
                    raise BadAnswer(f"{connection.url}: answers {status} to a request for events")
            body = _chunks(reader) if headers.get("transfer-encoding", "").lower() == "chunked" else _plain(reader)
            async for line in body:
                yield line
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _opened(connection: Connection) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = connection.parts
    if parts.scheme == "http+unix":
        return await asyncio.open_unix_connection(unquote(parts.path), limit=MOST_BYTES)
    is_safe = parts.scheme == "https"
    port = parts.port or (443 if is_safe else 80)
    context = ssl.create_default_context() if is_safe else None
    return await asyncio.open_connection(parts.hostname, port, ssl=context, limit=MOST_BYTES)


def _head(connection: Connection, path: str) -> bytes:
    """Raises ClientError for a token or path that no header can hold."""
    headers = {"Host": connection.parts.netloc or "localhost", "Accept": "text/event-stream", "Connection": "close"}
    headers |= connection.rights()
    text = [f"GET {connection.base}{path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    if any(not line.isprintable() for line in text):
        raise ClientError(f"{connection.url}: cannot be asked so")
    return "\r\n".join(text).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = [(await reader.readline()).decode("latin-1").rstrip("\r\n")]
    while head[-1] and len(head) < MOST_HEAD_LINES:
        head.append((await reader.readline()).decode("latin-1").rstrip("\r\n"))
    words = head[0].split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise BadAnswer("what answers does not speak HTTP")
    pairs = [line.partition(":") for line in head[1:] if ":" in line]
    return int(words[1]), {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _plain(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while line := await _in_time(reader.readline()):
        yield line


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """RFC 9112 section 7.1; chunks need not end with lines."""
    rest = b""
    while True:
        text = (await _in_time(reader.readline())).partition(b";")[0].strip()
        try:
            size = int(text, 16) if text else 0
        except ValueError:
            raise BadAnswer("a chunk without a length") from None
        if not 0 < size <= MOST_BYTES or len(rest) + size > MOST_BYTES:
            return
        whole = rest + await _in_time(reader.readexactly(size))
        await _in_time(reader.readline())
        *found, rest = whole.split(b"\n")
        for line in found:
            yield line + b"\n"


async def _in_time(reading: object) -> bytes:
    async with asyncio.timeout(IDLE_S):
        return cast(bytes, await reading)  # type: ignore[misc]
