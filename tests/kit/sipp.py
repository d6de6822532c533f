"""sipp as a phone that sends (dials, streams G.711 by ``rtp_stream``, hangs up or waits), and by scenarios of ours."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Self

from tests.kit.ports import free_port, free_range
from tests.kit.process import Child
from tests.kit.raw_sip import Address
from tests.kit.tones import pcmu_encoded, tone

SCENARIO = """\
<?xml version="1.0" encoding="UTF-8" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="joins, speaks, leaves">
  <send retrans="500"><![CDATA[
    INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: "{name}" <sip:{name}@[local_ip]:[local_port]>;tag=[call_number]{name}
    To: <sip:[service]@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: 1 INVITE
    Contact: <sip:{name}@[local_ip]:[local_port]>
    Max-Forwards: 70
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=sipp 1 1 IN IP4 [local_ip]
    s=-
    c=IN IP4 [media_ip]
    t=0 0
    m=audio [rtpstream_audio_port] RTP/AVP 0
    a=rtpmap:0 PCMU/8000
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
    ACK [next_url] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: "{name}" <sip:{name}@[local_ip]:[local_port]>;tag=[call_number]{name}
    To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
    Call-ID: [call_id]
    CSeq: 1 ACK
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <nop><action><exec rtp_stream="{sound},-1,0,PCMU/8000"/></action></nop>
{ending}
</scenario>
"""
HANGS_UP = """\
  <pause milliseconds="{milliseconds}"/>
  <send retrans="500"><![CDATA[
    BYE [next_url] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: "{name}" <sip:{name}@[local_ip]:[local_port]>;tag=[call_number]{name}
    To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
    Call-ID: [call_id]
    CSeq: 2 BYE
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <recv response="200"/>
"""
IS_HUNG_UP_ON = """\
  <recv request="BYE" timeout="{milliseconds}"/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
"""


def is_installed() -> bool:
    return shutil.which("sipp") is not None


class Running:
    """One run of sipp on the scenario in its folder, from entering to leaving."""

    child: Child

    def __init__(self, folder: Path, server: Address, room: str, seconds: float, transport: str = "u1") -> None:
        """``transport`` as sipp has it: ``u1`` for UDP, ``t1`` for TCP. After ``seconds`` it gives up."""
        self.folder, self.server, self.room, self.seconds, self.transport = folder, server, room, seconds, transport

    def __enter__(self) -> Self:
        host, port = self.server
        bracketed = f"[{host}]" if ":" in host else host
        command = [
            "sipp", f"{bracketed}:{port}", "-sf", "scenario.xml", "-s", self.room, "-i", bracketed,
            "-p", str(free_port()), "-t", self.transport, "-mi", host, "-mp", str(free_range(4)), "-m", "1", "-l", "1",
            "-nostdin", "-timeout", str(round(self.seconds)), "-timeout_error", "-trace_err", "-trace_msg",
        ]  # fmt: skip
        self.child = Child(command, self.folder, "sipp", environment={"TERM": "dumb"})
        return self

    def __exit__(self, *_: object) -> None:
        self.child.kill()

    def finish(self, timeout: float) -> None:
        """Wait for its own end; raises AssertionError where its call was not as the scenario has it."""
        end = time.monotonic() + timeout
        while self.child.is_running:
            assert time.monotonic() < end, f"sipp is still running:\n{self._logs()}"
            time.sleep(0.05)
        assert self.child.process.returncode == 0, f"sipp ended with {self.child.process.returncode}:\n{self._logs()}"

    def _logs(self) -> str:
        return "\n".join(path.read_text("utf-8", "replace")[-6000:] for path in sorted(self.folder.glob("*.log")))

    def messages(self) -> str:
        """All that it has sent and received so far."""
        return "".join(path.read_text("utf-8", "replace") for path in self.folder.glob("*_messages.log"))


class Flow(Running):
    """One call by a scenario of ours, a file of XML."""

    def __init__(
        self, folder: Path, scenario: Path, server: Address, room: str, seconds: float = 15.0, transport: str = "u1"
    ) -> None:
        super().__init__(folder, server, room, seconds, transport)
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(scenario, self.folder / "scenario.xml")


class Sipp(Running):
    """Calls as soon as it is entered; ``for_seconds`` then BYE, or with ``waits`` until the server's BYE comes."""

    def __init__(
        self,
        folder: Path,
        name: str,
        server: Address,
        room: str,
        tone_hz: float,
        for_seconds: float,
        *,
        waits: bool = False,
    ) -> None:
        super().__init__(folder / name, server, room, for_seconds + 15)
        self.folder.mkdir(parents=True)
        sound = self.folder / "tone.pcmu"
        sound.write_bytes(pcmu_encoded(tone(tone_hz, 1.0, 8000)))  # whole periods: it may go round without a seam
        ending = (IS_HUNG_UP_ON if waits else HANGS_UP).format(name=name, milliseconds=round(for_seconds * 1000))
        (self.folder / "scenario.xml").write_text(SCENARIO.format(name=name, sound=sound, ending=ending))
