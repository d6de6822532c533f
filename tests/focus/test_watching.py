"""Who watches a room hears of all that happens in it, and of nothing else (RFC 4575)."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from confserver.focus import outputs as out
from confserver.focus.conference_info import EXTENSION, NAMESPACE, TYPE
from confserver.focus.dialout import DialTerms
from confserver.focus.focus import Focus
from confserver.focus.roster import MOST_GONE
from confserver.routing.dialplan import DialPlan
from confserver.routing.fence import Fence
from confserver.sip import outputs as sip
from confserver.sip.flow import Address, Flow
from confserver.sip.message import Request, parse
from rooms.commands import (
    CreateRoom,
    Deafen,
    Kick,
    Lock,
    Mute,
    RemoveRoom,
    StartRecording,
    StopRecording,
    Unlock,
    Unmute,
)
from tests.focus.house import OUTSIDE, PHONE, SERVER, House, sdp, the

C, R = f"{{{NAMESPACE}}}", f"{{{EXTENSION}}}"
INSIDE: Address = ("192.0.2.50", 5060)
AWAY: Address = (OUTSIDE, 5060)
NUMBERS = itertools.count(900)


@dataclass
class Watcher:
    """A subscriber, and the part of the stack that asks for documents; he keeps the table of RFC 4575 section 4."""

    house: House
    number: int = 0
    granted: out.Grant | None = None
    due: bool = False
    users: dict[str, ET.Element] = field(default_factory=dict)
    version: int = 0
    state: ET.Element | None = None
    reason: str = ""
    retry_after: int | None = None
    has_more: bool = False

    def hear(self, outputs: Sequence[object]) -> None:
        for output in outputs:
            match output:
                case out.Notify(number) if number == self.number:
                    self.due = True
                case out.EndSubscription(number, reason, retry_after) if number == self.number:
                    assert not self.reason, "once"
                    self.reason, self.retry_after = reason, retry_after

    def read(self, is_all: bool = False) -> ET.Element | None:
        """The next document, applied to what is known."""
        assert self.granted is not None
        self.due = False
        content = self.granted.compose(is_all)
        if content is None:
            return None
        assert content[1] == TYPE
        root = ET.fromstring(content[0])
        assert root.tag == f"{C}conference-info" and int(root.get("version", "")) == self.version + 1
        self.version += 1
        self.has_more = content.has_more
        is_full = root.get("state") == "full"
        assert is_full == (is_all or self.version == 1)
        state = root.find(f"{C}conference-state")
        self.state = state if state is not None else self.state
        users = root.find(f"{C}users")
        if is_full:
            self.users.clear()
        for user in users if users is not None else ():
            assert user.get("state") in ("full", "deleted")
            if user.get("state") == "deleted":
                self.users.pop(user.get("entity", ""), None)
            else:
                self.users[user.get("entity", "")] = user
        return root

    def status(self, entity: str = "sip:anna@example.com") -> tuple[str, ...]:
        """Of the call and its stream, of each of a user's calls."""
        found = self.users[entity].iter(f"{C}status")
        return tuple(each.text or "" for each in found)

    def shown(self) -> tuple[str, ...]:
        assert self.state is not None
        return tuple(each.text or "" for each in self.state)


def request(house: House, *lines: str, room: str = "standup", name: str = "<sip:w@w>") -> Request:
    text, _ = house.request("SUBSCRIBE", room, "", PHONE, name=name, vias=1, transport="UDP", local=SERVER)
    head = text.encode().decode().replace("\r\n\r\n", "\r\n" + "".join(f"{each}\r\n" for each in lines) + "\r\n")
    read = parse(head.encode())
    assert isinstance(read, Request)
    return read


def ask(house: House, *lines: str, source: Address = INSIDE, **how: str) -> list[out.Output]:
    lines = lines if any(each.startswith("Event") for each in lines) else ("Event: conference", *lines)
    arrived = sip.RequestArrived(next(NUMBERS), request(house, *lines, **how), Flow("UDP", (SERVER, 5060), source))
    return house.focus.hear_call(arrived, house.now)


