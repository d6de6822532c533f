"""The robot phone behind ``confserver call``: dials, speaks, records what it hears, hangs up, gives figures.

    orders.py       what it is asked to do, what it says at the end
    robot.py        one call from beginning to end: the composition of the rest
    line.py         SIP: our own stack with its transports
    terms.py        SDP: offers and answers of the call
    media.py        the sockets of RTP and RTCP, and the clock by which it speaks
    leg.py          the call's sound as packets: no socket, no clock
    reception.py    where in time what came belongs, and what is missing
    speech.py resampler.py recorder.py      WAV files and tones in, a WAV file out

In comes a command line, out go an exit status, a line or JSON, and a recording. May import all but ``app`` and
``admin``; only ``__main__`` imports it. ``run`` loads what is heavy, so that naming the package is cheap.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["run"]


def run(
    target: str,
    *,
    play: Path | None,
    record: Path | None,
    seconds: float | None,
    tone_hz: float | None,
    name: str,
    bind: str | None,
    as_json: bool,
    transport: str = "udp",
    hold_at: float | None = None,
    resume_at: float | None = None,
    insecure: bool = False,
    user: str = "",
    password: str = "",
    rtp_ports: str | None = None,
) -> int:
    """Make one call in Twisted's reactor. Gives the exit status: 0 done, 1 no call, 2 wrong usage, 130 interrupted."""
    from confserver.phone.command import call
    from confserver.phone.orders import BadOrders, Orders, destination, local_address, media_ports

    try:
        orders = Orders(
            target=destination(target), play=play, record=record, seconds=seconds, tone_hz=tone_hz, name=name,
            bind=local_address(bind), transport=transport, hold_at=hold_at, resume_at=resume_at,
            is_insecure=insecure, user=user, password=password, ports=media_ports(rtp_ports),
        )  # fmt: skip
    except BadOrders as wrong:
        return complain(str(wrong), 2)
    return call(orders, as_json)


def complain(line: str, status: int) -> int:
    import sys

    print(f"confserver: {line}", file=sys.stderr)
    return status
