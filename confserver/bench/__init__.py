"""What a machine carries: callers of our own, who speak, listen and measure. Everything on the loopback.

    bench.py       from a command line to figures and an exit status;  command.py  the command line
    media          a media worker alone: the short round for operators, and the long benches
    virtual.py     the engine alone, in virtual time;  srtp.py  what SRTP costs each packet, by itself

and, for whole calls to a whole server:

    options.py     its command line
    plan.py        who calls which room, and what each says: tones, bursts, silence
    server.py      the server under test: one of our own, or one that runs already
    signalling.py  the calls, by our own UAC, in the bench's first process
    generator.py   the callers' media, in a process of its own; section.py is a part of the callers, recording.py
                   what they have received, link.py what the two processes say to each other
    arrivals.py    loss, gaps and jitter;  sound.py  who is heard;  delay.py  when;  figures.py  quantiles
    proc.py        what Linux tells of processes and sockets
    trial.py       one run, from the first INVITE to the last BYE
    results.py     figures of a run, whether the server has held, medians;  report.py  the same for people

In comes a command line, out go figures (docs/performance.md). May import all of ours but ``app`` and ``admin``.
"""

from __future__ import annotations


def run(argv: list[str]) -> int:
    """Measure as the command line asks. Exit status: 0 held, 1 not held, 2 misuse."""
    from confserver.bench.bench import run_bench

    return run_bench(argv)
