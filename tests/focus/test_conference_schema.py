"""Conference documents are valid: by the content models of RFC 4575 section 6, and by docs/conference-room.xsd."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from confserver.focus.conference_info import EXTENSION, NAMESPACE
from confserver.focus.dialout import DialTerms
from confserver.focus.roster import Roster
from confserver.routing.dialplan import DialPlan
from confserver.routing.fence import Fence
from rooms import commands as ask
from rooms import events as tell
from rooms.participant import SYSTEM, Role
from tests.focus.house import House
from tests.focus.test_truth import Play
from tests.focus.test_watching import Watcher, watch

XSD = Path(__file__).resolve().parents[2] / "docs" / "conference-room.xsd"
C, R, XS = f"{{{NAMESPACE}}}", f"{{{EXTENSION}}}", "{http://www.w3.org/2001/XMLSchema}"

STATE = r"full|partial|deleted"
MODELS: dict[str, tuple[dict[str, str], str]] = {
    "conference-info": (
        {"entity": r"\S+", "state?": STATE, "version?": r"\d+"},
        "conference-description? host-info? conference-state? users? sidebars-by-ref? any*",
    ),
    "conference-description": ({}, "display-text? conf-uris? maximum-user-count? available-media? any*"),
    "conf-uris": ({"state?": STATE}, "uri-entry+"),
    "uris": ({"state?": STATE}, "uri-entry+"),
    "sidebars-by-ref": ({"state?": STATE}, "uri-entry+"),
    "uri-entry": ({}, "uri display-text? purpose? any*"),
    "available-media": ({}, "medium-entry+"),
    "medium-entry": ({"label": ".+"}, "type status? any*"),
    "host-info": ({}, "display-text? web-page? uris? any*"),
    "conference-state": ({}, "user-count? active? locked? any*"),
    "users": ({"state?": STATE}, "user* any*"),
    "user": ({"entity?": r"\S+", "state?": STATE}, "display-text? roles? endpoint* any*"),
    "roles": ({}, "text-entry+"),
    "endpoint": (
        {"entity?": ".+", "state?": STATE},
        "display-text? referred? status? joining-method? joining-info? disconnection-method? disconnection-info? "
        "media* any*",
    ),
    "joining-info": ({}, "when? reason? by?"),
    "disconnection-info": ({}, "when? reason? by?"),
    "media": ({"id": ".+"}, "type? label? status? any*"),
}
"""By element: attributes and children in their order; of RFC 4575 what we may write."""
ENTRIES = {"conf-uris": "uri-entry", "uris": "uri-entry", "sidebars-by-ref": "uri-entry", "roles": "text-entry",
           "available-media": "medium-entry"}  # fmt: skip
URI, BOOLEAN, WHOLE = r"[a-z]+:\S+", "true|false|0|1", r"\d+"
TEXTS: dict[str, str] = {
    "display-text": ".*", "text-entry": ".+", "type": ".+", "label": ".+", "purpose": ".+", "reason": ".*",
    "uri": URI, "web-page": URI, "by": URI, "user-count": WHOLE, "maximum-user-count": WHOLE, "active": BOOLEAN,
    "locked": BOOLEAN, "when": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "joining-method": "dialed-in|dialed-out|focus-owner",
    "disconnection-method": "departed|booted|failed|busy",
    "endpoint status": "pending|dialing-out|dialing-in|alerting|on-hold|connected|muted-via-focus|disconnecting|"
    "disconnected",
    "media status": "recvonly|sendonly|sendrecv|inactive", "medium-entry status": "recvonly|sendonly|sendrecv|inactive",
}  # fmt: skip
TYPES = {
    "xs:boolean": BOOLEAN, "xs:unsignedInt": WHOLE, "xs:unsignedLong": WHOLE, "xs:anyURI": URI, "xs:string": ".*",
    "xs:decimal": r"[+-]?(\d+(\.\d*)?|\.\d+)", None: "",
}  # fmt: skip


def ours() -> dict[str, tuple[str, dict[str, tuple[str, bool]]]]:
    """Of our schema: each element's text, and its attributes: what they hold and whether they must be there."""
    found = {}
    for element in ET.parse(XSD).getroot().findall(f"{XS}element"):
        base = element.find(f".//{XS}extension")
        kind = element.get("type") or (base.get("base") if base is not None else None)
        attributes = {}
        for each in element.iter(f"{XS}attribute"):
            choices = [choice.get("value", "") for choice in each.iter(f"{XS}enumeration")]
            held = "|".join(choices) or TYPES[each.get("type")]
            attributes[each.get("name", "")] = held, each.get("use") == "required"
        found[element.get("name", "")] = TYPES[kind], attributes
    return found


