"""The command line's verbs for a running server: ``rooms``, ``room VERB ROOM ...``, ``recordings``, ``status``.

Each verb under ``room`` is read from ``rooms.commands.COMMANDS``: its help from the docstring, its arguments from the
path, its options from the other fields. The verbs speak to the server through an ``Ask``, which the composition
gives them (``confserver.client``), so that nothing here knows of connections.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import quote

import click

from confserver.admin import export_verb, fetching, operating, records, routes, tables, top, trace, waiting, watch
from confserver.admin.asking import Ask, Where
from confserver.admin.members import body_fields
from confserver.admin.options import option
from confserver.routing.commands import COMMANDS as ORDERS
from confserver.routing.commands import QUESTIONS, Question
from confserver.routing.commands import Command as Order
from rooms.commands import COMMANDS, Command
from rooms.policy import RoomPolicy

ARGUMENT_HELP = {
    "room": "ROOM is the room's name.",
    "participant": "PARTICIPANT is an id (p7), or a name that only one in the room has.",
    "uri": "URI is what would be called, such as sip:bob@example.com.",
    "user": "USER is the user's name, in lower case, such as alice.",
    "file": "FILE is the name of one of its files.",
    "recording": "RECORDING is a recording's name, as confserver recordings prints it.",
    "country": "COUNTRY is a country code such as +49.",
    "webhook": "WEBHOOK is the webhook's name.",
    "profile": "PROFILE is the name of a profile, such as webinar.",
    "language": "LANGUAGE is a language or another set of prompts, such as de.",
    "holder": "HOLDER is the token's name, such as reception.",
    "route": "ROUTE is the name of a row that was made, such as sales.",
    "group": "GROUP is the group's name, such as staff.",
    "network": "NETWORK is an IP address or a network such as 198.51.100.0/24; of IPv6 addresses the /64 is meant.",
}
OPTION_HELP = {
    **{rule.name: rule.metadata["help"] for rule in dataclasses.fields(RoomPolicy)},
    "profile": "Rules that it has in common with others, by name.",
    "sounds": "A sound: a file, prompt:NAME, number:N, say:TEXT or tones:...; more than one, one by one: say it again.",
    "participant": "Only this participant hears it: an id or a name.",
    "loop": "Over and over.",
    "volume_db": "Louder or softer than it is, -60 to 20 dB.",
    "duck_db": "By so many dB the others are softer meanwhile.",
    "start_s": "Where to begin, in seconds.",
    "interruptible": "A key pressed by who hears it ends it.",
    "play": "Number of the play that is meant; 0: all in the room.",
    "position_s": "Where to go on, in seconds.",
    "list": "Number of the list that is meant; 0: all of the room.",
    "caller_id": "Who is shown as calling, an address of dialout.caller_ids.",
    "whom": "Whom to call: as with dial, or with a name: Ana <+4930123456>; more than one: say it again.",
    "at_once": "So many at the same time.",
    "tries": "How often each is called where it is busy or nobody answers.",
    "pause_s": "Seconds between two tries.",
    "confirm": "Who answers comes in when he has pressed 1.",
    "muted": "Who comes in by this is muted by the host.",
    "deaf": "Who comes in by this hears nothing at first.",
    "redial": "Call back who is lost by a fault.",
    "tracks": "Also a file for each participant.",
    "waiting": "Also those who wait before the start or to be let in, each by himself; they are told so.",
    "uri": "Whom to call: sip:USER@HOST, tel:NUMBER, or a number.",
    "text": "What to say.",
    "name": "What the others read; else what was dialled.",
    "ring_s": "Seconds that it may ring; 0: as the settings say.",
    "digits": "0 to 9, *, #, A to D; a comma is a pause of half a second.",
    "duration_ms": "How long each key is held, 40 to 5000.",
    "gap_ms": "How long to wait after each, 40 to 5000.",
    "extends": "Another profile, whose rules hold where this one says nothing.",
    "rules": "A rule, as NAME=VALUE; VALUE as in TOML; more than one: say it again.",
    "stop": "End the server when the last call has ended.",
    "reason": "Why, in a few words for whoever reads the list.",
    "minutes": "So many minutes longer.",
    "role": "What its holder may do.",
    "rooms": "Only these rooms, by name (a token's also by pattern, team-*); more than one: say it again.",
    "seconds": "Until so many seconds have passed.",
    "password": "ask: type it; stdin: the first line of standard input. Else the server makes one and shows it.",
    "display": "What others read when this user calls.",
    "aliases": "Another name, or a telephone number; more than one: say it again.",
    "enabled": "Whether the user may register and call.",
    "caller": "The user whose password comes with it; else none.",
    "source": "The IP address it comes from.",
    "request": "Its method.",
    "at": "When, such as 2026-12-31T18:00; else now.",
    "incoming_db": "How much louder (dB) the others hear the participant.",
    "pan": "Where he is heard: -1 left, 0 in the middle, 1 right.",
    "auto": "Where the room places him.",
    "outgoing_db": "How much louder (dB) the participant hears the others.",
    "but": "Not this participant: an id or a name; more than one: say it again.",
    "moderators": "Moderators, too.",
    "url": "Where events are sent: https://example.com/calls.",
    "events": "Types of events, such as message or participant-*; more than one: say it again.",
    "secret": "ask: type it; stdin: the first line of standard input. Else the server makes one and shows it.",
    "to": "The other room, or participant.",
    "participants": "Only this participant: an id or a name; more than one: say it again.",
    "force": "Also whom the other room's rule deny keeps out.",
    "count": "How many breakout rooms there are to be.",
    "names": "What a breakout room is called; more than one: say it again.",
    "assign": "WHO=ROOM: who goes to which breakout room; more than one: say it again.",
    "evenly": "Divide evenly those for whom nothing is said.",
    "keep": "Whoever has the floor keeps it, too.",
    "trainee": "Who alone hears the coach.",
    "other": "The other participant: an id or a name.",
    "host": "The IP address it goes to, in a network of forward.networks.",
    "port": "The UDP port there.",
    "codec": "In what it is sent.",
    "voice": "Only what this participant says: an id or a name.",
    "payload_type": "The number of its packets.",
    "ssrc": "The SSRC of its packets.",
    "codec_rate_hz": "Sampling rate of L16 or Opus: 8000, 16000 or 48000.",
    "rtcp_port": "The port for RTCP there.",
    "srtp_suite": "How it is protected; without, where there is a key: AES_CM_128_HMAC_SHA1_80.",
    "srtp_key": "ask: type it; stdin: the first line of standard input. Key and salt in base64, as SDP has them.",
    "forward": "Number of the forward that is meant; 0: all in the room.",
    "relation": "He does not hear the other (nohear), or is not heard by him (nospeak); clear: neither.",
    "room_db": "How much softer (dB) they hear the room meanwhile.",
    "hears_room": "Whether they hear the room meanwhile.",
    "sidebar": "Number of the sidebar that is meant; 0: all.",
    "countdown_s": "In so many seconds, which those there are told.",
    "cause": "Whose mute it is; each cause is set and undone separately.",
}


def verbs(
    ask: Ask,
    offline: routes.Offline = routes.not_here,
    follow: watch.Follow = watch.nobody_follows,
    fetch: fetching.Fetch = fetching.nobody_fetches,
    bring: export_verb.Bring = export_verb.nobody_brings,
) -> list[click.Command]:
    """Build the top-level verbs over a way to ask; ``offline`` explains routes of a file, ``follow`` gives events."""
    room = click.Group(
        "room",
        help="Show or change one room of the running server.\n\nconfserver room VERB --help explains a verb.",
        commands=[_show(ask), *(_change(ask, follow, command) for command in COMMANDS)],
    )
    watching = _command("watch", watch.runner(follow), watch.parameters(), watch.HELP)
    looking = _command("top", top.runner(ask, follow), top.parameters(), top.HELP)
    return [_rooms(ask), room, _recordings(ask), _status(ask), watching, looking, *_ways(ask, offline, fetch, bring)]


# ------------------------------------------------------------------ queries
def _rooms(ask: Ask) -> click.Command:
    def run(where: Where, as_json: bool) -> None:
        _print(ask(where, "GET", "/rooms", {}), as_json, tables.print_rooms)

    return _command("rooms", run, [], "List the rooms of the running server.")


def _show(ask: Ask) -> click.Command:
    def run(where: Where, as_json: bool, room: str) -> None:
        _print(ask(where, "GET", _path("/rooms/{room}", {"room": room}), {}), as_json, tables.print_room)

    words = f"Show one room and who is in it.\n\n{ARGUMENT_HELP['room']}"
    return _command("show", run, [click.Argument(["room"])], words)


def _recordings(ask: Ask) -> click.Command:
    def run(where: Where, as_json: bool) -> None:
        _print(ask(where, "GET", "/recordings", {}), as_json, tables.print_recordings)

    return _command("recordings", run, [], "List the recordings of the running server.")


def _status(ask: Ask) -> click.Command:
    def run(where: Where, as_json: bool) -> None:
        _print(ask(where, "GET", "/status", {}), as_json, tables.print_status)

    return _command("status", run, [], "Show the counts and load of the running server.")


# ------------------------------------------------------------------ the server's ways, beside the rooms
NOUNS = {
    "message": "Show what has been written in rooms of the running server.",
    "recording": "Bring recordings of the running server here, or delete them.",
    "fence": "Show what calls to telephone numbers have cost, and to which countries they may go.",
    "profile": "Show or change the rules that rooms of the running server have in common.",
    "rule": "Show what is said of rooms of the running server, beside what their profiles say.",
    "server": "Show or change whether the running server takes new calls.",
    "token": "Show or change who may administer the running server, and how far.",
    "sound": "Show what rooms of the running server can say, and in which languages.",
    "ban": "Show or change from whom the running server takes nothing.",
    "route": "Show or change where the running server sends requests, and why.",
    "group": "Show or change groups of users, for the rows of the route table.",
    "webhook": "Show or change to whom the running server sends events by HTTP.",
    "user": "Show or change who may register at the running server, and call from anywhere.",
}


def _ways(ask: Ask, offline: routes.Offline, fetch: fetching.Fetch, bring: export_verb.Bring) -> list[click.Command]:
    """A group for each noun of ``routing.commands``, its verbs in it."""
    groups = {noun: click.Group(noun, help=words) for noun, words in NOUNS.items()}
    for question in (each for each in QUESTIONS if not each.has_own_verb):
        groups[question.noun].add_command(_question(ask, question))
    for order in ORDERS:
        groups[order.noun].add_command(_order(ask, order))
    explain = routes.explainer(ask, offline, _print)
    groups["route"].add_command(_command("explain", explain, routes.parameters(OPTION_HELP), routes.HELP))
    get = fetching.runner(ask, fetch)
    groups["recording"].add_command(_command("get", get, fetching.parameters(), fetching.HELP))
    reload = _command("reload", routes.reloader(ask, _print), [], routes.RELOAD_HELP)
    drain = _command("drain", operating.runner(ask, _print), operating.parameters(), operating.HELP)
    traces = _command("trace", trace.runner(ask), trace.parameters(), trace.HELP)
    return [*groups.values(), reload, drain, traces, *records.verbs(ask, _command, bring)]


def _question(ask: Ask, question: Question) -> click.Command:
    names = re.findall(r"{(\w+)}", question.path)

    def run(where: Where, as_json: bool, **given: Any) -> None:
        told = ask(where, "GET", _path(question.path, given), {})
        _print(told, as_json, lambda told: tables.print_told(told, question.columns))

    words = "\n\n".join([question.summary, *(ARGUMENT_HELP[name] for name in names)])
    return _command(question.verb, run, [click.Argument([name]) for name in names], words)


def _order(ask: Ask, order: type[Order]) -> click.Command:
    """Make the verb of one order."""
    parameters, in_body = _parameters(order)

    def run(where: Where, as_json: bool, **given: Any) -> None:
        body = {name: given[name] for name in in_body if given[name] not in (None, ())}
        _print(ask(where, order.method, _path(order.path, given), body), as_json, tables.print_told)

    names = re.findall(r"{(\w+)}", order.path)
    words = [inspect.cleandoc(order.__doc__ or ""), *(ARGUMENT_HELP[name] for name in names)]
    return _command(order.verb, run, parameters, "\n\n".join(words))


def _parameters(command: type[Command] | type[Order]) -> tuple[list[click.Parameter], list[str]]:
    """Arguments for what is in the path, options for the rest; and the names of the latter."""
    hints = get_type_hints(command)
    in_path = [f.name for f in dataclasses.fields(command) if f"{{{f.name}}}" in command.path]
    in_body = [f for f in dataclasses.fields(command) if f.name not in in_path]
    parameters: list[click.Parameter] = [click.Argument([name]) for name in in_path]
    return [*parameters, *(option(f, hints[f.name], help_of(f)) for f in in_body)], [f.name for f in in_body]


# ------------------------------------------------------------------ changes
def _change(ask: Ask, follow: watch.Follow, command: type[Command]) -> click.Command:
    """Make the verb of one command."""
    hints = {**get_type_hints(RoomPolicy), **get_type_hints(command)}
    in_path = [f.name for f in dataclasses.fields(command) if f"{{{f.name}}}" in command.path]
    in_body = body_fields(command)

    def run(where: Where, as_json: bool, wait: bool = False, **given: Any) -> int:
        def do() -> Any:
            body = {f.name: given[f.name] for f in in_body if given[f.name] not in (None, ())}
            return ask(where, command.method, _path(command.path, given), body)

        room, is_good = waiting.waited(command.verb, ask, follow, where, given["room"], do) if wait else (do(), True)
        if given.get("participant"):
            _print(room, as_json, lambda told: tables.print_change(told, given["participant"]))
        else:
            _print(room, as_json, tables.print_room_line)
        return 0 if is_good else 1

    parameters: list[click.Parameter] = [click.Argument([name]) for name in in_path]
    parameters += [option(f, hints[f.name], help_of(f)) for f in in_body]
    parameters += [waiting.option()] if command.verb in waiting.VERBS else []
    words = [inspect.cleandoc(command.__doc__ or ""), *(ARGUMENT_HELP[name] for name in in_path)]
    return _command(command.verb, run, parameters, "\n\n".join(words))


def help_of(field: dataclasses.Field[Any]) -> str:
    """Its own words, else what all of its name mean."""
    return str(field.metadata.get("help") or OPTION_HELP.get(field.name, ""))


def _path(pattern: str, names: Mapping[str, str]) -> str:
    return pattern.format(**{name: quote(str(value), safe="") for name, value in names.items()})


# ------------------------------------------------------------------ what all verbs share
def _command(name: str, run: Callable[..., int | None], parameters: list[click.Parameter], words: str) -> click.Command:
    """A verb that is asked of a server, here or elsewhere."""

    def callback(
        server: str | None, token: str | None, state_directory: Path | None, as_json: bool, **given: Any
    ) -> int | None:
        if server is not None and state_directory is not None:
            raise click.UsageError("--server and --state-directory exclude each other.")
        if any(value == "" for value in given.values()):
            raise click.UsageError("A name cannot be empty.")
        return run(Where(server, token or "", state_directory), as_json, **given)

    brief = words.partition("\n")[0]  # given as such, it is not cut off in the list of verbs
    return click.Command(
        name, callback=callback, params=[*parameters, *_shared_options()], help=words, short_help=brief
    )


server_verb = _command


def _shared_options() -> list[click.Parameter]:
    return [
        click.Option(["--json", "as_json"], is_flag=True, help="Print the JSON of the HTTP interface."),
        click.Option(
            ["--server"],
            metavar="URL",
            envvar="CONFSERVER_SERVER",
            show_envvar=True,
            help="Another server than that of this machine: http://HOST:PORT, https://HOST, http+unix:///PATH.",
        ),
        click.Option(
            ["--token"],
            envvar="CONFSERVER_TOKEN",
            help="The token for --server; safer in the environment, as CONFSERVER_TOKEN.",
        ),
        click.Option(
            ["--state-directory"],
            type=click.Path(path_type=Path),
            envvar="CONFSERVER_STATE_DIRECTORY",
            show_envvar=True,
            help="Where the server of this machine keeps its state, if not in the default place.",
        ),
    ]


def _print(told: Any, as_json: bool, print_for_people: Callable[[Any], None]) -> None:
    if as_json:
        click.echo(json.dumps(told, indent=2))
    elif told is not None:
        try:
            print_for_people(told)
        except KeyError as missing:
            raise click.ClickException(
                f"the server tells no {missing}: is it of another version? --json prints all"
            ) from None
