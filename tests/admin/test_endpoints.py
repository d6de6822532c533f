"""Requests to commands: derived routes, typed bodies, and what is wrong said in words."""

from __future__ import annotations

import dataclasses
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confserver.admin.endpoints import REFUSALS, ROUTES, Found, Problem, body_fields, command_of, find, problem_of
from rooms import policy
from rooms.commands import COMMANDS, Command, CreateRoom, Deafen, Lock, Mute, RemoveRoom
from rooms.errors import KINDS
from rooms.participant import MuteCause
from rooms.policy import NoiseGuard

JSON = "application/json"


def asked(method: str, path: str, body: object = None, content_type: str = JSON) -> Command:
    return command_of(find(method, path), content_type, b"" if body is None else json.dumps(body).encode())


def refused(method: str, path: str, body: bytes = b"", content_type: str = JSON) -> Problem:
    with pytest.raises(Problem) as caught:
        command_of(find(method, path), content_type, body)
    return caught.value


def test_requests_become_commands() -> None:
    assert asked("PUT", "/rooms/standup") == CreateRoom("standup")
    sound = {"rate_hz": 0, "talkers": None, "levelling": False, "guard": "mute", "codecs": ["opus", "PCMU"]}
    assert asked("PUT", "/rooms/standup", sound) == CreateRoom(
        "standup", rate_hz=0, levelling=False, guard=NoiseGuard.MUTE, codecs=("opus", "PCMU")
    )
    assert asked("PUT", "/rooms/standup", {"max_participants": 5, "mute_on_entry": True}) == CreateRoom(
        "standup", max_participants=5, mute_on_entry=True
    )
    assert asked("PUT", "/rooms/standup", {"max_participants": 5.0}) == CreateRoom("standup", max_participants=5)
    assert asked("DELETE", "/rooms/standup") == RemoveRoom("standup")
    assert asked("POST", "/rooms/standup/lock", {}) == Lock("standup")
    mute = "/rooms/standup/participants/p7/mute"
    assert asked("POST", mute) == Mute("standup", "p7")
    assert asked("POST", mute, {"cause": "self"}) == Mute("standup", "p7", MuteCause.SELF)
    assert asked("POST", mute, {"cause": "host"}, "application/json; charset=utf-8").room == "standup"


def test_every_command_has_its_route() -> None:
    for command in COMMANDS:
        path = command.path.format(room="standup", participant="p7")
        found = find(command.method, path)
        assert found.route.command is command
        assert found.route.summary
        rules = set(policy.RULES) if command.spreads else set()
        fields = {f.name for f in dataclasses.fields(command)} - ({"rules"} if command.spreads else set())
        assert fields | rules == set(found.names) | {f.name for f in body_fields(command)}
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_names_travel_in_the_path_whatever_they_are(name: str) -> None:
    encoded = quote(name, safe="")
    assert asked("POST", f"/rooms/{encoded}/participants/{encoded}/deafen") == Deafen(name, name)


@pytest.mark.parametrize(
    "path", ["/", "", "/room", "/rooms/", "/rooms//lock", "/rooms/a/lock/", "/rooms/a/b/c/d", "rooms"]
)
def test_unknown_paths(path: str) -> None:
    with pytest.raises(Problem) as caught:
        find("GET", path)
    assert caught.value.status == 404


def test_a_wrong_method_is_told_the_right_ones() -> None:
    for method, path, allow in (
        ("POST", "/rooms/a", "DELETE, GET, HEAD, PATCH, PUT"),
        ("GET", "/rooms/a/lock", "POST"),
        ("HEAD", "/rooms/a/lock", "POST"),
        ("DELETE", "/rooms", "GET, HEAD"),
        ("BREW", "/status", "GET, HEAD"),
    ):
        with pytest.raises(Problem) as caught:
            find(method, path)
        assert (caught.value.status, caught.value.headers) == (405, {"Allow": allow})
    assert find("HEAD", "/rooms").route.query == "rooms"


MEMBERS = sorted(field.name for field in body_fields(CreateRoom))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"loud": 1}', f"unknown member 'loud': the body takes {', '.join(MEMBERS)}"),
        (b'{"room": "other"}', "unknown member 'room'"),
        (b'{"max_participants": "5"}', "max_participants: expected int, got str"),
        (b'{"max_participants": 5.5}', "max_participants: expected int, got float"),
        (b'{"max_participants": true}', "max_participants: expected int"),
        (b'{"mute_on_entry": 1}', "mute_on_entry: expected bool"),
        (b'{"guard": "bark"}', "guard: must be one of off, report, mute"),
        (b'{"codecs": "opus"}', "codecs: expected array"),
        (b'{"codecs": [1]}', "codecs[0]: expected str"),
        (b'{"rate_hz": "16 kHz"}', "rate_hz: expected int"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b'{"a": "\xff"}', "not JSON"),
        (b'{"a":' * 30000, "not JSON"),
    ],
)
def test_bad_bodies(body: bytes, words: str) -> None:
    problem = refused("PUT", "/rooms/a", body)
    assert (problem.status, words in problem.detail) == (400, True), problem.detail


def test_a_command_without_members_takes_none() -> None:
    assert "takes no members" in refused("POST", "/rooms/a/lock", b'{"x": 1}').detail


def test_a_wrong_choice_is_told_the_right_ones() -> None:
    problem = refused("POST", "/rooms/a/participants/p1/mute", b'{"cause": "boredom"}')
    assert (problem.status, problem.detail) == (400, "cause: must be one of self, host, entry, lecture, noise")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_only_json_is_read(content_type: str) -> None:
    problem = refused("PUT", "/rooms/a", b"{}", content_type)
    assert (problem.status, problem.headers) == (415, {"Accept": JSON})
    assert asked("PUT", "/rooms/a", None, content_type) == CreateRoom("a"), "no body needs no type"


def test_paths_that_cannot_be() -> None:
    assert refused("PUT", "/rooms/%ff").status == 400
    assert refused("PUT", "/rooms/a?max_participants=5").status == 400


@given(st.binary(max_size=200), st.sampled_from(ROUTES), st.text("{}/?%abc\x00é", max_size=20))
def test_nothing_but_problems_comes_out(body: bytes, route: object, tail: str) -> None:
    try:
        found = find(route.method, route.path + tail)  # type: ignore[attr-defined]
        if found.route.command is not None:
            command_of(found, JSON, body)
    except Problem as problem:
        assert 400 <= problem.status < 500


def test_every_refusal_has_its_status() -> None:
    assert set(REFUSALS) == set(KINDS)
    for kind in KINDS:
        problem = problem_of(kind("so it is"))
        document = problem.document()
        assert document["status"] == REFUSALS[kind]
        assert (document["detail"], document["kind"]) == ("so it is", kind.kind)
        assert document["title"]


def test_a_query_is_no_command() -> None:
    with pytest.raises(ValueError):
        command_of(Found(find("GET", "/rooms").route), JSON, b"")
