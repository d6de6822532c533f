"""One answer for one key; and what depends on a room's version; and pages of lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.admin import replays as module
from confserver.admin import versions
from confserver.admin.paging import Page, link_of, page_of
from confserver.admin.problems import Problem
from confserver.admin.replays import KEPT_S, MOST_KEPT, Answer, Ask, Replays, ask_of

NOW = 1_700_000_000.0
DONE = Answer(201, b'{"name": "standup"}', (("Location", "/rooms/standup"),))


def ask(key: str = "k1", body: bytes = b"{}", holder: str = "reception", uri: str = "/rooms/a/dial") -> Ask:
    found = ask_of(holder, key, "POST", uri, body)
    assert found is not None
    return found


def test_the_same_answer_again() -> None:
    replays = Replays()
    assert replays.find(ask(), NOW) is None
    replays.begin(ask(), NOW)
    with pytest.raises(Problem) as caught:
        replays.find(ask(), NOW)
    assert (caught.value.status, caught.value.kind) == (409, "under-way")
    replays.finish(ask(), DONE)
    again = replays.find(ask(), NOW + KEPT_S)
    assert again is not None and (again.status, again.body) == (201, DONE.body)
    assert again.headers == (("Location", "/rooms/standup"), ("Idempotency-Replayed", "true"))


@pytest.mark.parametrize("other", [ask(body=b"[]"), ask(uri="/rooms/b/dial")])
def test_another_request_under_the_key(other: Ask) -> None:
    replays = Replays()
    replays.begin(ask(), NOW)
    replays.finish(ask(), DONE)
    with pytest.raises(Problem) as caught:
        replays.find(other, NOW)
    assert (caught.value.status, caught.value.kind) == (422, "key-reused")


def test_somebody_elses_key_is_another() -> None:
    replays = Replays()
    replays.begin(ask(), NOW)
    assert replays.find(ask(holder="other"), NOW) is None
    assert replays.find(None, NOW) is None


def test_a_day_later_it_is_new() -> None:
    replays = Replays()
    replays.begin(ask(), NOW)
    replays.finish(ask(), DONE)
    assert replays.find(ask(), NOW + KEPT_S + 1) is None
    assert replays.describe() == {"kept": 0, "bytes": 0}


def test_refusals_are_kept_and_faults_of_ours_are_not() -> None:
    replays = Replays()
    replays.begin(ask(), NOW)
    replays.finish(ask(), Answer(409, b"locked"))
    assert replays.find(ask(), NOW).status == 409  # type: ignore[union-attr]
    replays.begin(ask("k2"), NOW)
    replays.finish(ask("k2"), Answer(500, b"fault"))
    assert replays.find(ask("k2"), NOW) is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    replays = Replays()
    for number in range(MOST_KEPT + 50):
        replays.begin(ask(str(number)), NOW)
        replays.finish(ask(str(number)), DONE)
        replays.find(ask("0"), NOW)
    assert replays.describe() == {"kept": MOST_KEPT, "bytes": MOST_KEPT * len(DONE.body)}
    assert replays.find(ask("0"), NOW), "used last, kept longest"
    assert replays.find(ask("1"), NOW) is None
    monkeypatch.setattr(module, "MOST_KEPT_BYTES", 100)
    replays.begin(ask("large"), NOW)
    replays.finish(ask("large"), Answer(200, b"x" * 90))
    assert replays.describe()["bytes"] <= 100 and replays.find(ask("large"), NOW)


@pytest.mark.parametrize("key", ["", " ", "a" * 256, "é", "a\x00", " a", "a b", "a\x7f"])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(Problem) as caught:
        ask_of("x", key, "POST", "/", b"")
    assert caught.value.status == 400


# ------------------------------------------------------------------ versions
@pytest.mark.parametrize(
    ("header", "is_fresh"),
    [
        (None, False), ('"a-1"', True), ('W/"a-1"', True), ('"a-2"', False), ('"x", "a-1"', True), ("*", True),
        ("a-1", False), ('"a-1', False), ('"x" "a-1"', False), ("", False), (',, "a-1" ,', True),
    ],
)  # fmt: skip
def test_who_knows_it_already(header: str | None, is_fresh: bool) -> None:
    assert versions.is_fresh(header, "a-1") is is_fresh


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "tag", "status"),
    [
        (None, None, "a-1", 0), ('"a-1"', None, "a-1", 0), ('"a-0", "a-1"', None, "a-1", 0), ("*", None, "a-1", 0),
        ('"a-0"', None, "a-1", 412), ('W/"a-1"', None, "a-1", 412), ("*", None, None, 412), ('"a-1"', None, None, 412),
        ("a-1", None, "a-1", 412), ("", None, "a-1", 412),
        (None, "*", None, 0), (None, "*", "a-1", 412), (None, '"a-1"', "a-1", 412), (None, '"a-0"', "a-1", 0),
    ],
)  # fmt: skip
def test_changes_that_depend_on_the_version(
    if_match: str | None, if_none_match: str | None, tag: str | None, status: int
) -> None:
    try:
        versions.check(if_match, if_none_match, tag)
        assert status == 0
    except Problem as problem:
        assert problem.status == status


@given(st.text(max_size=300))
def test_any_header_is_read(header: str) -> None:
    versions.is_fresh(header, "a-1")


def test_a_long_header_is_read_in_linear_time() -> None:
    versions.is_fresh('"a"' + " , " * 100_000, "x")
    versions.is_fresh('"a" ' * 100_000, "x")


# ------------------------------------------------------------------ pages
ROWS = [{"name": name} for name in ("c", "a", "b", "d")]


def test_without_limits_the_list_is_as_it_is() -> None:
    assert page_of(ROWS, "name", {}) == Page(ROWS)


def test_pages_follow_each_other() -> None:
    page = page_of(ROWS, "name", {"limit": ["3"]})
    assert ([row["name"] for row in page.rows], page.after) == (["a", "b", "c"], "c")
    assert link_of("/rooms", {"limit": ["3"]}, page) == '</rooms?limit=3&after=c>; rel="next"'
    last = page_of(ROWS, "name", {"limit": ["3"], "after": ["c"]})
    assert ([row["name"] for row in last.rows], last.after) == (["d"], "")
    assert link_of("/rooms", {}, last) == ""


def test_a_row_that_went_is_no_reason_to_begin_anew() -> None:
    assert page_of(ROWS, "name", {"after": ["bb"]}).rows == [{"name": "c"}, {"name": "d"}]
    assert page_of([], "name", {"limit": ["1"]}) == Page([])


def test_names_in_links_are_encoded() -> None:
    assert link_of("/users", {"limit": ["1"]}, Page([], 'a b>;"')) == (
        '</users?limit=1&after=a%20b%3E%3B%22>; rel="next"'
    )
