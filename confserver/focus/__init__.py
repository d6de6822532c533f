"""The focus: where a call becomes a participant (RFC 4353's word).

::

    CallArrived -> routing -> media.read_offer -> rooms: Reserve -> OpenLeg -> LegOpened -> 200
        -> ACK or first packet -> rooms: Arrive -> HearingChanged -> SetHearing

``focus.Focus`` takes what the stack, the workers and administrators say, and returns what is to be done
(``outputs``). It reads no clock and opens no socket. Each refusal ends in one line of ``answers``.
May import ``rooms``, ``sip``, ``sdp``, ``formats``, ``contract``, ``routing``.
"""
