"""``confserver backup`` and ``confserver restore``, as click commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from confserver.config import Settings

FILE = click.Path(path_type=Path, dir_okay=False)
SettingsOf = Callable[["Path | None"], "Settings"]


def commands(settings_of: SettingsOf, migrate: Callable[[Any], object]) -> list[click.Command]:
    """``settings_of`` reads a settings file, None: the defaults; ``migrate`` brings a database to this version."""
    return [_backup(settings_of), _restore(settings_of, migrate)]


def _options() -> list[click.Parameter]:
    return [
        click.Option(["--config"], type=FILE, metavar="FILE", help="The server's settings file."),
        click.Option(
            ["--state-directory"],
            type=click.Path(path_type=Path),
            envvar="CONFSERVER_STATE_DIRECTORY",
            help="Where the server keeps its state; else where the settings say.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print what is in it as JSON."),
    ]


def _backup(settings_of: SettingsOf) -> click.Command:
    def run(target: Path, config: Path | None, state_directory: Path | None, as_json: bool, recordings: bool) -> None:
        from confserver.backup.archive import BackupError, describe
        from confserver.backup.saving import Order, save

        settings = settings_of(config)
        order = Order(target.absolute(), state_directory or settings.state.path(), settings, config, recordings)
        try:
            manifest = save(order, version("confserver"), lambda line: None if as_json else click.echo(line, err=True))
        except BackupError as error:
            raise click.ClickException(str(error)) from None
        told = describe(manifest)
        click.echo(json.dumps(told, indent=2) if as_json else f"{target}: {told['files']} files, {told['bytes']} bytes")
        if config is None and not as_json:
            click.echo("without settings: --config FILE keeps them, too", err=True)

    words = """Keep all of a server in one file; calls go on meanwhile.

    The database as it is at one moment, keys and tokens, the settings file of --config, its prompts; with
    --recordings those, too. FILE is a tar (packed where its name ends in .gz), for its owner's eyes only.
    """
    parameters = [
        click.Argument(["target"], type=FILE, metavar="FILE"),
        *_options(),
        click.Option(["--recordings"], is_flag=True, help="Recordings, too."),
    ]
    return click.Command("backup", callback=run, params=parameters, help=words)


def _restore(settings_of: SettingsOf, migrate: Callable[[Any], object]) -> click.Command:
    def run(source: Path, config: Path | None, state_directory: Path | None, as_json: bool, check: bool) -> None:
        from confserver.backup.archive import BackupError, describe
        from confserver.backup.restoring import Order, restore

        known = config if config is not None and config.exists() else None
        state = state_directory or settings_of(known).state.path()
        try:
            outcome = restore(Order(source, state, config, check), migrate)
        except BackupError as error:
            raise click.ClickException(str(error)) from None
        told = describe(outcome.manifest) | {"kept": str(outcome.aside or ""), "notes": list(outcome.notes)}
        if as_json:
            click.echo(json.dumps(told, indent=2))
            return
        click.echo(f"{source}: {told['files']} files of version {told['version']}, whole and unharmed")
        if not check:
            click.echo(f"restored to {state}" + (f"; what was there is in {outcome.aside}" if outcome.aside else ""))
        for note in outcome.notes:
            click.echo(note)

    words = """Put back what confserver backup has kept; the server must not run.

    The file is unpacked aside and checked whole (checksums, database, version) before anything is touched. What was
    there is kept in the state directory, under before-DATE. With --config the settings are put there.
    """
    parameters = [
        click.Argument(["source"], type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE"),
        *_options(),
        click.Option(["--check"], is_flag=True, help="Only say whether it could be restored."),
    ]
    return click.Command("restore", callback=run, params=parameters, help=words)