def watch(house: House, *lines: str, source: Address = INSIDE, **how: str) -> Watcher:
    granted = the(out.Grant, ask(house, *lines, source=source, **how))
    return Watcher(house, granted.transaction, granted)


def statuses(outputs: Sequence[object]) -> list[int]:
    return [each.status for each in outputs if isinstance(each, out.Respond)]


# ------------------------------------------------------------------ documents
def test_the_whole_state() -> None:
    house = House()
    house.enter()
    watcher = watch(house)
    root = watcher.read()
    assert root is not None
    assert root.get("entity") == "sip:standup@192.0.2.1" and root.get(f"{R}number") == str(
        house.rooms.get("standup").number
    )
    assert root.get(f"{R}epoch") == str(int(house.now * 1000))
    described = root.find(f"{C}conference-description")
    assert described is not None
    assert described.findtext(f"{C}display-text") == "standup"
    assert described.findtext(f"{C}conf-uris/{C}entry/{C}uri") == "sip:standup@192.0.2.1"
    assert described.findtext(f"{C}maximum-user-count") == "200"
    assert watcher.shown() == ("1", "true", "false", "false")
    [user] = watcher.users.values()
    assert (user.get("entity"), user.findtext(f"{C}display-text")) == ("sip:anna@example.com", "Anna")
    assert user.findtext(f"{C}roles/{C}entry") == "participant"
    [endpoint] = user.findall(f"{C}endpoint")
    assert endpoint.get("entity") == "sip:standup@192.0.2.1;participant=p1"
    assert [endpoint.findtext(f"{C}{name}") for name in ("status", "joining-method")] == ["connected", "dialed-in"]
    assert endpoint.findtext(f"{C}joining-info/{C}when") == "2023-11-14T22:13:20Z"
    assert endpoint.findtext(f"{C}media/{C}type") == "audio"
    assert b"192.0.2.9" not in ET.tostring(root), "where the phones are is nobody's business"


def test_people_come_and_go() -> None:
    house = House()
    house.enter()
    watcher = watch(house)
    watcher.read()
    call, outputs = house.invite(name="Bob <sip:bob@b>")
    watcher.hear(outputs)
    assert not watcher.due, "who only has a place is nobody's business"
    house.opened(call)
    watcher.hear(house.ack(call))
    assert watcher.due
    root = watcher.read()
    assert root is not None and root.get("state") == "partial" and root.find(f"{C}conference-description") is None
    assert set(watcher.users) == {"sip:anna@example.com", "sip:bob@b"} and watcher.shown()[0] == "2"
    assert len(root.findall(f"{C}users/{C}user")) == 1
    watcher.hear(house.bye(call))
    assert watcher.due
    watcher.read()
    assert set(watcher.users) == {"sip:anna@example.com"} and watcher.shown()[0] == "1"


def test_what_the_focus_does_to_them() -> None:
    house = House()
    house.enter()
    watcher = watch(house)
    watcher.read()
    seen = []
    for command in (Mute, Deafen, Unmute):
        watcher.hear(house.order(command("standup", "p1")))
        assert watcher.due
        watcher.read()
        seen.append(watcher.status())
    assert seen == [("muted-via-focus", "recvonly"), ("muted-via-focus", "inactive"), ("connected", "sendonly")]


def test_what_holds_for_all() -> None:
    house = House()
    house.enter()
    watcher = watch(house)
    watcher.read()
    shown = []
    for command in (Lock("standup"), StartRecording("standup"), Unlock("standup"), StopRecording("standup")):
        watcher.hear(house.order(command))
        root = watcher.read()
        assert root is not None and root.find(f"{C}users") is None
        shown.append(watcher.shown()[2:])
    assert shown == [("true", "false"), ("true", "true"), ("false", "true"), ("false", "false")]


