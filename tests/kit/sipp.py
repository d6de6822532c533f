"""sipp as a phone that sends: dials, streams G.711 by ``rtp_stream``, hangs up or waits to be hung up on."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

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


class Sipp:
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
        self.folder = folder / name
        self.folder.mkdir(parents=True)
        self.name, self.server, self.room, self.seconds = name, server, room, for_seconds
        sound = self.folder / "tone.pcmu"
        sound.write_bytes(pcmu_encoded(tone(tone_hz, 1.0, 8000)))  # whole periods: it may go round without a seam
        ending = (IS_HUNG_UP_ON if waits else HANGS_UP).format(name=name, milliseconds=round(for_seconds * 1000))
        (self.folder / "scenario.xml").write_text(SCENARIO.format(name=name, sound=sound, ending=ending))

    def __enter__(self) -> Sipp:
        host, port = self.server
        command = [
            "sipp", f"{host}:{port}", "-sf", "scenario.xml", "-s", self.room, "-i", host, "-p", str(free_port()),
            "-mi", host, "-mp", str(free_range(4)), "-m", "1", "-l", "1",
            "-nostdin", "-timeout", str(round(self.seconds) + 15), "-timeout_error", "-trace_err", "-trace_msg",
        ]  # fmt: skip
        self.child = Child(command, self.folder, "sipp", environment={"TERM": "dumb"})
        return self

    def __exit__(self, *_: object) -> None:
        self.child.kill()

    def finish(self, timeout: float) -> None:
        """Wait for its own end; raises AssertionError where its call was not as the scenario has it."""
        end = time.monotonic() + timeout
        while self.child.is_running:
            assert time.monotonic() < end, f"sipp is still running:\n{self._messages()}"
            time.sleep(0.05)
        assert self.child.process.returncode == 0, (
            f"sipp ended with {self.child.process.returncode}:\n{self._messages()}"
        )

    def _messages(self) -> str:
        return "\n".join(path.read_text("utf-8", "replace")[-6000:] for path in sorted(self.folder.glob("*.log")))
