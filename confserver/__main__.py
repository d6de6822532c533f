"""The command ``confserver``: joins the verbs of the server, of administration, of the robot phone and of the bench.

Everything is imported where it is needed, so that ``confserver rooms`` starts without Twisted and numpy. Exit status:
0 done, 1 refused, 2 wrong usage, settings or surroundings, 3 no server answers, 4 no right to ask it; what it was is
one line on standard error.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from confserver.admin import completion
from confserver.admin.asking import Where
from confserver.admin.cli import server_verb, verbs
from confserver.admin.tables import plain
from confserver.backup import command as backup
from confserver.doctor import command as doctor
from confserver.plan import options as plan
from confserver.prompts.command import prompts

if TYPE_CHECKING:
    from confserver.client import Client
    from confserver.config import Settings

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
QUICK_S = 1.0
FILE = click.Path(path_type=Path, dir_okay=False)


class UnusableSettings(click.ClickException):
    """One line about the settings; status 2, as for wrong usage."""

    exit_code = 2


class NoServer(click.ClickException):
    exit_code = 3


class NoRight(click.ClickException):
    exit_code = 4


def _print_version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"confserver {version('confserver')}")
        context.exit()


@click.group(context_settings=CONTEXT)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def confserver() -> None:
    """A SIP conference bridge: dial a room, hear each other, run it by script.

    Start it with "confserver serve", dial sip:standup@THIS-MACHINE from any SIP phone, and look who is there with
    "confserver rooms" and "confserver room show standup".
    """


@confserver.command("serve")
@click.option("--config", type=FILE, metavar="FILE", help="Settings in TOML; see confserver settings.")
def serve_command(config: Path | None) -> int:
    """Run the server until SIGINT or SIGTERM.

    It listens for SIP on every local address: by UDP and TCP on port 5060, TLS on 5061, WebSocket on
    5066 and 7443. It keeps its state in ~/.local/state/confserver, and is administered over HTTP on
    127.0.0.1:8070, unless settings say otherwise.
    """
    settings = _settings(config)
    from confserver.app import serve
    from confserver.config import load

    return serve(settings, (lambda: load(config)) if config else None, config)


@confserver.command("settings")
@click.option("--config", type=FILE, metavar="FILE", help="Show the settings that this file gives; it is checked.")
def settings_command(config: Path | None) -> None:
    """Print all settings with their meaning, as commented TOML.

    Settings that have their default value are commented out: the output is a settings file to begin with.
    """
    from confserver.config.text import as_toml

    click.echo(as_toml(_settings(config)), nl=False)


@confserver.command("call")
@click.argument("target", metavar="URI")
@click.option("--play", type=FILE, metavar="FILE", help="Speak this WAV file, then silence.")
@click.option("--tone", type=click.FloatRange(20, 3900), metavar="HZ", help="Speak a steady tone.")
@click.option("--record", type=FILE, metavar="FILE", help="Write what is heard to this WAV file.")
@click.option("--for", "seconds", type=click.FloatRange(min=0), metavar="SECONDS", help="Hang up after so long.")
@click.option("--name", default="confserver", show_default=True, help="The name that others see.")
@click.option("--bind", metavar="ADDRESS", help="Local IP address to call from; default: the one the route takes.")
@click.option("--rtp-ports", metavar="FIRST-LAST", help="UDP ports for its media.  [default: 30000-32765]")
@click.option(
    "--transport",
    type=click.Choice(("udp", "tcp", "tls", "ws", "wss")),
    default="udp",
    show_default=True,
    help="How to call where the URI does not say.",
)
@click.option("--insecure", is_flag=True, help="Believe any certificate, such as one made for trying.")
@click.option("--user", metavar="NAME", default="", help="Be this user, where the server asks for a password.")
@click.option("--hold-at", type=click.FloatRange(min=0), metavar="SECONDS", help="Hold the call after so long.")
@click.option("--resume-at", type=click.FloatRange(min=0), metavar="SECONDS", help="Come back after so long.")
@click.option("--json", "as_json", is_flag=True, help="Print the call's final statistics as JSON.")
def call_command(
    target: str,
    play: Path | None,
    tone: float | None,
    record: Path | None,
    seconds: float | None,
    name: str,
    bind: str | None,
    transport: str,
    hold_at: float | None,
    resume_at: float | None,
    insecure: bool,
    user: str,
    rtp_ports: str | None,
    as_json: bool,
) -> int:
    """Call a room as a robot phone, for checks and demonstrations.

    URI is what a phone would dial, such as sip:standup@192.0.2.1. Without --for the call ends by Ctrl-C or when the
    other side hangs up. The password of --user is taken from the environment, as CONFSERVER_PASSWORD; else it is
    asked for.
    """
    if play is not None and tone is not None:
        raise click.UsageError("--play and --tone exclude each other.")
    from confserver.phone import run

    return run(
        target, play=play, record=record, seconds=seconds, tone_hz=tone, name=name, bind=bind, as_json=as_json,
        transport=transport, hold_at=hold_at, resume_at=resume_at, insecure=insecure,
        user=user, password=_password() if user else "", rtp_ports=rtp_ports,
    )  # fmt: skip


def _password() -> str:
    """Never from the command line, where every user of the machine can read it."""
    given = os.environ.get("CONFSERVER_PASSWORD")
    return given if given is not None else str(click.prompt("Password", hide_input=True))


@confserver.command("api")
@click.option("--html", "as_page", is_flag=True, help="A page to read.")
def api_command(as_page: bool) -> None:
    """Print the description of the HTTP interface: OpenAPI 3.1, or a page to read."""
    import json

    from confserver.admin import openapi, page

    click.echo(page.page().decode() if as_page else json.dumps(openapi.document(), indent=2))


@confserver.command(
    "bench",
    context_settings={"ignore_unknown_options": True},
    add_help_option=False,
    short_help="Measure a server on this machine under load.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench_command(arguments: tuple[str, ...]) -> int:
    """Measure a server on this machine under load; --help explains its options."""
    from confserver.bench import run

    return run(list(arguments))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; give its exit status."""
    try:
        result = confserver.main(args=arguments, prog_name="confserver", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130  # as a shell says of SIGINT
    except BrokenPipeError:  # the reader (head) has enough; keep Python from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return result if isinstance(result, int) else 0


def _settings(config: Path | None) -> Settings:
    from confserver.config import ConfigError, load

    try:
        return load(config)
    except ConfigError as error:
        raise UnusableSettings(str(error)) from None


def _ask(where: Where, method: str, path: str, body: Mapping[str, object]) -> object:
    """Put a question to the running server."""
    with _told(where):
        return _client(where).request(method, path, body)


def _follow(
    where: Where, room: str | None, types: Sequence[str], levels: bool, after: str
) -> Iterator[Mapping[str, Any]]:
    """What happens at the running server."""
    with _told(where):
        yield from _client(where).events(room, types=types, levels=levels, after=after)


def _fetch(where: Where, recording: str, file: str, into: BinaryIO, told: Callable[[int, int], None]) -> int:
    """Bring a file of a recording from the running server."""
    with _told(where):
        return _client(where).download(recording, file, into, told)


def _bring(where: Where, path: str, into: BinaryIO, told: Callable[[int, int], None]) -> int:
    """Bring a whole list from the running server."""
    with _told(where):
        return _client(where).bring(path, into, told)


def _ask_quickly(given: Mapping[str, Any], path: str) -> Any:
    """For completion: in a moment or not at all."""
    where = Where(given.get("server"), given.get("token") or "", given.get("state_directory"))
    return _client(where, QUICK_S).request("GET", path)


def _client(where: Where, timeout: float = 10.0) -> Client:
    from confserver.client import Client

    found = (
        Client(where.server, where.token, timeout=timeout)
        if where.server
        else Client.local(where.state_directory, timeout=timeout)
    )
    return found.named("confserver-cli")


@contextlib.contextmanager
def _told(where: Where) -> Iterator[None]:
    """What the client complains of, as one line and a status."""
    from confserver.client import BadAnswer, ClientError, NotRunning, Unauthorized

    try:
        yield
    except Unauthorized as error:
        hint = "; give it by --token or CONFSERVER_TOKEN" if where.server and not where.token else ""
        raise NoRight(plain(error) + hint) from None
    except (NotRunning, BadAnswer) as error:
        raise NoServer(plain(error)) from None
    except ClientError as error:
        raise click.ClickException(plain(error)) from None


def _explain(config: Path, asked: Mapping[str, str]) -> Mapping[str, Any]:
    """What a server with these settings would do, if it knew no users."""
    from confserver.app.routes import explain_offline

    try:
        return explain_offline(_settings(config), asked)
    except ValueError as error:
        raise click.ClickException(plain(error)) from None


def _plan_verb(name: str) -> click.Command:
    """``plan`` and ``apply``, over the HTTP interface."""
    parameters, words = {
        "plan": (plan.plan_parameters(), plan.PLAN_HELP), "apply": (plan.apply_parameters(), plan.APPLY_HELP),
    }[name]  # fmt: skip

    def asked(where: Where, as_json: bool, **given: Any) -> int:
        from confserver.plan import doing

        run: Callable[..., int] = {"plan": doing.run_plan, "apply": doing.run_apply}[name]
        return run(_refusing(where), as_json, **given)

    return server_verb(name, asked, parameters, words)


def _refusing(where: Where) -> Callable[[str, str, Mapping[str, object]], Any]:
    """Refusals are ``plan``'s to judge; who cannot be reached or asked ends it."""
    from confserver.client import Problem
    from confserver.plan.present import Refusal

    def ask(method: str, path: str, body: Mapping[str, object]) -> Any:
        with _told(where):
            try:
                return _client(where).request(method, path, body)
            except Problem as problem:
                raise Refusal(plain(problem)) from None

    return ask


def _migrate(db: Any) -> None:
    from confserver.app.tables import migrate

    migrate(db)


for verb in (
    *backup.commands(_settings, _migrate),
    doctor.command(_settings),
    _plan_verb("plan"),
    _plan_verb("apply"),
    *verbs(_ask, _explain, _follow, _fetch, _bring),
    prompts,
):
    confserver.add_command(verb)
confserver.add_command(completion.command())
completion.attach(confserver, _ask_quickly)


if __name__ == "__main__":
    sys.exit(main())
