"""sipp as somebody who is called: a scenario of its own for each way in which that can go.

with Callee(tmp_path, "bob", [rings(), answers(), hangs_up()]) as bob:
    server.cli("room", "dial", "standup", "--uri", bob.uri)
    bob.finish(10)
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from tests.kit.ports import free_port, free_range
from tests.kit.process import Child
from tests.kit.sipp import Running

VIA = "    Via:[$via]\n"
VIAS = "    All Vias\n"
"""Stands for those of the INVITE: two where the proxy has sent it. A CANCEL has one, hop by hop."""
HEADERS = """\
    [last_From:]
    To:[$to];tag={tag}
    [last_Call-ID:]
    CSeq: {cseq}
    Contact: <sip:bob@[local_ip]:[local_port]>
"""
SDP = """\
    v=0
    o=bob 1 1 IN IP4 [media_ip]
    s=-
    c=IN IP4 [media_ip]
    t=0 0
    m=audio [media_port] RTP/AVP 0
    a=rtpmap:0 PCMU/8000
"""


def _answer(status: str, more: str = "", body: str = "", tag: str = "bob", cseq: str = "1 INVITE") -> str:
    typed = "    Content-Type: application/sdp\n" if body else ""
    headers = (VIA if "CANCEL" in cseq else VIAS) + HEADERS.format(tag=tag, cseq=cseq)
    lines = f"    SIP/2.0 {status}\n{headers}{more}{typed}    Content-Length: [len]\n\n{body}"
    return f"  <send><![CDATA[\n{lines}\n  ]]></send>\n"


def rings(status: str = "180 Ringing", *, with_sound: bool = False) -> str:
    return _answer(status, body=SDP if with_sound else "")


def waits(milliseconds: int) -> str:
    return f'  <pause milliseconds="{milliseconds}"/>\n'


def answers(*tags: str, body: str = SDP, status: str = "200 OK") -> str:
    """Once for each tag, as if the call had forked on its way."""
    said = [_answer(status, "    [last_Record-Route:]\n", body, tag=tag) for tag in tags or ("bob",)]
    return "".join(each + '  <recv request="ACK"/>\n' for each in said)


def refuses(status: str, *lines: str) -> str:
    more = "".join(f"    {line}\n" for line in lines)
    return _answer(status, more) + '  <recv request="ACK"/>\n'


def wants_password(realm: str) -> str:
    """407 to the first INVITE, as carriers do; the second one has an answer to it, and is what all else is about."""
    challenge = f'Proxy-Authenticate: Digest realm="{realm}", nonce="4711", algorithm=MD5, qop="auth"'
    again = (
        '  <recv request="INVITE"><action>\n'
        '    <ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>\n'
        '    <ereg regexp="username=.us.,.*response=" search_in="hdr" header="Proxy-Authorization:" check_it="true"'
        ' assign_to="shown"/>\n'
        '  </action></recv>\n  <Reference variables="shown"/>\n'
    )
    return refuses("407 Proxy Authentication Required", challenge) + again


def second(step: str) -> str:
    """An answer to the second INVITE of a call."""
    return step.replace("CSeq: 1 INVITE", "CSeq: 2 INVITE")


def is_cancelled() -> str:
    """CANCEL comes, by the branch of the INVITE."""
    return '  <recv request="CANCEL"/>\n' + _answer("200 OK", cseq="1 CANCEL") + refuses("487 Request Terminated")


def is_hung_up_on() -> str:
    said = (
        "    SIP/2.0 200 OK\n    [last_Via:]\n    [last_From:]\n    [last_To:]\n    [last_Call-ID:]\n    [last_CSeq:]\n"
        "    Content-Length: 0\n"
    )
    return f'  <recv request="BYE"/>\n  <send><![CDATA[\n{said}\n  ]]></send>\n'


class Callee(Running):
    """One call that comes in, by these steps."""

    def __init__(
        self,
        folder: Path,
        name: str,
        steps: list[str],
        seconds: float = 20.0,
        *,
        is_relayed: bool = False,
        echoes: bool = False,
    ) -> None:
        """``echoes``: what is said to it comes back."""
        super().__init__(folder / name, ("127.0.0.1", 0), name, seconds)
        self.folder.mkdir(parents=True)
        self.port = free_port()
        self.options = ["-rtp_echo"] if echoes else []
        head = '<?xml version="1.0" encoding="UTF-8" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
        head += f'<scenario name="{name}">\n  <recv request="INVITE"><action>\n'
        for name in ("via", "to"):
            head += f'    <ereg regexp=".*" search_in="hdr" header="{name.capitalize()}:" assign_to="{name}"/>\n'
        if is_relayed:
            head += '    <ereg regexp=".*" search_in="hdr" header="Via:" occurence="2" assign_to="via2"/>\n'
        head += "  </action></recv>\n"
        vias = VIA + (VIA.replace("$via", "$via2") if is_relayed else "")
        (self.folder / "scenario.xml").write_text(head + "".join(steps).replace(VIAS, vias) + "</scenario>\n")

    @property
    def uri(self) -> str:
        return f"sip:{self.room}@127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        command = [
            "sipp", "-sf", "scenario.xml", "-i", "127.0.0.1", "-p", str(self.port), "-mi", "127.0.0.1",
            "-mp", str(free_range(4)), "-m", "1", "-l", "1", "-nostdin", "-timeout", str(round(self.seconds)),
            "-timeout_error", "-trace_err", "-trace_msg", *self.options,
        ]  # fmt: skip
        self.child = Child(command, self.folder, "sipp", environment={"TERM": "dumb"})
        return self
