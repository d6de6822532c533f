"""Two of them agree: offers, answers, hold from either side, and offers that fail."""

from __future__ import annotations

import pytest

from confserver.phone.terms import Terms
from confserver.sdp.agreement import Local, Rejected
from confserver.sdp.direction import Direction


def pair() -> tuple[Terms, Terms]:
    ours = Terms(Local(host="192.0.2.1", port=30000, session_id=1))
    theirs = Terms(Local(host="192.0.2.2", port=40000, session_id=2))
    ours.answered(theirs.answer(ours.offer()))
    return ours, theirs


def directions(*terms: Terms) -> list[Direction]:
    return [each.agreed.direction for each in terms if each.agreed is not None]


def test_first_agreement() -> None:
    ours, theirs = pair()
    assert directions(ours, theirs) == [Direction.SENDRECV] * 2
    assert ours.agreed is not None and theirs.agreed is not None
    assert (ours.agreed.remote, theirs.agreed.remote) == (("192.0.2.2", 40000), ("192.0.2.1", 30000))
    assert not ours.is_open and not theirs.is_open


def test_hold_and_resume() -> None:
    ours, theirs = pair()
    ours.answered(theirs.answer(ours.offer(hold=True)))
    assert directions(ours, theirs) == [Direction.SENDONLY, Direction.RECVONLY]
    theirs.answered(ours.answer(theirs.offer()))
    assert directions(ours, theirs) == [Direction.SENDONLY, Direction.RECVONLY], "their offer does not end our hold"
    ours.answered(theirs.answer(ours.offer(hold=False)))
    assert directions(ours, theirs) == [Direction.SENDRECV] * 2


def test_asked_for_an_offer_we_keep_what_is() -> None:
    ours, theirs = pair()
    theirs.answered(ours.answer(theirs.offer(hold=True)))
    ours.answered(theirs.answer(ours.offer()))
    assert directions(ours, theirs) == [Direction.RECVONLY, Direction.SENDONLY]


def test_an_offer_that_fails_changes_nothing_but_the_version() -> None:
    ours, theirs = pair()
    first = ours.offer(hold=True)
    assert ours.is_open
    ours.withdraw()
    assert not ours.is_open and not ours.on_hold and directions(ours) == [Direction.SENDRECV]
    second = ours.offer()
    ours.answered(theirs.answer(second))
    assert directions(ours, theirs) == [Direction.SENDRECV] * 2
    versions = [int(body.split(b"o=confserver 1 ")[1].split()[0]) for body in (first, second)]
    assert versions == [1, 2]


@pytest.mark.parametrize("body", [b"", b"v=0\r\n", b"nonsense"])
def test_what_cannot_be_read_is_rejected(body: bytes) -> None:
    ours, _ = pair()
    before = ours.agreed
    with pytest.raises(Rejected) as rejected:
        ours.answer(body)
    assert rejected.value.status == 400 and ours.agreed is before
    ours.offer()
    with pytest.raises(Rejected):
        ours.answered(body)
    assert ours.is_open and ours.agreed is before