def test_on_hold() -> None:
    house = House()
    call = house.enter()
    watcher = watch(house)
    watcher.read()

    watcher.hear(house.reinvite(call, sdp("192.0.2.9", 4000, "sendonly", version=2)))
    watcher.read()
    assert watcher.status() == ("on-hold", "inactive")


def test_who_is_being_called() -> None:
    house = House(dialling=DialTerms(plan=DialPlan(Fence((), ("192.0.2.9",)))))
    house.enter()
    watcher = watch(house)
    watcher.read()
    call = house.dial("sip:bob@192.0.2.9")
    watcher.read()
    assert watcher.status("sip:bob@192.0.2.9") == ("dialing-out",)
    house.rings(call)
    watcher.read()
    assert watcher.status("sip:bob@192.0.2.9") == ("alerting",) and watcher.shown()[0] == "1"
    house.answers(call)
    watcher.read()
    assert watcher.status("sip:bob@192.0.2.9") == ("connected", "sendrecv")
    endpoint = watcher.users["sip:bob@192.0.2.9"].find(f"{C}endpoint")
    assert endpoint is not None and endpoint.findtext(f"{C}joining-method") == "dialed-out"
    house.order(Kick("standup", "p2"))
    watcher.read()
    assert "sip:bob@192.0.2.9" not in watcher.users


def test_a_call_that_comes_to_nothing() -> None:

    house = House(dialling=DialTerms(plan=DialPlan(Fence((), ("192.0.2.9",)))))
    house.enter()
    watcher = watch(house)
    call = house.dial("sip:bob@192.0.2.9")
    watcher.read()
    watcher.hear(house.refuses(call, 486))
    assert watcher.due
    watcher.read()
    assert set(watcher.users) == {"sip:anna@example.com"}


def test_one_user_with_two_phones() -> None:
    house = House()
    house.enter()
    second = house.enter()
    watcher = watch(house)
    watcher.read()
    assert len(watcher.users) == 1 and watcher.status() == ("connected", "sendrecv") * 2
    watcher.hear(house.bye(second))
    watcher.read()
    assert len(watcher.users) == 1 and watcher.status() == ("connected", "sendrecv")


def test_who_wishes_to_be_unknown() -> None:
    """Strangers are told apart, and nothing is told of them (RFC 4575 5.6)."""
    house = House()
    for _ in range(2):
        house.enter(name='"Anonymous" <sip:anonymous@anonymous.invalid>')
    watcher = watch(house)
    watcher.read()
    assert set(watcher.users) == {f"sip:anonymous-p{n}@anonymous.invalid" for n in (1, 2)}


def test_names_that_would_be_markup() -> None:
    house = House()
    doctype = '"<!DOCTYPE x [<!ENTITY y \\"z\\">]>" <sip:c@c>'
    for name in ('"<b>&amp;]]>" <sip:a@a>', '"\ufffe" <sip:b@b;x=%22>', doctype):
        house.enter(name=name)
    watcher = watch(house)
    root = watcher.read()
    assert root is not None and len(watcher.users) == 3
    assert watcher.users["sip:a@a"].findtext(f"{C}display-text") == "<b>&amp;]]>"
    assert watcher.granted is not None
    again = watcher.granted.compose(True)
    assert again is not None and b"<!DOCTYPE" not in again[0] and b"\0" not in again[0]


def test_what_cancels_out_is_not_told() -> None:
    house = House()
    house.enter()
    watcher = watch(house)
    watcher.read()
    house.order(Lock("standup"))
    house.order(Unlock("standup"))
    assert watcher.read() is None
    house.order(Lock("standup"))
    assert watcher.read() is not None, "and no version is left out"


