"""``scripts/soak``: the long trials by name."""

from __future__ import annotations

import click

from tests.soak.costs import costs_of_each
from tests.soak.mutations import Report, soak


@click.group()
def main() -> None:
    """Long trials of the server, without a network; see docs/performance.md."""


@main.command()
@click.option("--count", default=200_000, show_default=True, help="So many messages.")
@click.option("--seed", default=4475, show_default=True, help="The same messages again for the same number.")
def mutations(count: int, seed: int) -> None:
    """Broken requests, responses and session descriptions against stack, focus and rooms together."""
    report: Report = soak(count, seed)
    for name, value in report.figures().items():
        click.echo(f"{name:<28}{value}")
    if trouble := report.trouble():
        raise click.ClickException(trouble)


@main.command()
def costs() -> None:
    """What guarding and tracing cost each message, in microseconds."""
    for name, microseconds in costs_of_each():
        click.echo(f"{name:<58}{microseconds:6.2f} us")


if __name__ == "__main__":
    main()
