"""What the server refuses, and in which words: by plain datagrams, as a wrong phone would ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.phone import Phone
from tests.kit.raw_sip import Message, SipSocket, offer, request, token, written
from tests.kit.server import Server

pytestmark = pytest.mark.interop


def ask(
    server: Server, method: str = "INVITE", room: str = "standup", body: str | None = None, **more: object
) -> Message:
    with SipSocket(server.address) as asking:
        body = offer(asking.local[0], 40_000) if body is None and method == "INVITE" else body or ""
        return asking.ask(request(method, server.uri(room), asking.local, body=body, **more))  # type: ignore[arg-type]


def test_a_locked_room_is_403(server: Server) -> None:
    with Phone(server.address, "anna") as anna, Phone(server.address, "bob") as bob:
        assert anna.dial("standup").status == 200
        server.wait_until_in("standup", "anna")
        server.cli("room", "lock", "standup")
        assert bob.dial("standup").status == 403
        server.cli("room", "unlock", "standup")
        assert bob.dial("standup").status == 200


def test_a_full_room_is_486(server: Server) -> None:
    server.cli("room", "create", "small", "--max-participants", "1")
    with Phone(server.address, "anna") as anna, Phone(server.address, "bob") as bob:
        assert anna.dial("small").status == 200
        assert bob.dial("small").status == 486
        anna.hang_up()
        assert bob.dial("small").status == 200


def test_an_unknown_room_is_404_where_none_is_made_on_demand(tmp_path: Path) -> None:
    with Server(tmp_path, rooms={"on_demand": False}) as server:
        assert ask(server).status == 404
        server.cli("room", "create", "standup")
        with Phone(server.address, "anna") as anna:
            assert anna.dial("standup").status == 200


def test_no_common_codec_is_488_with_a_reason(server: Server) -> None:
    answer = ask(server, body=offer("127.0.0.1", 40_000, formats="18", extra="a=rtpmap:18 G729/8000"))
    assert answer.status == 488
    code, agent, text = answer.header("Warning").split(" ", 2)
    assert code in ("304", "305") and agent and text.startswith('"'), "RFC 3261 section 20.43"


def test_no_audio_is_488(server: Server) -> None:
    video = offer("127.0.0.1", 40_000).replace("m=audio", "m=video")
    assert ask(server, body=video).status == 488


def test_broken_sdp_is_refused(server: Server) -> None:
    assert ask(server, body="v=0\r\nthis is no SDP\r\n").status in (400, 488)


@pytest.mark.parametrize("where", ["224.0.0.1", "255.255.255.255"])
def test_never_a_reflector(server: Server, where: str) -> None:
    assert ask(server, body=offer(where, 40_000)).status == 488
    assert ask(server, body=offer("127.0.0.1", 53)).status == 488, "ports below 1024"


def test_own_media_ports_are_refused(server: Server) -> None:
    with Phone(server.address, "anna") as anna:
        assert anna.dial("standup").status == 200
        assert anna.media
        assert ask(server, body=offer(*anna.media)).status == 488


def test_an_unknown_body_is_415_and_says_what_is_accepted(server: Server) -> None:
    answer = ask(server, body="hello", content_type="text/plain")
    assert answer.status == 415
    assert "application/sdp" in answer.header("Accept")


def test_an_unknown_extension_is_420_and_named(server: Server) -> None:
    answer = ask(server, more=(("Require", "levitation"),))
    assert answer.status == 420
    assert answer.header("Unsupported") == "levitation"


def test_a_method_that_is_not_served_is_405_with_allow(server: Server) -> None:
    answer = ask(server, method="PUBLISH")
    assert answer.status in (405, 501)
    assert {"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS"} <= set(answer.header("Allow").replace(" ", "").split(","))
    assert "Allow" in dict(ask(server, method="OPTIONS").headers)


def test_an_unknown_dialog_is_481(server: Server) -> None:
    uri = server.uri("standup")
    for method in ("BYE", "INVITE"):
        assert ask(server, method=method, to=f"<{uri}>;tag={token()}").status == 481
    assert ask(server, method="CANCEL").status == 481


def test_a_broken_request_is_400(server: Server) -> None:
    with SipSocket(server.address) as asking:
        host, port = asking.local
        headers = [
            ("Via", f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{token()}"),
            ("From", f"<sip:a@{host}>;tag=1"),
            ("To", f"<{server.uri('standup')}>"),
            ("Call-ID", token()),
            ("CSeq", "not-a-number OPTIONS"),
        ]
        assert asking.ask(written(f"OPTIONS {server.uri('standup')} SIP/2.0", headers)).status == 400


def test_a_retransmitted_invite_is_one_participant(server: Server) -> None:
    with SipSocket(server.address) as asking:
        invite = request(
            "INVITE", server.uri("standup"), asking.local, name="anna", body=offer(asking.local[0], 40_000)
        )
        for _ in range(3):
            asking.send(invite)
        answers = [asking.final() for _ in range(3)]
        assert {answer.status for answer in answers} == {200}
        assert len({answer.header("To") for answer in answers}) == 1, "the same tag each time"
        first = answers[0]
        ack = [(n, v) for n, v in Message.read(invite).headers if n in ("From", "Call-ID", "Max-Forwards")]
        ack += [("Via", f"SIP/2.0/UDP 127.0.0.1:{asking.local[1]};branch=z9hG4bK{token()}"), ("CSeq", "1 ACK")]
        target = first.header("Contact").partition("<")[2].partition(">")[0]
        asking.send(written(f"ACK {target} SIP/2.0", [*ack, ("To", first.header("To"))]))
        assert len(server.wait_until_in("standup", "anna")) == 1


def test_overlapping_offers_leave_the_call_whole(server: Server) -> None:
    """A second re-INVITE before the first is answered: 500 with Retry-After (RFC 3261 section 14.2), or both done."""
    with Phone(server.address, "anna") as anna:
        assert anna.dial("standup").status == 200
        answers = anna.offer_twice_at_once("sendonly", "sendrecv")
        assert [answer.status for answer in answers] in ([200, 200], [200, 500], [200, 491])
        for answer in answers:
            if answer.status == 500:
                assert 0 <= int(answer.header("Retry-After").split()[0]) <= 10
        assert anna.offer_again("sendrecv").status == 200
        assert not server.wait_until_in("standup", "anna")["anna"]["held"]