def test_changes_meanwhile_come_together() -> None:
    house = House()
    house.enter()
    watcher, other = watch(house), watch(house)
    watcher.read()
    house.enter(name="<sip:b@b>")
    house.order(Mute("standup", "p1"))
    other.read()
    house.order(Lock("standup"))
    watcher.read()
    other.read()
    assert watcher.users.keys() == other.users.keys() and watcher.shown() == other.shown()
    assert watcher.status() == other.status() == ("muted-via-focus", "recvonly")
    assert (watcher.version, other.version) == (2, 2), "each counts for itself (RFC 4575 5.1)"


def test_the_whole_again() -> None:
    """For a refresh, or where a NOTIFY was lost."""
    house = House()
    house.enter()
    watcher = watch(house)
    watcher.read()
    watcher.users.clear()
    watcher.read(is_all=True)
    assert watcher.version == 2 and set(watcher.users) == {"sip:anna@example.com"}


def test_many_come_and_go() -> None:
    """Who was there long ago is forgotten once all have heard of it; who has not heard, hears of all."""
    house = House()
    house.enter()
    watcher, slow = watch(house), watch(house)
    watcher.read()
    slow.read()
    for number in range(MOST_GONE + 5):
        call = house.enter(name=f"<sip:g{number}@g>")
        watcher.read()
        house.bye(call)
        watcher.read()
    assert set(watcher.users) == {"sip:anna@example.com"}
    gone = 0
    while slow.has_more or not gone:
        root = slow.read()
        assert root is not None
        gone += len(root.findall(f"{C}users/{C}user[@state='deleted']"))
    assert gone == MOST_GONE + 5
    house.bye(house.enter(name="<sip:h@g>"))
    assert len(house.focus._watching._rosters["standup"].gone) < 5


def test_a_room_too_large_for_one_document() -> None:
    """The rest follows in partial ones; what happens meanwhile is not lost, and nobody is told of twice."""
    house = House()
    calls = [house.enter(name=f"<sip:guest-{number}@example.com>") for number in range(150)]
    watcher = watch(house)
    root = watcher.read()
    assert root is not None and watcher.has_more and 40 < len(watcher.users) < 100
    assert root.find(f"{C}users").get("state") == "partial"  # type: ignore[union-attr]
    assert watcher.granted is not None and len(ET.tostring(root)) < 45_000
    house.bye(calls[0])
    house.bye(calls[149])
    house.order(Mute("standup", "p140"))
    documents = 1
    while watcher.has_more:
        watcher.read()
        documents += 1
    assert documents == 3
    assert set(watcher.users) == {f"sip:guest-{number}@example.com" for number in range(1, 149)}
    assert watcher.status("sip:guest-139@example.com") == ("muted-via-focus", "recvonly")
    assert watcher.read() is None


# ------------------------------------------------------------------ who may, and what there is
@pytest.mark.parametrize(
    ("lines", "how", "status"),
    [
        (("Event: presence",), {}, 489),
        ((), {"room": "nowhere"}, 404),
        ((), {"room": ""}, 404),
        (("Accept: application/pidf+xml",), {}, 406),
        ((), {"source": AWAY}, 403),
        ((), {"source": ("203.0.113.9", 5060)}, 403),
    ],
)
def test_refusals(lines: tuple[str, ...], how: dict[str, object], status: int) -> None:
    house = House()
    house.enter()
    outputs = ask(house, *lines, **how)  # type: ignore[arg-type]
    assert statuses(outputs) == [status] and not [each for each in outputs if isinstance(each, out.Grant)]
    assert len(house.focus._watching) == 0


@pytest.mark.parametrize("accept", [TYPE, "application/*", "*/*", "text/plain, application/conference-info+xml;q=0.5"])
def test_what_they_read(accept: str) -> None:
    house = House()
    house.enter()
    watch(house, f"Accept: {accept}")


def member(house: House) -> Watcher:
    """Anna, from outside, listed and in the room."""
    house.enter(source=AWAY)
    return watch(house, source=AWAY, name="<sip:anna@example.com>")


