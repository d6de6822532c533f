"""What conference documents say, held against the descriptions of rooms (HTTP, command line, Python)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

from confserver.focus import conference_info as info
from confserver.focus.roster import Roster
from rooms.room import Room

NAMESPACE, OURS = f"{{{info.NAMESPACE}}}", f"{{{info.EXTENSION}}}"
WAYS = {
    (True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly", (False, False): "inactive",
}  # fmt: skip


def whole(room: Room) -> ElementTree.Element:
    """The document of a room, as who asks for it now gets it."""
    roster = Roster()
    roster.write(room)
    users = info.users((text for _, text in roster.users.values()), is_full=True)
    parts = [*roster.head(-1), users, *roster.tail(-1)]
    return ElementTree.fromstring(info.document("sip:x@y", info.Stamp(1, room.number, 1), is_full=True, parts=parts))


def check_call(endpoint: ElementTree.Element, person: dict[str, Any]) -> None:
    is_off = person["held"] or person["held_by_host"] or person["removed"]
    status = "muted-via-focus" if person["muted"] else "connected"
    status = "disconnecting" if person["removed"] else "on-hold" if is_off else status
    way = WAYS[not person["muted"] and not is_off, not person["deaf"] and not is_off]
    assert endpoint.findtext(f"{NAMESPACE}status") == status
    assert endpoint.findtext(f"{NAMESPACE}media/{NAMESPACE}status") == way


def check_endpoint(endpoint: ElementTree.Element, person: dict[str, Any], shown: dict[str, Any]) -> None:
    """What is ours of one call."""
    sound = endpoint.find(f"{OURS}sound")
    told = {name: float(value) for name, value in sound.attrib.items()} if sound is not None else {}
    usual = {"incoming": person["incoming_db"], "outgoing": person["outgoing_db"]}
    pan = {} if person["pan"] is None else {"pan": person["pan"]}
    assert told == {name: value for name, value in usual.items() if value} | pan
    hand = shown["hands"].index(person["id"]) + 1 if person["id"] in shown["hands"] else None
    assert endpoint.findtext(f"{OURS}hand") == (str(hand) if hand else None)
    assert (endpoint.find(f"{OURS}floor") is not None) == (person["id"] in shown["floor"])
    sidebars = [each["sidebar"] for each in shown["sidebars"] if person["id"] in each["participants"]]
    assert [each.text for each in endpoint.findall(f"{OURS}sidebar")] == list(map(str, sidebars))
    whispers = [each["participant"] for each in shown["whispers"] if not each["coach"]]
    assert (endpoint.find(f"{OURS}apart") is not None) == (person["id"] in whispers)


def check_state(root: ElementTree.Element, shown: dict[str, Any]) -> None:
    """What holds for all."""
    state = root.find(f"{NAMESPACE}conference-state")
    assert state is not None and state.findtext(f"{NAMESPACE}user-count") == str(len(shown["participants"]))
    assert (state.findtext(f"{OURS}lecture") == "true") == shown["in_lecture"]
    assert state.findtext(f"{OURS}waiting", "0") == str(len(shown["waiting"]))
    recording = state.find(f"{OURS}recording")
    how = "off" if not shown["recording"] else "paused" if shown["recording"]["paused"] else "on"
    assert recording is not None and recording.get("state") == how
    told = [
        (each.get("participant"), each.text, each.get("from"), each.get("rooms"))
        for each in state.findall(f"{OURS}broadcast")
    ]
    assert told == [
        (each["participant"], each["name"], f"sip:{each['from_room']}@y", " ".join(each["rooms"]) or "all")
        for each in shown["broadcasts"]
    ]
    refs = [uri.text for uri in root.iterfind(f"{NAMESPACE}sidebars-by-ref/{NAMESPACE}entry/{NAMESPACE}uri")]
    assert refs == [f"sip:{name}@y" for name in shown["breakouts"]]
    parent = root.findtext(f"{NAMESPACE}conference-description/{OURS}breakout-of")
    assert parent == (f"sip:{shown['parent']}@y" if shown["parent"] else None)
