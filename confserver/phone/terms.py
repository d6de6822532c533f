"""What the robot and the other side have agreed on: offers and answers of one call, bytes in and out.

An offer that fails leaves all as it was (RFC 3264 section 8); only the version of our description has moved on.
"""

from __future__ import annotations

from confserver.formats import PCMA, PCMU, TELEPHONE_EVENT
from confserver.sdp import text
from confserver.sdp.agreement import Agreed, Local, Rejected, Warn
from confserver.sdp.description import Description
from confserver.sdp.direction import Direction
from confserver.sdp.negotiation import accept, answer, negotiate, offer

SPOKEN = (PCMU, PCMA, TELEPHONE_EVENT)


class Terms:
    """Of one call. All that reads a body raises Rejected where there is no agreement."""

    def __init__(self, local: Local) -> None:
        self._local = local
        self._sent: Description | None = None
        self._offered: Description | None = None
        self.agreed: Agreed | None = None
        self.on_hold = False
        """We have put the other side on hold."""
        self._wishes_hold = False

    @property
    def is_open(self) -> bool:
        """An offer of ours waits for its answer."""
        return self._offered is not None

    def offer(self, hold: bool | None = None) -> bytes:
        """Our offer: the first, the next, or the one in the answer to an INVITE without any."""
        self._wishes_hold = self.on_hold if hold is None else hold
        self._offered = self._sent = offer(SPOKEN, self._local, self.agreed, self._wishes_hold, self._sent)
        return text.write(self._offered)

    def answered(self, body: bytes) -> Agreed:
        """The answer to it."""
        assert self._offered is not None
        self.agreed = accept(self._offered, _read(body), self.agreed, SPOKEN)
        self.on_hold = self._wishes_hold
        self._offered = None
        return self.agreed

    def withdraw(self) -> None:
        """Our offer has failed, or could not be sent."""
        self._offered = None

    def answer(self, body: bytes) -> bytes:
        """Settle their offer; gives our answer."""
        offered = _read(body)
        allow = Direction.SENDONLY if self.on_hold else Direction.SENDRECV
        agreed = negotiate(offered, SPOKEN, previous=self.agreed, allow=allow)
        self._sent = answer(offered, agreed, self._local, self._sent)
        self.agreed = agreed
        return text.write(self._sent)


def _read(body: bytes) -> Description:
    try:
        return text.parse(body)
    except text.Bad as error:
        raise Rejected(Warn.OTHER, f"bad SDP: {error}", status=400) from None
