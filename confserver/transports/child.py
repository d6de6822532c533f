"""A child process of ours and the line to it: spawned, talked to in messages of ``contract``, killed."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from typing import Any, Generic, Protocol, TypeVar, cast

from twisted.internet.interfaces import (
    IProcessTransport,
    IReactorCore,
    IReactorProcess,
    IReactorSocket,
    IReactorTime,
)  # fmt: skip
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure

from confserver.contract import Unpacker
from confserver.transports.outgoing import Outgoing

CHANNEL_FD = 3
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "NUMPY_MADVISE_HUGEPAGE": "0"}
"""A second thread beside the tick makes most ticks late. Of columns that few legs use, a huge page would be taken for a
few rows: 10 kB a leg of Opus (measured)."""

_Message = TypeVar("_Message")
_Said = TypeVar("_Said", contravariant=True)


class Reactor(IReactorProcess, IReactorSocket, IReactorTime, IReactorCore):
    """What is needed of a reactor."""


class Parent(Protocol[_Said]):
    """Whom a child tells."""

    def took(self, message: _Said, /) -> None: ...

    def ended(self, reason: str) -> None:
        """It is gone, and all that it held; what its line may still hold is of no use."""
        ...


class Child(Generic[_Message]):
    """Its words go to ``parent``, and its end; a child whose line closes is killed."""

    def __init__(
        self, reactor: Reactor, words: list[str], unpacker: Unpacker[_Message], parent: Parent[_Message]
    ) -> None:
        """Spawns it. Raises OSError where there is no more room."""
        self._parent = parent
        self._process, self._channel = _Process(self), _Channel(self, unpacker)
        ours, theirs = socket.socketpair()
        with ours, theirs, open(os.devnull, "rb") as nothing:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            ours.setblocking(False)
            reactor.spawnProcess(
                self._process, sys.executable, words, os.environ | ENVIRONMENT,
                childFDs={0: nothing.fileno(), 1: 2, 2: 2, CHANNEL_FD: theirs.fileno()},
            )  # fmt: skip
            self._outgoing = Outgoing(reactor, ours)
            reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, cast(Any, _Adopted(self._channel)))

    @property
    def pid(self) -> int | None:
        return self._process.transport.pid if self._process.transport else None

    def send(self, data: bytes) -> None:
        """What is said to a process that is gone is lost."""
        self._outgoing.write(data)

    def kill(self) -> None:
        with contextlib.suppress(Exception):  # ProcessExitedAlready
            self._process.transport.signalProcess("KILL")

    def took(self, message: _Message) -> None:
        self._parent.took(message)

    def closed(self) -> None:
        """Its line."""
        self._outgoing.close()
        self.kill()

    def ended(self, reason: str) -> None:
        self._outgoing.close()
        self._channel.close()
        self._parent.ended(reason)


class _Process(ProcessProtocol):
    transport: IProcessTransport

    def __init__(self, child: Child[Any]) -> None:
        self._child = child

    def processEnded(self, reason: Failure) -> None:
        self._child.ended(reason.getErrorMessage())


class _Channel(TwistedProtocol, Generic[_Message]):
    def __init__(self, child: Child[_Message], unpacker: Unpacker[_Message]) -> None:
        self._child = child
        self._unpacker = unpacker
        self._is_closed = False

    def dataReceived(self, data: bytes) -> None:
        """What is no message makes Twisted close the line, and that ends the process."""
        for message in self._unpacker.feed(data):
            if not self._is_closed:
                self._child.took(message)

    def close(self) -> None:
        self._is_closed = True
        if self.transport:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._child.closed()


class _Adopted(Factory):
    noisy = False

    def __init__(self, channel: _Channel[Any]) -> None:
        self._channel = channel

    def buildProtocol(self, addr: object) -> _Channel[Any]:
        return self._channel