OURS = ours()
OUR_ATTRIBUTES = {each.get("name") for each in ET.parse(XSD).getroot().findall(f"{XS}attribute")}


def check(element: ET.Element, kind: str = "conference-info") -> None:
    """Raises AssertionError for what is not valid."""
    if element.tag.startswith(R):
        check_ours(element)
        return
    assert element.tag.startswith(C), element.tag
    if kind not in MODELS:
        return
    attributes, model = MODELS[kind]
    for name, value in element.attrib.items():
        if name.startswith("{"):
            assert name.removeprefix(R) in OUR_ATTRIBUTES, name
            continue
        pattern = attributes.get(name) or attributes.get(f"{name}?")
        assert pattern and re.fullmatch(pattern, value), (kind, name, value)
    assert {name for name in attributes if not name.endswith("?")} <= set(element.attrib), kind
    children = [name_of(child, kind) for child in element]
    order = "".join(f"(?:{name.rstrip('?*+')} ){name[-1] if name[-1] in '?*+' else ''}" for name in model.split())
    assert re.fullmatch(order, "".join(f"{name} " for name in children)), (kind, children)
    for child, name in zip(element, children, strict=True):
        check(child, name)
        pattern = TEXTS.get(f"{kind} {name}") or TEXTS.get(name)
        if pattern is not None and name not in MODELS and name != "any":
            assert re.fullmatch(pattern, child.text or "", re.S) and not len(child), (name, child.text)


def name_of(child: ET.Element, parent: str) -> str:
    if not child.tag.startswith(C):
        return "any"
    name = child.tag.removeprefix(C)
    return ENTRIES[parent] if name == "entry" else name


def check_ours(element: ET.Element) -> None:
    text, attributes = OURS[element.tag.removeprefix(R)]
    assert re.fullmatch(text, element.text or "", re.S) and not len(element), ET.tostring(element)
    for name, value in element.attrib.items():
        assert re.fullmatch(attributes[name][0], value), (element.tag, name, value)
    assert {name for name, (_, must) in attributes.items() if must} <= set(element.attrib)


def read(watcher: Watcher, is_all: bool = False) -> ET.Element | None:
    root = watcher.read(is_all)
    if root is not None:
        check(root)
    return root


# ------------------------------------------------------------------ bad twins of documents
GOOD = f"""<conference-info xmlns="{NAMESPACE}" xmlns:room="{EXTENSION}" entity="sip:a@b" state="full" version="1"
 room:epoch="1" room:number="2"><conference-state><user-count>1</user-count><locked>true</locked>
 <room:waiting>2</room:waiting></conference-state><users state="full"><user entity="sip:c@d" state="deleted"/></users>
 </conference-info>"""


