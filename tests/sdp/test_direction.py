"""Who sends, who hears, who holds: the tables are complete and keep to RFC 3264."""

import itertools

import pytest

from confserver.sdp.direction import MEANINGS, MEANINGS_AT_NULL, Before, Direction, Meaning, meaning

SENDRECV, SENDONLY, RECVONLY, INACTIVE = Direction


def test_every_case_has_a_row():
    assert set(MEANINGS) == set(itertools.product(Direction, Before))
    assert set(MEANINGS_AT_NULL) == set(Direction)


@pytest.mark.parametrize(("stated", "before"), sorted(MEANINGS, key=str))
def test_no_answer_does_more_than_the_offer_allows(stated, before):
    """RFC 3264 section 6.1: sendonly is answered by recvonly or inactive, and so on."""
    answer = MEANINGS[stated, before].answer
    assert answer.within(stated.reverse) is answer


@pytest.mark.parametrize(("stated", "before"), sorted(MEANINGS, key=str))
def test_nobody_who_hears_holds(stated, before):
    assert not (stated.receives and MEANINGS[stated, before].held)


@pytest.mark.parametrize(
    ("stated", "before", "answer", "held"),
    [
        (SENDRECV, Before.NEW, SENDRECV, False),
        (SENDONLY, Before.NEW, RECVONLY, False),  # a broadcaster
        (SENDONLY, Before.BROADCASTING, RECVONLY, False),
        (SENDONLY, Before.HEARING, RECVONLY, True),  # hold
        (SENDONLY, Before.HELD, RECVONLY, True),
        (RECVONLY, Before.NEW, SENDONLY, False),  # a listener
        (RECVONLY, Before.HELD, SENDONLY, False),
        (INACTIVE, Before.HEARING, INACTIVE, True),
        (INACTIVE, Before.BROADCASTING, INACTIVE, True),
        (INACTIVE, Before.NEW, INACTIVE, True),
        (SENDRECV, Before.HELD, SENDRECV, False),  # resume
    ],
)
def test_cases_by_name(stated, before, answer, held):
    assert meaning(stated, False, before) == Meaning(answer, held)


@pytest.mark.parametrize("before", Before)
@pytest.mark.parametrize(
    ("stated", "answer"), [(SENDRECV, SENDRECV), (SENDONLY, RECVONLY), (RECVONLY, SENDONLY), (INACTIVE, INACTIVE)]
)
def test_the_null_address_is_always_hold(stated, answer, before):
    assert meaning(stated, True, before) == Meaning(answer, held=True)


@pytest.mark.parametrize(("one", "other"), list(itertools.product(Direction, Direction)))
def test_both_together_do_what_each_allows(one, other):
    both = one.within(other)
    assert (both.sends, both.receives) == (one.sends and other.sends, one.receives and other.receives)
    assert one.reverse.reverse is one
    assert (one.reverse.sends, one.reverse.receives) == (one.receives, one.sends)
