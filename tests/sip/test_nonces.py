"""Nonces: which are taken, how often, and what a stranger costs."""

from __future__ import annotations

import pytest

from confserver.sip.nonces import WINDOW, Freshness, Nonces

FRESH, OLD, REPLAYED = Freshness.FRESH, Freshness.OLD, Freshness.REPLAYED


def test_a_nonce_is_taken_once_for_each_count() -> None:
    nonces = Nonces(b"secret")
    nonce = nonces.make(100.0)
    assert [nonces.take(nonce, nc, 101.0) for nc in (1, 2, 2, 1, 3)] == [FRESH, FRESH, REPLAYED, REPLAYED, FRESH]


def test_requests_may_cross_on_the_way() -> None:
    nonces = Nonces(b"secret")
    nonce = nonces.make(100.0)
    order = (2, 1, 5, 3, 4, 4, 70, 6, 7, 7)
    assert [nonces.take(nonce, nc, 101.0) for nc in order] == [FRESH] * 5 + [REPLAYED, FRESH] + [
        REPLAYED,
        FRESH,
        REPLAYED,
    ]


def test_a_count_far_behind_is_not_believed() -> None:
    nonces = Nonces(b"secret")
    nonce = nonces.make(0.0)
    assert nonces.take(nonce, 2**32 - 1, 1.0) is FRESH
    assert nonces.take(nonce, 2**32 - 1 - WINDOW, 1.0) is REPLAYED
    assert nonces.take(nonce, 0, 1.0) is REPLAYED


def test_it_gets_old() -> None:
    nonces = Nonces(b"secret", lasts_s=60)
    nonce = nonces.make(100.0)
    assert nonces.take(nonce, 1, 160.0) is FRESH
    assert nonces.take(nonce, 2, 160.1) is OLD
    assert nonces.take(nonces.make(200.0), 1, 199.0) is OLD  # of the future


@pytest.mark.parametrize("change", [0, 10, 20, 30, 50])
def test_a_forged_one_is_old(change: int) -> None:
    nonces = Nonces(b"secret")
    nonce = nonces.make(100.0)
    forged = nonce[:change] + ("0" if nonce[change] != "0" else "1") + nonce[change + 1 :]
    assert nonces.take(forged, 1, 100.0) is OLD
    assert nonces.take(nonce, 1, 100.0) is FRESH


@pytest.mark.parametrize("text", ["", "x", "\u00e4" * 56, "0" * 1000])
def test_nonsense_is_old(text: str) -> None:
    assert Nonces(b"secret").take(text, 1, 0.0) is OLD


def test_after_a_restart_all_are_old() -> None:
    assert Nonces(b"another").take(Nonces(b"secret").make(1.0), 1, 1.0) is OLD


def test_no_two_are_the_same_and_none_is_kept() -> None:
    nonces = Nonces(b"secret")
    assert len({nonces.make(1.0) for _ in range(1000)}) == 1000
    assert len(nonces) == 0


def test_the_memory_is_bounded_and_what_was_forgotten_is_never_fresh_again() -> None:
    nonces = Nonces(b"secret", most_used=10)
    made = [nonces.make(1.0) for _ in range(30)]
    assert all(nonces.take(nonce, 1, 2.0) is FRESH for nonce in made)
    assert len(nonces) <= 10
    assert all(nonces.take(nonce, 1, 2.0) is not FRESH for nonce in made)


def test_what_is_over_makes_room() -> None:
    nonces = Nonces(b"secret", lasts_s=60)
    for second in range(0, 1000, 10):
        assert nonces.take(nonces.make(second), 1, second) is FRESH
    assert len(nonces) <= 8
