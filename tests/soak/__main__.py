"""``scripts/soak``: the long trials by name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import click

from tests.soak import churn as churning
from tests.soak import kills as killing
from tests.soak import mutations as mutating
from tests.soak import workers as striking
from tests.soak.costs import costs_of_each


class Report(Protocol):
    def figures(self) -> Mapping[str, object]: ...

    def trouble(self) -> str: ...


def tell(report: Report) -> None:
    """Figures first; exit status 1 where something was wrong."""
    for name, value in report.figures().items():
        click.echo(f"{name:<28}{value}")
    if trouble := report.trouble():
        raise click.ClickException(trouble)


@contextmanager
def folder() -> Iterator[Path]:
    """Where a server has its state; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="confserver-soak-") as made:
        yield Path(made)


@click.group()
def main() -> None:
    """Long trials of the server on the loopback; see docs/reliability.md."""


@main.command()
@click.option("--count", default=200_000, show_default=True, help="So many messages.")
@click.option("--seed", default=4475, show_default=True, help="The same messages again for the same number.")
def mutations(count: int, seed: int) -> None:
    """Broken requests, responses and session descriptions against stack, focus and rooms together."""
    tell(mutating.soak(count, seed))


@main.command()
@click.option("--count", default=1000, show_default=True, help="So many come and go.")
@click.option("--seed", default=4475, show_default=True, help="The same orders again for the same number.")
def churn(count: int, seed: int) -> None:
    """Come and go, 50 a second, beside 50 orders a second: what those hear who stay, and what is left behind."""
    with folder() as state:
        tell(churning.soak(count, seed, state))


@main.command()
@click.option("--count", default=50, show_default=True, help="So many kills.")
@click.option("--seed", default=4475, show_default=True, help="The same changes again for the same number.")
def kills(count: int, seed: int) -> None:
    """Kill the signalling process in the midst of writes: what was answered must be there when it starts again."""
    with folder() as state:
        tell(killing.soak(count, seed, state))


@main.command()
@click.option("--count", default=20, show_default=True, help="So many kills.")
def workers(count: int) -> None:
    """Kill media processes: after how long their calls are heard again."""
    with folder() as state:
        tell(striking.soak(count, state))


@main.command()
def costs() -> None:
    """What guarding and tracing cost each message, in microseconds."""
    for name, microseconds in costs_of_each():
        click.echo(f"{name:<58}{microseconds:6.2f} us")


if __name__ == "__main__":
    main()
