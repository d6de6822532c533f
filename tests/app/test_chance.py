"""Words that nobody can guess, by the page."""

from __future__ import annotations

from confserver.app.chance import PAGE_BYTES, WORD_BYTES, Chance


def test_no_word_comes_twice_and_all_have_64_bits() -> None:
    chance = Chance()
    words = [chance() for _ in range(3 * PAGE_BYTES // WORD_BYTES + 5)]
    assert len(set(words)) == len(words)
    assert all(len(word) == 16 and int(word, 16) >= 0 for word in words)


def test_two_servers_have_words_of_their_own() -> None:
    one, other = Chance(), Chance()
    assert {one() for _ in range(100)}.isdisjoint({other() for _ in range(100)})
