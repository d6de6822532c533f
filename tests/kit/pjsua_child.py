"""The process in which pjsua2 lives: told what to do by JSON lines on standard input, says what happens on output.

    python pjsua_child.py '{"name": "bob", "port": 5070, "rtp_port": 41000, "play": "in.wav", "codecs": ["PCMU/8000"]}'
    <- {"do": "dial", "uri": "sip:standup@127.0.0.1:5060"}   hold, resume, hang_up, quit,
       record (file), change_codecs (codecs), register (renew), text (words), press (digits, by: info or rtp),
       refer (uri), consult (uri: a second call), join (the second call's peer takes the place of the first),
       hand_over (the first call's peer takes the place of the second)
    -> {"event": "ready"}   {"event": "state", "state": "CONFIRMED", "status": 200}   {"event": "digit", "digit": "5"}
       {"event": "media", "active": true, "codec": "PCMU"}

pjsua2 aborts where a Call outlives its Endpoint; here that takes nothing else with it.
"""

from __future__ import annotations

import gc
import json
import os
import select
import sys

import pjsua2 as pj

TRANSPORTS = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS}


def say(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


class Call(pj.Call):
    """One call; its player and recorder live as long as the phone."""

    def __init__(self, phone: Phone, account: pj.Account, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(account, call_id)
        self.phone = phone

    def onCallState(self, _: object) -> None:
        info = self.getInfo()
        say("state", state=info.stateText, status=info.lastStatusCode, reason=info.lastReason)

    def onCallMediaState(self, _: object) -> None:
        info = self.getInfo()  # kept while its media are looked at: they die with it
        active = any(media.status == pj.PJSUA_CALL_MEDIA_ACTIVE for media in info.media)
        if active:
            media = self.getAudioMedia(-1)
            self.phone.player.startTransmit(media)
            self.phone.record_from(media)
        say("media", active=active, codec=self.getStreamInfo(0).codecName if active else "")

    def onInstantMessage(self, said: pj.OnInstantMessageParam) -> None:
        say("message", text=said.msgBody, type=said.contentType)

    def onInstantMessageStatus(self, told: pj.OnInstantMessageStatusParam) -> None:
        say("sent", status=told.code)

    def onCallTransferStatus(self, told: pj.OnCallTransferStatusParam) -> None:
        say("transfer", status=told.statusCode, final=told.finalNotify)

    def onDtmfDigit(self, heard: pj.OnDtmfDigitParam) -> None:
        say("digit", digit=heard.digit)


class Account(pj.Account):
    def __init__(self, phone: Phone) -> None:
        super().__init__()
        self.phone = phone

    def onRegState(self, told: pj.OnRegStateParam) -> None:
        say("registered", status=told.code, expires=told.expiration)

    def onIncomingCall(self, found: pj.OnIncomingCallParam) -> None:
        call = Call(self.phone, self, found.callId)
        if self.phone.call is None:
            self.phone.call = call
        else:
            self.phone.second = call
        answer = pj.CallOpParam()
        answer.statusCode = 200
        call.answer(answer)


class Phone:
    def __init__(
        self,
        name: str,
        port: int,
        rtp_port: int,
        play: str,
        codecs: list[str],
        host: str = "127.0.0.1",
        srtp: bool = False,
        rate: int = 8000,
        ptime_ms: int = 0,
        transport: str = "udp",
        registrar: str = "",
        password: str = "",
    ) -> None:
        self.kind = TRANSPORTS[transport]
        self.call: Call | None = None
        self.second: Call | None = None
        self.recorder: pj.AudioMediaRecorder | None = None
        self.media: pj.AudioMedia | None = None
        self.endpoint = self._started(port, host, rate, ptime_ms)
        self._take_codecs(codecs)
        self.player = pj.AudioMediaPlayer()
        self.player.createPlayer(play, 0)
        settings = pj.AccountConfig()
        settings.idUri = f'"{name}" <sip:{name}@{host}>'
        settings.sipConfig.transportId = self.transport
        settings.mediaConfig.transportConfig.boundAddress = host
        settings.mediaConfig.transportConfig.port = rtp_port
        if srtp:
            settings.mediaConfig.srtpUse = pj.PJMEDIA_SRTP_MANDATORY
            settings.mediaConfig.srtpSecureSignaling = int(transport == "tls")  # it refuses itself without TLS
        if password:
            settings.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", name, 0, password))
        if registrar:
            settings.idUri = f'"{name}" <sip:{name}@{registrar.removeprefix("sip:")}>'
            settings.regConfig.registrarUri = registrar
            settings.regConfig.timeoutSec = 300
            settings.regConfig.registerOnAdd = False
        self.account = Account(self)
        self.account.create(settings)

    def _started(self, port: int, host: str, rate: int, ptime_ms: int) -> pj.Endpoint:
        endpoint = pj.Endpoint()
        endpoint.libCreate()
        settings = pj.EpConfig()
        settings.logConfig.level = settings.logConfig.consoleLevel = 0
        settings.uaConfig.threadCnt = 0
        settings.uaConfig.mainThreadOnly = True
        settings.medConfig.clockRate = settings.medConfig.sndClockRate = rate
        settings.medConfig.ptime = ptime_ms
        settings.medConfig.noVad = True
        settings.medConfig.ecTailLen = 0
        endpoint.libInit(settings)
        transport = pj.TransportConfig()
        transport.port, transport.boundAddress = port, host
        self.transport = endpoint.transportCreate(self.kind, transport)
        endpoint.audDevManager().setNullDev()
        endpoint.libStart()
        return endpoint

    def _take_codecs(self, codecs: list[str]) -> None:
        for each in self.endpoint.codecEnum2():
            self.endpoint.codecSetPriority(each.codecId, 0)
        for place, codec in enumerate(codecs):
            self.endpoint.codecSetPriority(codec, 255 - place)

    def record_from(self, media: pj.AudioMedia) -> None:
        self.media = media
        if self.recorder is not None:
            media.startTransmit(self.recorder)

    # ------------------------------------------------------------------ what it can be told
    def dial(self, uri: str) -> None:
        self.call = Call(self, self.account)
        self.call.makeCall(uri, pj.CallOpParam(True))

    def register(self, renew: bool) -> None:
        """Or, without ``renew``, the contrary."""
        self.account.setRegistration(renew)

    def hold(self) -> None:
        assert self.call
        self.call.setHold(pj.CallOpParam(True))

    def resume(self) -> None:
        assert self.call
        again = pj.CallOpParam(True)
        again.opt.flag |= pj.PJSUA_CALL_UNHOLD
        self.call.reinvite(again)

    def change_codecs(self, codecs: list[str]) -> None:
        assert self.call
        self._take_codecs(codecs)
        self.call.reinvite(pj.CallOpParam(True))

    def text(self, words: str) -> None:
        assert self.call
        message = pj.SendInstantMessageParam()
        message.content = words
        self.call.sendInstantMessage(message)

    def press(self, digits: str, by: str = "info") -> None:
        assert self.call
        keys = pj.CallSendDtmfParam()
        keys.method = pj.PJSUA_DTMF_METHOD_SIP_INFO if by == "info" else pj.PJSUA_DTMF_METHOD_RFC2833
        keys.digits = digits
        self.call.sendDtmf(keys)

    def refer(self, uri: str) -> None:
        assert self.call
        self.call.xfer(uri, pj.CallOpParam())

    def consult(self, uri: str) -> None:
        self.second = Call(self, self.account)
        self.second.makeCall(uri, pj.CallOpParam(True))

    def join(self) -> None:
        assert self.call and self.second
        self.second.xferReplaces(self.call, pj.CallOpParam())

    def hand_over(self) -> None:
        assert self.call and self.second
        self.call.xferReplaces(self.second, pj.CallOpParam())

    def hang_up(self) -> None:
        assert self.call
        self.call.hangup(pj.CallOpParam())

    def record(self, file: str) -> None:
        """From now on into this file; "" closes the one before."""
        self.recorder = None
        gc.collect()
        if file:
            self.recorder = pj.AudioMediaRecorder()
            self.recorder.createRecorder(file)
            if self.media is not None:
                self.media.startTransmit(self.recorder)
        say("recording", file=file)

    def end(self) -> None:
        self.endpoint.hangupAllCalls()
        for _ in range(25):
            self.endpoint.libHandleEvents(20)
        self.recorder = self.media = self.call = self.second = None
        gc.collect()
        del self.player
        gc.collect()
        self.account.shutdown()
        self.endpoint.libDestroy()


def main() -> None:
    phone = Phone(**json.loads(sys.argv[1]))
    say("ready")
    unread = b""
    while True:
        phone.endpoint.libHandleEvents(10)
        if not select.select([0], [], [], 0)[0]:
            continue
        data = os.read(0, 65536)
        *lines, unread = (unread + data).split(b"\n")
        for line in lines:
            command = json.loads(line)
            what = command.pop("do")
            if what == "quit":
                phone.end()
                return
            try:
                getattr(phone, what)(**command)
            except pj.Error as error:
                say("failed", what=what, why=error.info())
        if not data:
            phone.end()
            return


if __name__ == "__main__":
    main()
