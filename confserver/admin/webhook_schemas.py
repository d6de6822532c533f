"""What is answered about webhooks and about the messages of a call, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confserver.admin.schema import Schema, flag, nullable, number, ref, rows, text, thing, time, whole
from confserver.routing.commands.webhooks import AddWebhook, RetryWebhook, TestWebhook

HOOKS: dict[str, Schema] = {
    "Webhook": thing(
        "Who is told events by HTTP.",
        "secret",
        webhook=text("Its name"),
        url=text("Where it is"),
        events=rows(text("Type of events; none: all")),
        rooms=rows(text("Room, or pattern; none: all")),
        by_settings=flag("It stands in the settings"),
        delivered=whole("Events that were taken"),
        waiting=whole("Events that wait"),
        failing=whole("Tries that have failed in a row"),
        dead=whole("Events that nobody has taken"),
        lost=whole("Events that were forgotten before anybody took them"),
        last=text("What was heard last"),
        secret=text("By which what is sent is signed: shown this once"),
    ),
    "DeadLetter": thing(
        "An event that nobody has taken.",
        id=text("Its place in the sequence"),
        type=text("Of the event"),
        at=time("When it happened"),
        tries=whole("How often it was tried"),
        reason=text("Why it was given up"),
    ),
    "Retried": thing("Events that are tried again.", webhook=text("Whose"), retried=whole("How many")),
    "Tested": thing(
        "What has come of a trial.",
        webhook=text("Its name"),
        delivered=flag("It was taken"),
        answer=text("What was heard"),
    ),
}
TRACES: dict[str, Schema] = {
    "TraceStep": thing(
        "A message of a call.",
        at=time("When it passed"),
        after_s=number("Seconds since the first"),
        ours=flag("We have sent it"),
        transport=text("UDP, TCP, TLS, WS or WSS"),
        local=text("Our address"),
        remote=text("The other side's"),
        words=text("What it says, in a line"),
        text=text("All of it, secrets blanked"),
    ),
    "Trace": thing(
        "The messages of a call.",
        call=whole("Its number; 0: none came of it"),
        call_id=text("Its Call-ID"),
        peer=text("With whom"),
        since=time("Since when"),
        messages=whole("How many are kept"),
        over=flag("It is over"),
        left_out=whole("How many were not kept"),
        media=nullable(ref("Media")),
        steps=rows(ref("TraceStep")),
    ),
}
ANSWERS: Mapping[str, Schema] = {
    "webhook list": rows(ref("Webhook")),
    "webhook dead": rows(ref("DeadLetter")),
    "trace show": ref("Trace"),
}
DONE: Mapping[type[Any], Schema] = {
    AddWebhook: ref("Webhook"),
    RetryWebhook: ref("Retried"),
    TestWebhook: ref("Tested"),
}
