"""The command line of the bench: the short round, whole calls, the engine alone, and the long benches by name."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from confserver.bench.options import real, whole

CALLS, ENGINE, ALL = "calls", "engine", "all"
FLAG = "--signalling"
LONG = {
    "pcmu": "a worker beside the kernel's own cost, up to 2,500 participants",
    "codecs": "how many participants of each codec make a core 70 % full",
    "srtp": "what protection adds to a packet",
    "memory": "memory for each participant",
    "churn": "calls that come and go beside others",
    "delay": "delay through a worker, and after a stall of the sender",
    "workers": "one worker and two, with the same participants",
}
"""Benches of a media worker alone, and what each tells."""
SIGNALLING = {
    "signalling": "calls, registrations and messages a second on one core",
    "dialogs": "memory for each call that stands: a minute and a half",
    "beside": "set-up of calls beside others that talk, and beside a busy HTTP API",
}
"""Benches of the signalling of a whole server."""
MOST_LEGS = 4000

ABOUT = """Say what this machine carries: participants by codec, delay, memory. Takes less than two minutes.
Real media workers of its own, fed on the loopback; a server that runs is not touched, but shares the machine.
Exit status: 0 measured, 1 that did not work, 2 wrong usage. docs/performance.md explains the figures."""
MORE = "\n".join(
    [
        "more, by name (several at once, each with --repeat and --json):",
        *(f"  {name:<10} {words}" for name, words in LONG.items()),
        f"  {ALL:<10} all of these, one after the other: some minutes",
        *(f"  {name:<10} {words}" for name, words in SIGNALLING.items()),
        f"  {FLAG} the last three",
        "by themselves:",
        f"  {CALLS:<10} whole calls to a whole server; see confserver bench {CALLS} --help",
        f"  {ENGINE:<10} the media engine alone, in virtual time",
    ]
)


@dataclass(frozen=True, slots=True)
class Wish:
    """names: of long benches; none: the short round. seconds, settle: None is as the bench likes."""

    names: tuple[str, ...] = ()
    seconds: float | None = None
    settle: float | None = None
    legs: int | None = None
    repeat: int = 1
    as_json: bool = False
    realtime: bool = True


def parser() -> argparse.ArgumentParser:
    own = argparse.ArgumentParser(
        prog="confserver bench", description=ABOUT, epilog=MORE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = own.add_argument
    add("names", nargs="*", metavar="NAME", help="what to measure; without it: the short round")
    add("--seconds", type=real(0.5, 600), help="length of each measured window")
    add("--settle", type=real(0, 600), help="seconds between the last participant and the window")
    add("--legs", type=whole(2, MOST_LEGS), help="the largest size; others keep their proportion to it")
    add("--repeat", type=whole(1, 100), default=1, metavar="N", help="medians over N runs; not of the short round")
    add("--json", dest="as_json", action="store_true", help="print figures as JSON")
    add(FLAG, dest="signalling", action="store_true", help="measure the signalling: " + ", ".join(SIGNALLING))
    add("--no-realtime", dest="realtime", action="store_false", help="run at ordinary priority, also as root")
    return own


def read(argv: list[str]) -> Wish:
    """Raises SystemExit, with status 2 for misuse and 0 after --help."""
    reader = parser()
    found = vars(reader.parse_args(argv))
    names = list(dict.fromkeys(found.pop("names")))
    if found.pop("signalling"):
        names = list(dict.fromkeys([*names, *SIGNALLING]))
    strange = [name for name in names if name not in (*LONG, *SIGNALLING, ALL)]
    if strange:
        known = ", ".join([*LONG, ALL, *SIGNALLING])
        reader.error(f"no bench {strange[0]!r}; there are {known}, {CALLS} and {ENGINE}")
    if ALL in names:
        names = list(dict.fromkeys([*LONG, *(name for name in names if name != ALL)]))
    wish = Wish(names=tuple(names), **found)
    if wish.repeat > 1 and not wish.names:
        reader.error("--repeat belongs to a bench with a name")
    return wish
