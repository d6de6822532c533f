"""IPv4 and IPv6 at once: Contact follows the signalling, SDP follows the media."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.kit.raw_sip import Message, branch, request
from tests.kit.server import Server
from tests.transports.street import datagrams, has_ipv6

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    both = {"addresses": ["127.0.0.1", "::1"]}
    with Server(tmp_path_factory.mktemp("families"), sip=both, rtp=both) as started:
        yield started


def sdp(host: str, port: int) -> str:
    family = "IP6" if ":" in host else "IP4"
    lines = ["v=0", f"o=- 1 1 IN {family} {host}", "s=-", f"c=IN {family} {host}", "t=0 0", f"m=audio {port} RTP/AVP 0"]
    return "\r\n".join(lines) + "\r\n"


def final(phone: socket.socket) -> Message:
    while (answer := Message.read(phone.recv(65536))).status < 200:
        pass
    return answer


@pytest.mark.parametrize("signalling", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("media", ["127.0.0.1", "::1"])
def test_a_call(server: Server, signalling: str, media: str) -> None:
    with closing(datagrams(signalling)) as phone, closing(datagrams(media)) as ear:
        host = f"[{signalling}]" if ":" in signalling else signalling
        local = (host, phone.getsockname()[1])
        uri = f"sip:both@{host}:{server.address[1]}"
        where = (signalling, server.address[1])
        body = sdp(media, ear.getsockname()[1])
        data = request("INVITE", uri, local, tag="1", call_id=f"{signalling} {media}".replace(" ", "-"), body=body)
        phone.sendto(data, where)
        answer = final(phone)
        assert answer.status == 200, answer
        assert f"@{host}:{server.address[1]}" in answer.header("Contact")
        assert answer.media[0] == media and answer.media[1] in server.rtp_ports
        assert f"c=IN {'IP6' if ':' in media else 'IP4'} {media}" in answer.body
        packet, source = ear.recvfrom(2000)
        assert source[:2] == answer.media and packet[0] == 0x80, "and there it speaks"
        for method, cseq in (("ACK", 1), ("BYE", 2)):
            phone.sendto(
                request(
                    method, uri, local, tag="1", call_id=f"{signalling}-{media}", to=answer.header("To"), cseq=cseq,
                    via_branch=branch(),
                ),
                where,
            )  # fmt: skip
        assert final(phone).header("CSeq") == "2 BYE"
