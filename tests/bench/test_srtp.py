"""The micro benchmark of SRTP measures what it says: packets that pass, each way."""

from __future__ import annotations

import pytest

from confserver.bench import srtp
from confserver.sdp.crypto import SUITES


@pytest.mark.parametrize("suite", SUITES)
def test_what_is_timed_does_its_work(suite: str) -> None:
    legs = srtp.Legs(suite, 5)
    for _ in range(3):
        legs.send()
        assert legs.batch.length.min() > srtp.PLAIN_BYTES
        legs.open()
        assert set(legs.batch.length.tolist()) == {srtp.PLAIN_BYTES}
        assert bytes(legs.batch.data[0, 12:172]) == b"\xd5" * 160
        legs.close()
        assert legs.sealer is not None and legs.sealer.length.min() > srtp.PLAIN_BYTES
        assert bytes(legs.packets[0, 12:172]) != b"\xd5" * 160
    assert legs.protection.refused == 0


def test_a_line_for_each_suite(capsys: pytest.CaptureFixture[str]) -> None:
    srtp.main(["3", "2"])
    head, titles, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("SRTP, 3 legs") and titles.split() == ["suite", "in", "out", "libsrtp"]
    assert [line.split()[0] for line in lines] == list(SUITES)
    assert all(float(figure) > 0 for line in lines for figure in line.split()[1:])
