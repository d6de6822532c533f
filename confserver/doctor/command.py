"""``confserver doctor``: all checks, each in a line, with the way out where one is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from confserver.config import Settings
    from confserver.doctor.finding import Finding
    from confserver.doctor.ground import Ground

FILE = click.Path(path_type=Path, dir_okay=False)
HELP = """Check the server, its settings and its machine, and say what to do.

Addresses, NAT, ports, certificate, codecs, prompts, clock, disk, limits, priority, names, trunks, settings that
contradict each other, what a running server says of itself; and a call to itself, whose tone is measured: of the
running server, else of one on loopback that is started for it. Exit status 1 where there is a fault.
"""
COLOURS = {"ok": "green", "warning": "yellow", "fault": "red"}
Check = Callable[["Ground"], "Sequence[Finding]"]


def checks(*, call: bool) -> list[Check]:
    """In the order in which they are told: what others follow from comes first."""
    from confserver.doctor import calling, certificate, machine, ports, reach, running, settings, sound, trunks

    found: list[Check] = [
        settings.check_settings, running.check_running, reach.check_addresses, reach.check_nat, reach.check_container,
        reach.check_names, ports.check_sip, ports.check_media, certificate.check_certificate, sound.check_codecs,
        sound.check_prompts, machine.check_clock, machine.check_disk, machine.check_limits, machine.check_priority,
        machine.check_cores, trunks.check_trunks,
    ]  # fmt: skip
    return [*found, calling.check_call] if call else found


def examined(ground: Ground, wanted: Iterable[Check], tell: Callable[[Finding], object]) -> list[Finding]:
    """Do them one after another; a check that fails is a finding."""
    from confserver.doctor.finding import warning

    found: list[Finding] = []
    for check in wanted:
        try:
            news = list(check(ground))
        except Exception as error:  # whatever this machine has in store
            name = check.__name__.removeprefix("check_").replace("_", " ")
            news = [warning(name, f"could not be checked: {type(error).__name__}: {error}", "look at it by hand")]
        found += news
        for each in news:
            tell(each)
    return found


def command(settings_of: Callable[[Path | None], Settings]) -> click.Command:
    """``settings_of`` reads a settings file, None: the defaults."""

    def run(config: Path | None, state_directory: Path | None, call: bool, as_json: bool) -> int:
        from confserver.doctor.finding import Verdict

        ground = _ground(settings_of, config, state_directory)
        found = examined(ground, checks(call=call), (lambda each: None) if as_json else print_finding)
        count = {verdict.value: sum(each.verdict is verdict for each in found) for verdict in Verdict}
        if as_json:
            rows = [asdict(each) | {"verdict": each.verdict.value} for each in found]
            click.echo(json.dumps({"findings": rows, **count}, indent=2))
        else:
            click.echo(f"{count['fault']} faults, {count['warning']} warnings, {count['ok']} fine")
        return 1 if count["fault"] else 0

    parameters: list[click.Parameter] = [
        click.Option(
            ["--config"], type=FILE, metavar="FILE",
            help="The server's settings file.  [default: that of the running server]",
        ),
        click.Option(
            ["--state-directory"], type=click.Path(path_type=Path), envvar="CONFSERVER_STATE_DIRECTORY",
            help="Where the server keeps its state; else where the settings say.",
        ),
        click.Option(["--call/--no-call"], default=True, help="Make a test call.  [default: --call]"),
        click.Option(["--json", "as_json"], is_flag=True, help="Print all findings as JSON."),
    ]  # fmt: skip
    return click.Command("doctor", callback=run, params=parameters, help=HELP)


def _ground(
    settings_of: Callable[[Path | None], Settings], config: Path | None, state_directory: Path | None
) -> Ground:
    """Where no settings are named, those of the server that runs."""
    from confserver.doctor.ground import settings_of_running, survey

    settings, unread = settings_of(config), ""
    state = state_directory or settings.state.path()
    if config is None and (config := settings_of_running(state)) is not None:
        try:
            settings = settings_of(config)
        except click.ClickException as error:
            config, unread = None, error.message
    return survey(settings, state, config, unread)


def print_finding(finding: Finding) -> None:
    verdict = click.style(f"{finding.verdict.value:8}", fg=COLOURS[finding.verdict.value])
    click.echo(f"{verdict} {_plain(finding.check)}: {_plain(finding.words)}")
    if finding.fix:
        click.echo(f"         -> {_plain(finding.fix)}")


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