def test_a_good_one() -> None:
    check(ET.fromstring(GOOD))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<user-count>1</user-count>", "<user-count>one</user-count>"),
        ("<locked>true</locked>", "<locked>yes</locked>"),
        ("<room:waiting>2", "<room:waiting>-2"),
        ("room:waiting", "room:lobby"),
        ('state="deleted"', 'state="gone"'),
        ('entity="sip:a@b" ', ""),
        ('room:number="2"', 'room:count="2"'),
        ("<user-count>1</user-count><locked>true</locked>", "<locked>true</locked><user-count>1</user-count>"),
        ("<conference-state>", "<conference-state><room:lecture>true</room:lecture>"),
        ("</users>", "</users><host-info/>"),
    ],
)
def test_bad_ones(old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises((AssertionError, KeyError)):
        check(ET.fromstring(GOOD.replace(old, new)))


# ------------------------------------------------------------------ what is told
def ext(watcher: Watcher, name: str, entity: str = "sip:anna@example.com") -> list[ET.Element]:
    """Our elements of one user's calls."""
    return list(watcher.users[entity].iter(f"{R}{name}"))


def test_loudness_and_places() -> None:
    house = House()
    house.enter()
    watcher = watch(house)
    read(watcher)
    assert ext(watcher, "sound") == []
    for command in (ask.SetGain("standup", "p1", -6.0, 3.0), ask.Place("standup", "p1", -0.5)):
        watcher.hear(house.order(command))
        assert watcher.due
        read(watcher)
    assert ext(watcher, "sound")[0].attrib == {"incoming": "-6", "outgoing": "3", "pan": "-0.5"}


def test_hands_in_their_order_and_the_floor() -> None:
    house = House()
    house.enter(), house.enter(name="<sip:bob@b>")
    watcher = watch(house)
    read(watcher)
    for who in ("p2", "p1"):
        watcher.hear(house.order(ask.RaiseHand("standup", who)))
    root = read(watcher)
    assert root is not None and root.find(f"{C}conference-state") is None
    assert [ext(watcher, "hand", who)[0].text for who in ("sip:bob@b", "sip:anna@example.com")] == ["1", "2"]
    watcher.hear(house.order(ask.GiveFloor("standup")))
    read(watcher)
    assert ext(watcher, "hand")[0].text == "1" and ext(watcher, "floor", "sip:bob@b")[0].text == "true"


def test_what_is_private_is_told_as_far_as_it_may_be() -> None:
    """Who steps aside, and with whom in a sidebar; not to whom somebody whispers, and of coaches nothing."""
    house = House()
    for name in ("anna", "bob", "carl", "dora", "emil"):
        house.enter(name=f"<sip:{name}@x>")
    watcher = watch(house)
    read(watcher)
    house.order(ask.Whisper("standup", "p1", "p2"))
    house.order(ask.Coach("standup", "p3", "p2"))
    watcher.hear(house.order(ask.OpenSidebar("standup", ("p4", "p5"))))
    assert watcher.due
    root = read(watcher)
    assert ext(watcher, "apart", "sip:anna@x") and not ext(watcher, "apart", "sip:carl@x")
    assert len({ext(watcher, "sidebar", f"sip:{name}@x")[0].text for name in ("dora", "emil")}) == 1
    assert root is not None and {user.get("entity") for user in root.iter(f"{C}user")} == {
        "sip:anna@x", "sip:dora@x", "sip:emil@x",
    }, "neither the trainee nor the coach has changed, as far as others may know"  # fmt: skip


def test_lecture_recording_and_how_many_wait() -> None:
    house = House()
    house.enter()
    watcher = watch(house)
    read(watcher)
    found = []
    for command in (
        ask.StartLecture("standup"), ask.StartRecording("standup"), ask.PauseRecording("standup"),
        ask.EndLecture("standup"), ask.StopRecording("standup"),
    ):  # fmt: skip
        watcher.hear(house.order(command))
        read(watcher)
        assert watcher.state is not None
        recording = watcher.state.find(f"{R}recording")
        assert recording is not None
        found.append((watcher.state.findtext(f"{R}lecture"), recording.get("state"), recording.text))
    assert found == [
        ("true", "off", "false"), ("true", "on", "true"), ("true", "paused", "false"), (None, "paused", "false"),
        (None, "off", "false"),
    ]  # fmt: skip


def test_who_waits_is_counted_and_not_named() -> None:
    house = House()
    house.order(ask.CreateRoom("standup", rules={"lobby": "all"}))
    call = house.enter(name="Secret <sip:secret@s>")
    watcher = watch(house)
    read(watcher)
    assert house.rooms.get("standup").waiting, "he knocks"
    assert watcher.state is not None and watcher.state.findtext(f"{R}waiting") == "1"
    watcher.hear(house.order(ask.Admit("standup", house.leg(call).participant)))
    read(watcher)
    assert watcher.state.findtext(f"{R}waiting") is None and set(watcher.users) == {"sip:secret@s"}


def test_breakout_rooms_and_who_speaks_to_them() -> None:
    house = House()
    house.enter(name="Hana <sip:hana@h>"), house.enter(name="Ana <sip:ana@a>")
    watcher = watch(house)
    read(watcher)
    watcher.hear(house.order(ask.OpenBreakouts("standup", names=("red",), assign=("Ana=red",), evenly=False)))
    root = read(watcher)
    assert root is not None
    refs = root.find(f"{C}sidebars-by-ref")
    assert refs is not None and refs.get("state") == "full"
    assert [uri.text for uri in refs.iter(f"{C}uri")] == ["sip:red@192.0.2.1"]
    inside = watch(house, room="red")
    root = read(inside)
    assert root is not None
    assert root.findtext(f"{C}conference-description/{R}breakout-of") == "sip:standup@192.0.2.1"
    outputs = house.order(ask.BroadcastVoice("standup", "Hana"))
    for each in (watcher, inside):
        each.hear(outputs)
        assert each.due
        read(each)
        assert each.state is not None
        told = each.state.find(f"{R}broadcast")
        assert told is not None and told.text == "Hana"
        assert told.attrib == {"participant": "p1", "from": "sip:standup@192.0.2.1", "rooms": "all"}
    watcher.hear(house.order(ask.CloseBreakouts("standup")))
    root = read(watcher)
    assert root is not None and watcher.state is not None and watcher.state.find(f"{R}broadcast") is None
    refs = root.find(f"{C}sidebars-by-ref")
    assert refs is not None and refs.get("state") == "deleted"
    root = read(watcher, is_all=True)
    assert root is not None and root.find(f"{C}sidebars-by-ref") is None
    assert root.findtext(f"{C}host-info/{C}uris/{C}entry/{C}uri") == "sip:192.0.2.1"


def test_how_somebody_has_left() -> None:
    house = House()
    house.enter(name="<sip:stays@s>")
    calls = {name: house.enter(name=f"<sip:{name}@x>") for name in ("hangs-up", "kicked", "moved", "lost")}
    watcher = watch(house)
    read(watcher)
    house.bye(calls["hangs-up"])
    house.order(ask.Kick("standup", house.leg(calls["kicked"]).participant))
    house.order(ask.Move("standup", house.leg(calls["moved"]).participant, "secret"))
    leg = house.leg(calls["lost"])
    house.scene.ask(ask.Leave("standup", leg.participant, "no word from the phone"), SYSTEM, house.now)
    root = read(watcher)
    assert root is not None and b"secret" not in ET.tostring(root)
    found = {}
    for user in root.iter(f"{C}user"):
        assert user.get("state") == "deleted"
        for endpoint in user:
            told = endpoint.findtext(f"{C}disconnection-method"), endpoint.findtext(f"{C}disconnection-info/{C}reason")
            found[user.get("entity")] = told
    assert found == {
        "sip:hangs-up@x": ("departed", "hung up"),
        "sip:kicked@x": ("booted", "kicked"),
        "sip:moved@x": ("departed", "moved to another room"),
        "sip:lost@x": ("failed", "no word from the phone"),
    }
    assert read(watcher) is None, "once"


def test_who_hears_first_that_he_is_removed_has_been_booted_whatever_the_call_says_at_last() -> None:
    house = House()
    house.enter(), house.enter(name="<sip:bob@b>")
    room, roster = house.rooms.get("standup"), Roster()
    roster.write(room)
    [*_, kicked] = [
        event for event in room.handle(ask.Kick("standup", "p2"), SYSTEM, 5.0)
        if isinstance(event, tell.ParticipantKicked)
    ]  # fmt: skip
    roster.note(kicked)
    roster.write(room)
    [left] = [
        event for event in room.handle(ask.Leave("standup", "p2", "Request Timeout"), SYSTEM, 9.0)
        if isinstance(event, tell.ParticipantLeft)
    ]  # fmt: skip
    roster.note(left)
    roster.write(room)
    assert "<disconnection-method>booted</disconnection-method>" in roster.gone["sip:bob@b"][1]
    assert roster.departed == {}


def test_who_was_called_by_whom_and_is_busy() -> None:
    house = House(dialling=DialTerms(plan=DialPlan(Fence((), ("192.0.2.9",)))))
    call = house.enter()
    person = house.rooms.get("standup").places[house.leg(call).participant]
    person.role = Role.MODERATOR
    watcher = watch(house)
    read(watcher)
    calling = house.dial("sip:bob@192.0.2.9")
    called = next(each for each in house.rooms.get("standup").places.values() if each.dialled)
    called.called_by = person.id
    watcher.hear(house.rings(calling))
    read(watcher)
    [endpoint] = watcher.users["sip:bob@192.0.2.9"].findall(f"{C}endpoint")
    assert endpoint.findtext(f"{C}joining-info/{C}by") == "sip:anna@example.com"
    watcher.hear(house.refuses(calling, 486))
    root = read(watcher)
    assert root is not None and root.findtext(f".//{C}disconnection-method") == "busy"


@pytest.mark.parametrize("seed", range(2))
def test_random_plays_give_valid_documents_and_a_table_that_is_whole(seed: int) -> None:
    """Who reads the parts has the same as who asks for the whole."""
    play = Play(seed + 100)
    watchers: dict[str, Watcher] = {}
    for _ in range(60):
        play.step()
        for name in [room.name for room in play.rooms]:
            if name not in watchers or watchers[name].reason:
                watchers[name] = watch(play, room=name)
        for name, watcher in list(watchers.items()):
            if name not in play.rooms:
                del watchers[name]
                continue
            read(watcher)
            whole = watch(play, room=name)
            root = read(whole)
            assert root is not None
            assert {key: ET.tostring(user) for key, user in watcher.users.items()} == {
                key: ET.tostring(user) for key, user in whole.users.items()
            }
            assert watcher.state is not None and whole.state is not None
            assert ET.tostring(watcher.state) == ET.tostring(whole.state)


def test_a_room_that_nobody_watches_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    house.enter()
    written: list[object] = []
    monkeypatch.setattr(
        "confserver.focus.conference_info.user", lambda *args: written.append(args) or '<user state="full"/>'
    )
    monkeypatch.setattr("confserver.focus.roster.Roster.note", lambda *args: written.append(args))
    for command in (ask.RaiseHand("standup", "p1"), ask.SetGain("standup", "p1", 3.0), ask.StartLecture("standup")):
        assert house.order(command)
    assert written == []
    watcher = watch(house)
    read(watcher)
    assert written, "and it would have been seen"