def test_a_member_may_as_long_as_he_is_one() -> None:
    house = House()
    house.enter(name="<sip:b@b>")
    watcher = member(house)
    watcher.read()
    call = next(call for call, leg in house.scene.legs.by_call.items() if leg.participant == "p2")
    watcher.hear(house.bye(call))
    assert watcher.reason == "rejected" and watcher.read() is None, "he sees no more"


def test_who_is_in_another_room_may_not() -> None:
    house = House()
    house.enter(source=AWAY, room="other")
    house.enter()
    assert statuses(ask(house, source=AWAY, name="<sip:anna@example.com>")) == [403]


def test_a_phone_watches_by_its_call() -> None:
    house = House()
    call = house.enter(source=AWAY)
    arrived = sip.RequestInCall(call, 900, request(house, "Event: conference"), Flow("UDP", (SERVER, 5060), AWAY))
    granted = the(out.Grant, house.focus.hear_call(arrived, house.now))
    watcher = Watcher(house, 900, granted)
    watcher.read()
    assert set(watcher.users) == {"sip:anna@example.com"}


def test_a_phone_that_is_not_in_yet_may_not() -> None:
    house = House()
    call, _ = house.invite()
    arrived = sip.RequestInCall(call, 900, request(house, "Event: conference"), Flow("UDP", (SERVER, 5060), PHONE))
    assert statuses(house.focus.hear_call(arrived, house.now)) == [480]


def test_policies() -> None:

    for who, inside, member_may in (("nobody", 403, False), ("members", 403, True), ("inside", 0, True)):
        house = House()
        house.focus = Focus(house.scene, watchers=who)  # type: ignore[arg-type]
        house.focus.worker_ready(0)
        house.enter(source=AWAY)
        assert statuses(ask(house)) == ([inside] if inside else [])
        outputs = ask(house, source=AWAY, name="<sip:anna@example.com>")
        assert bool([each for each in outputs if isinstance(each, out.Grant)]) == member_may, who


# ------------------------------------------------------------------ the end
def test_the_room_is_no_more() -> None:
    house = House()
    call = house.enter()
    watcher = watch(house)
    watcher.read()
    watcher.hear(house.bye(call))
    assert watcher.reason == "noresource" and watcher.read() is None
    house.focus.hear_call(sip.SubscriptionEnded(watcher.number, "noresource"), house.now)
    assert len(house.focus._watching) == 0 and not house.focus._watching._rosters


def test_a_member_leaves_last() -> None:
    """The room is gone with him: that is the reason."""
    house = House()
    watcher = member(house)
    watcher.hear(house.bye(next(iter(house.scene.legs.by_call))))
    assert watcher.reason == "noresource"


def test_a_room_made_beforehand_stays() -> None:
    house = House()
    house.order(CreateRoom("standup"))
    watcher = watch(house)
    watcher.read()
    assert watcher.shown()[:2] == ("0", "false")
    call = house.enter()
    watcher.read()
    watcher.hear(house.bye(call))
    watcher.read()
    assert watcher.shown()[:2] == ("0", "false") and not watcher.reason
    watcher.hear(house.order(RemoveRoom("standup")))
    assert watcher.reason == "noresource"


def test_the_subscription_ends_by_itself() -> None:
    house = House()
    house.enter()
    watcher = watch(house)
    house.focus.hear_call(sip.SubscriptionEnded(watcher.number, "expired"), house.now)
    assert len(house.focus._watching) == 0
    outputs = house.order(Lock("standup"))
    assert not [each for each in outputs if isinstance(each, out.Notify)]


def test_the_server_stops() -> None:
    house = House()
    house.enter()
    watcher = watch(house)
    watcher.hear(house.play(house.focus.close()))
    assert (watcher.reason, watcher.retry_after) == ("probation", 30)
    assert statuses(ask(house)) == [503]
