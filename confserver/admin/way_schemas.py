"""What answers about the server's ways look like, beside the rooms; and which answer each question and order has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confserver.admin import record_schemas, webhook_schemas
from confserver.admin.schema import Schema, flag, nullable, number, ref, rows, text, thing, time, whole
from confserver.admin.schemas import PEOPLE, ROOMS
from confserver.routing.commands import (
    AddBan,
    AddToken,
    AddUser,
    ApproveCountry,
    ChangeUser,
    Drain,
    ExplainRoute,
    PutProfile,
    Reload,
    SetPassword,
    Undrain,
)  # fmt: skip

_SPENT = {
    "calls_now": whole("Calls that stand"),
    "calls_hour": whole("Calls in the last hour"),
    "calls_day": whole("Calls in the last day"),
    "minutes_hour": number("Minutes in the last hour"),
    "minutes_day": number("Minutes in the last day"),
}

WAYS: dict[str, Schema] = {
    "Problem": thing(
        "Why a request was not carried out (RFC 9457).",
        "kind",
        title=text("The status in words"),
        status=whole("The HTTP status"),
        detail=text("Why, in words"),
        kind=text("Names the refusal for scripts, such as not-found"),
    ),
    "Health": thing("That the server answers, or is ready.", status=text("ok or ready", enum=["ok", "ready"])),
    "Status": {"type": "object", "description": "Whatever the server counts."},
    "Recording": thing(
        "A recording of a room.",
        room=text("Of which room"),
        name=text("What its files are called"),
        state=text("How far it has come"),
        reason=text("Why it has failed"),
        started_at=time("When it began"),
        seconds=nullable(number("How long it is")),
        files=rows(text("File name; the mix first, then one for each participant")),
        bytes=whole("How large its files are together"),
        until=nullable(time("When it is deleted; null: when somebody does so")),
    ),
    "Message": thing(
        "What somebody has written in a room.",
        room=text("Of which room"),
        at=time("When"),
        participant=text("Who, by id; empty: somebody outside, or an administrator"),
        name=text("Who, as people read it"),
        address=text("Who, as a SIP address"),
        text=text("What"),
        until=nullable(time("When it is forgotten; null: with the meeting")),
    ),
    "Ban": thing(
        "From whom nothing is taken.",
        network=text("Address or network"),
        reason=text("Why"),
        since=time("Since when"),
        until=nullable(time("Until when; null: for good")),
        by=text("Who has banned it"),
    ),
    "Profile": thing(
        "Rules that rooms have in common.",
        "used_by",
        profile=text("Its name"),
        extends=text("The profile that it goes on from"),
        rules={"type": "object", "description": "What it says"},
        source=text("Where it comes from"),
        used_by=rows(text("A room that has it")),
    ),
    "RoomRules": thing(
        "What was said of a room that was made beforehand.",
        room=text("Its name"),
        profile=text("Whose rules it has in common with others"),
        rules={"type": "object", "description": "What it says"},
    ),
    "Token": thing(
        "Who may administer, and how far.",
        "secret",
        holder=text("Its name"),
        role=text("What its holder may do", enum=["admin", "moderator", "observer"]),
        rooms=rows(text("Name or pattern"), "The only rooms that there are for it; none: all"),
        created_at=time("When it was made"),
        until=nullable(time("Until when it holds; null: for good")),
        by=text("Who has made it"),
        secret=text("The token itself: shown this once"),
    ),
    "User": thing(
        "Somebody who may register and call.",
        "password",
        user=text("The user's name"),
        display=text("What others read"),
        aliases=rows(text("Another name, or a telephone number")),
        enabled=flag("Whether the user may register and call"),
        realm=text("For which the password was set"),
        created_at=time("When the user was made"),
        changed_at=time("When the user was changed last"),
        phones={"type": ["integer", "array"], "description": "How many are registered; of one user: which"},
        password=text("One that the server has made: shown this once"),
    ),
    "Route": thing(
        "A row of the route table.",
        name=text("What it is called"),
        when=text("Its conditions"),
        then=text("Where such requests go"),
    ),
    "Explanation": thing(
        "Where a request would go.",
        uri=text("What was called"),
        method=text("Of the request"),
        reasons=rows(text("What was looked at, in order")),
    ),
    "Reloaded": thing(
        "What has been read again.",
        routes=whole("Rows of the route table"),
        changed=rows(text("A setting that has changed")),
        restart=rows(text("A setting that a restart would change")),
    ),
    "Draining": thing(
        "Whether new calls are taken, and how many are left.",
        draining=flag("New calls are turned away"),
        since=nullable(time("Since when")),
        until=nullable(time("Until when")),
        stops=flag("The server stops when it is empty, or then"),
        calls=whole("How many calls are left"),
    ),
    "Approval": thing(
        "A country that may be called, or that waits for a second administrator.",
        country=text("Country code"),
        state=text("How it stands", enum=["approved", "waits"]),
        asked_by=text("Who wanted to call there first"),
        asked_at=time("When"),
        number=text("Which number"),
        room=text("From which room"),
        approved_by=text("Who has allowed it; empty: nobody yet"),
        at=time("When it was allowed"),
    ),
    "Fence": thing(
        "What calls to numbers may cost, and have cost.",
        prefixes=rows(text("Beginning of numbers that may be called")),
        asks_for_countries=flag("Countries that no prefix names want an approval"),
        countries=rows(ref("Approval")),
        rooms=rows(thing("By room.", room=text("Its name"), **_SPENT)),
        all=thing("In all.", **_SPENT),
    ),
    "TraceRow": thing(
        "A call whose messages are kept.",
        call=whole("Its number; 0: none came of it"),
        call_id=text("Its Call-ID"),
        peer=text("With whom"),
        since=time("Since when"),
        messages=whole("How many are kept"),
        over=flag("It is over"),
    ),
    "Pcap": thing(
        "A call's messages for Wireshark.",
        call_id=text("Its Call-ID"),
        rtp=whole("RTP headers in it"),
        pcap=text("The file", contentEncoding="base64"),
    ),
}
SCHEMAS: dict[str, Schema] = {
    **ROOMS,
    **PEOPLE,
    **WAYS,
    **record_schemas.RECORDS,
    **webhook_schemas.HOOKS,
    **webhook_schemas.TRACES,
}

ANSWERS: Mapping[str, Schema] = {
    "rooms": rows(ref("Room")),
    "room": ref("Room"),
    "recordings": rows(ref("Recording")),
    "status": ref("Status"),
    "health": ref("Health"),
    "message list": rows(ref("Message")),
    "ready": ref("Health"),
    "profile show": ref("Profile"),
    "server show": ref("Draining"),
    "rule list": rows(
        thing(
            "What is said of a room itself.",
            room=text("Its name"),
            profile=text("Whose rules it has in common with others; empty: none"),
            rules={"type": "object", "description": "Rules by their names; the others are as the profile says"},
        )
    ),
    "ban list": rows(ref("Ban")),
    "profile list": rows(ref("Profile")),
    "token list": rows(ref("Token")),
    "user list": rows(ref("User")),
    "user show": ref("User"),
    "route list": rows(ref("Route")),
    "fence show": ref("Fence"),
    "trace list": rows(ref("TraceRow")),
    "trace pcap": ref("Pcap"),
    "rule list": rows(ref("RoomRules")),
    **record_schemas.ANSWERS,
    **webhook_schemas.ANSWERS,
}
"""By the query's name; of others: whatever it is."""
DONE: Mapping[type[Any], Schema] = {
    AddBan: ref("Ban"),
    AddUser: ref("User"),
    ChangeUser: ref("User"),
    SetPassword: ref("User"),
    AddToken: ref("Token"),
    ExplainRoute: ref("Explanation"),
    Reload: ref("Reloaded"),
    ApproveCountry: ref("Approval"),
    PutProfile: ref("Profile"),
    Drain: ref("Draining"),
    Undrain: ref("Draining"),
    **webhook_schemas.DONE,
}
"""By the order."""
