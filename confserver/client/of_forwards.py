"""What can be asked about sound that is sent on to programs."""

from __future__ import annotations

from confserver.client.asking import Asking, Changed, Listed, Told, path


class OfForwards(Asking[Listed, Told, Changed]):
    """A test holds these to ``rooms.commands``."""

    def forward(
        self,
        room: str,
        host: str,
        port: int,
        *,
        codec: str | None = None,
        voice: str | None = None,
        payload_type: int | None = None,
        ssrc: int | None = None,
        codec_rate_hz: int | None = None,
        rtcp_port: int | None = None,
        srtp_suite: str | None = None,
        srtp_key: str | None = None,
    ) -> Changed:
        """Send what is heard in the room, or the voice of one, to another host as RTP."""
        return self._change(
            "POST",
            path("rooms", room, "forwards"),
            host=host,
            port=port,
            codec=codec,
            voice=voice,
            payload_type=payload_type,
            ssrc=ssrc,
            codec_rate_hz=codec_rate_hz,
            rtcp_port=rtcp_port,
            srtp_suite=srtp_suite,
            srtp_key=srtp_key,
        )

    def stop_forward(self, room: str, *, forward: int | None = None) -> Changed:
        """Send it no longer."""
        return self._change("POST", path("rooms", room, "forwards", "stop"), forward=forward)
