"""A small load on a real server, which must hold it; and the engine alone."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from confserver.bench import virtual
from confserver.bench.signalling import OFFER, Unfit, media_of
from confserver.sdp import text as sdp
from confserver.sip.message import Request, parse, response_to

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.alone
def test_twenty_callers_are_held() -> None:
    line = "calls --callers 20 --rooms-of 10 --probes 2 --seconds 2 --settle 1 --json".split()
    done = subprocess.run(
        [sys.executable, "-m", "confserver.bench", *line], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["held"] is True
    assert (told["answered"], told["lost"], told["wrong"], told["left_behind"]) == (24, 0, 0, {})
    assert told["checked"] == 4
    assert told["bursts"] > 0
    assert 0 < told["delay_ms"]["p50"] < 200
    assert told["server_cpu_ms"] > 0
    assert told["rss_before_kib"] > 10_000


@pytest.fixture
def busy_server() -> Iterator[str]:
    """Answers every INVITE with 486. Gives its address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.1)
        stopping = threading.Event()

        def serve() -> None:
            while not stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    data, source = sock.recvfrom(65536)
                    request = parse(data)
                    if isinstance(request, Request) and request.method == "INVITE":
                        sock.sendto(response_to(request, 486, to_tag="t").encode(), source)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{sock.getsockname()[1]}"
        stopping.set()
        thread.join()


@pytest.mark.slow
@pytest.mark.alone
def test_a_server_that_refuses_has_not_held(busy_server: str) -> None:
    line = "calls --callers 2 --probes 0 --seconds 1 --settle 0 --server".split()
    done = subprocess.run(
        [sys.executable, "-m", "confserver.bench", *line, busy_server],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "NOT HELD: 2 of 2 calls failed" in done.stdout
    assert re.search(r"failed: 486 Busy Here +2$", done.stdout, re.MULTILINE)
    assert "not measured" in done.stdout


def test_the_engine_alone_sends_sound_to_every_leg() -> None:
    figure = virtual.measure(20, ticks=5)
    assert (figure.legs, figure.sent, figure.heard) == (20, 20, 1.0)
    assert 0 < figure.us_a_leg < 20_000


def test_the_offer_is_a_description_and_an_answer_says_where_media_goes() -> None:
    body = OFFER.format(number=1, host="127.1.0.3", port=4000).replace("\n", "\r\n").encode()
    assert sdp.parse(body).media[0].formats == ("0", "101")
    assert media_of(body) == ("127.1.0.3", 4000)


@pytest.mark.parametrize(
    ("old", "new"), [("127.1.0.3", "192.0.2.1"), ("m=audio 4000", "m=audio 0"), ("v=0", "v=1"), ("IP4", "IP5")]
)
def test_an_answer_that_leads_elsewhere_is_unfit(old: str, new: str) -> None:
    text = OFFER.format(number=1, host="127.1.0.3", port=4000).replace(old, new)
    with pytest.raises(Unfit):
        media_of(text.replace("\n", "\r\n").encode())
