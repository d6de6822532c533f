"""Offers in the manner of real phones and servers, and the m-lines with which we answer them.

Each is the shape that the client is known for, with addresses of RFC 5737. ``ANSWERS`` holds all lines of our answer
from the first m= on; ``US`` is who answers.
"""

from confserver.sdp.agreement import Local

US = Local(host="192.0.2.1", port=20_000, session_id=77)

BARESIP = """\
v=0
o=- 1462312350 1204120123 IN IP4 198.51.100.7
s=-
c=IN IP4 198.51.100.7
t=0 0
a=tool:baresip 1.0.0
m=audio 17122 RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=rtcp:17123
a=sendrecv
a=label:1
a=rtcp-rsize
a=ssrc:2512370412 cname:sip:ana@198.51.100.7
a=ptime:20
"""

BARESIP_OPUS = BARESIP.replace("AVP 0 8 101", "AVP 96 9 0 101").replace(
    "a=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\n",
    "a=rtpmap:96 opus/48000/2\na=fmtp:96 stereo=1;sprop-stereo=1\na=rtpmap:9 G722/8000\na=rtpmap:0 PCMU/8000\n",
)

CHROMIUM = """\
v=0
o=- 7613492370938263013 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS 0a1b2c3d
m=audio 50000 RTP/AVP 111 63 9 0 8 13 110 126
c=IN IP4 198.51.100.7
a=rtcp:9 IN IP4 0.0.0.0
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=msid:0a1b2c3d 4e5f
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:3735928559 cname:q1w2e3
"""

PJSUA = """\
v=0
o=- 3912345678 3912345678 IN IP4 198.51.100.7
s=pjmedia
b=AS:84
t=0 0
a=X-nat:0
m=audio 4000 RTP/AVP 98 97 99 104 3 0 8 9 120 121 122
c=IN IP4 198.51.100.7
b=TIAS:64000
a=rtcp:4001 IN IP4 198.51.100.7
a=sendrecv
a=rtpmap:98 speex/16000
a=rtpmap:97 speex/8000
a=rtpmap:99 speex/32000
a=rtpmap:104 iLBC/8000
a=fmtp:104 mode=30
a=rtpmap:3 GSM/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:9 G722/8000
a=rtpmap:120 telephone-event/16000
a=fmtp:120 0-16
a=rtpmap:121 telephone-event/8000
a=fmtp:121 0-16
a=rtpmap:122 telephone-event/32000
a=fmtp:122 0-16
a=ssrc:1234567 cname:0a1b2c3d
"""

PJSUA_L16 = """\
v=0
o=- 3912345678 3912345678 IN IP4 198.51.100.7
s=pjmedia
t=0 0
m=audio 4000 RTP/AVP 9 97 96 11 0 120 121
c=IN IP4 198.51.100.7
a=rtcp:4001 IN IP4 198.51.100.7
a=sendrecv
a=rtpmap:9 G722/8000
a=rtpmap:97 L16/16000
a=rtpmap:96 L16/8000
a=rtpmap:11 L16/44100
a=rtpmap:0 PCMU/8000
a=rtpmap:120 telephone-event/16000
a=fmtp:120 0-16
a=rtpmap:121 telephone-event/8000
a=fmtp:121 0-16
"""

STUDIO = """\
v=0
o=- 1 1 IN IP4 198.51.100.7
s=-
c=IN IP4 198.51.100.7
t=0 0
m=audio 5004 RTP/AVP 96 97
a=rtpmap:96 L16/48000
a=rtpmap:97 L16/16000/1
a=ptime:10
"""

LINPHONE = """\
v=0
o=ana 2890 1433 IN IP4 198.51.100.7
s=Talk
c=IN IP4 198.51.100.7
b=AS:380
t=0 0
a=ice-pwd:4fe8a0f0d1
a=ice-ufrag:9a2b
a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics
m=audio 7078 RTP/AVP 96 97 0 8 101 98
a=rtpmap:96 opus/48000/2
a=fmtp:96 useinbandfec=1
a=rtpmap:97 speex/16000
a=fmtp:97 vbr=on
a=rtpmap:101 telephone-event/48000
a=rtpmap:98 telephone-event/8000
a=rtcp-mux
a=candidate:1 1 UDP 2130706303 198.51.100.7 7078 typ host
m=video 9078 RTP/AVP 96
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack pli
"""

ZOIPER = """\
v=0
o=Z 0 58261234 IN IP4 198.51.100.7
s=Z
c=IN IP4 198.51.100.7
t=0 0
m=audio 8000 RTP/AVP 106 9 98 101 0 8 3
a=rtpmap:106 opus/48000/2
a=fmtp:106 sprop-maxcapturerate=16000; minptime=20; useinbandfec=1
a=rtpmap:98 telephone-event/48000
a=fmtp:98 0-16
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=sendrecv
"""

CISCO = """\
v=0
o=Cisco-SIPUA 21435 0 IN IP4 198.51.100.7
s=SIP Call
b=AS:4064
t=0 0
m=audio 16400 RTP/AVP 0 8 116 18 101 \n\
c=IN IP4 198.51.100.7
a=trafficclass:conversational.audio.aq:admitted
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:116 iLBC/8000
a=fmtp:116 mode=20
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
"""

POLYCOM = """\
v=0
o=- 1700000000 1700000000 IN IP4 198.51.100.7
s=Polycom IP Phone
c=IN IP4 198.51.100.7
t=0 0
a=sendrecv
m=audio 2232 RTP/AVP 9 8 0 18 127
a=rtpmap:9 G722/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:127 telephone-event/8000
"""

ASTERISK = """\
v=0
o=- 1215316427 1215316427 IN IP4 198.51.100.7
s=Asterisk
c=IN IP4 198.51.100.7
t=0 0
m=audio 15882 RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:30
a=maxptime:140
a=sendrecv
"""

FREESWITCH = """\
v=0
o=FreeSWITCH 1700000001 1700000002 IN IP4 198.51.100.7
s=FreeSWITCH
c=IN IP4 198.51.100.7
t=0 0
m=audio 30156 RTP/AVP 102 0 8 103 101
a=rtpmap:102 opus/48000/2
a=fmtp:102 useinbandfec=1; maxaveragebitrate=30000; maxplaybackrate=48000; ptime=20; minptime=10; maxptime=40
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:103 telephone-event/48000
a=fmtp:103 0-16
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
"""

FAX_GATEWAY = """\
v=0
o=gw 1 1 IN IP4 198.51.100.7
s=call
c=IN IP4 198.51.100.9
t=2873397496 2873404696
m=image 6002 udptl t38
a=T38FaxVersion:0
a=T38FaxRateManagement:transferredTCF
m=audio 6000 RTP/AVP 8
a=silenceSupp:off - - - -
"""

BUNDLED = """\
v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=msid-semantic: WMS
m=audio 50000 UDP/TLS/RTP/SAVPF 111 0
c=IN IP4 198.51.100.7
a=mid:0
a=rtpmap:111 opus/48000/2
a=setup:actpass
m=audio 50002 RTP/AVP 96
c=IN IP4 198.51.100.7
a=mid:1
a=rtpmap:96 G726-32/8000
m=audio 50004 RTP/AVP 97 0
c=IN IP4 198.51.100.7
a=mid:2
a=rtpmap:97 pcmu/8000
m=audio 50006 RTP/AVP 0
c=IN IP4 198.51.100.7
m=application 50008 UDP/DTLS/SCTP webrtc-datachannel
"""

OLD_GATEWAY = """\
v=0
o=- 5 5 IN IP4 198.51.100.7
c=IN IP4 198.51.100.7
m=audio 5004 RTP/AVP 18 8
"""

IPV6 = """\
v=0
o=- 1 1 IN IP6 2001:DB8::7
s=-
c=IN IP6 2001:DB8:0:0::7
t=0 0
m=audio 5004 RTP/AVP 0
"""

OFFERS = {
    "baresip": BARESIP,
    "baresip with opus": BARESIP_OPUS,
    "chromium": CHROMIUM,
    "pjsua": PJSUA,
    "pjsua with l16": PJSUA_L16,
    "linphone": LINPHONE,
    "zoiper": ZOIPER,
    "cisco": CISCO,
    "polycom": POLYCOM,
    "asterisk": ASTERISK,
    "freeswitch": FREESWITCH,
    "fax gateway": FAX_GATEWAY,
    "bundled": BUNDLED,
    "studio": STUDIO,
    "old gateway": OLD_GATEWAY,
    "ipv6": IPV6,
}

_EVENTS = "a=rtpmap:{0} telephone-event/8000\na=fmtp:{0} {1}\n"
_EVENTS_48 = "a=rtpmap:{0} telephone-event/48000\na=fmtp:{0} {1}\n"
_OPUS = "a=rtpmap:{0} opus/48000/2\na=fmtp:{0} useinbandfec=1\n"
_TAIL = "a=ptime:20\na=sendrecv\n"
_U, _A, _G = "a=rtpmap:0 PCMU/8000\n", "a=rtpmap:8 PCMA/8000\n", "a=rtpmap:9 G722/8000\n"

ANSWERS = {
    "baresip": "m=audio 20000 RTP/AVP 0 8 101\n" + _U + _A + _EVENTS.format(101, "0-15")
    + "a=ptime:20\na=rtcp-rsize\na=sendrecv\n",
    "baresip with opus": "m=audio 20000 RTP/AVP 96 9 0 101\n" + _OPUS.format(96) + _G + _U + _EVENTS.format(101, "0-15")
    + "a=ptime:20\na=rtcp-rsize\na=sendrecv\n",
    "chromium": "m=audio 20000 RTP/AVP 111 9 0 8 13 110 126\n" + _OPUS.format(111) + _G + _U + _A
    + "a=rtpmap:13 CN/8000\n" + _EVENTS_48.format(110, "0-15") + _EVENTS.format(126, "0-15")
    + "a=ptime:20\na=rtcp-mux\na=rtcp-rsize\n"
    + "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\na=sendrecv\n",
    "pjsua": "m=audio 20000 RTP/AVP 0 8 9 121\n" + _U + _A + _G + _EVENTS.format(121, "0-16") + _TAIL,
    "pjsua with l16": "m=audio 20000 RTP/AVP 9 97 96 0 121\n" + _G + "a=rtpmap:97 L16/16000\n"
    + "a=rtpmap:96 L16/8000\n" + _U + _EVENTS.format(121, "0-16") + "a=ptime:20\na=maxptime:40\na=sendrecv\n",
    "linphone": "m=audio 20000 RTP/AVP 96 0 8 101 98\n" + _OPUS.format(96) + _U + _A + _EVENTS_48.format(101, "0-15")
    + _EVENTS.format(98, "0-15") + "a=ptime:20\na=rtcp-mux\na=rtcp-xr:voip-metrics\na=sendrecv\nm=video 0 RTP/AVP 96\n",
    "zoiper": "m=audio 20000 RTP/AVP 106 9 98 101 0 8\n" + _OPUS.format(106) + _G + _EVENTS_48.format(98, "0-16")
    + _EVENTS.format(101, "0-16") + _U + _A + _TAIL,
    "cisco": "m=audio 20000 RTP/AVP 0 8 101\n" + _U + _A + _EVENTS.format(101, "0-15") + _TAIL,
    "polycom": "m=audio 20000 RTP/AVP 9 8 0 127\n" + _G + _A + _U + _EVENTS.format(127, "0-15") + _TAIL,
    "asterisk": "m=audio 20000 RTP/AVP 8 0 101\n" + _A + _U + _EVENTS.format(101, "0-16") + _TAIL,
    "freeswitch": "m=audio 20000 RTP/AVP 102 0 8 103 101\n" + _OPUS.format(102) + _U + _A
    + _EVENTS_48.format(103, "0-16") + _EVENTS.format(101, "0-16") + _TAIL,
    "fax gateway": "m=image 0 udptl t38\nm=audio 20000 RTP/AVP 8\n" + _A + _TAIL,
    "bundled": "m=audio 0 UDP/TLS/RTP/SAVPF 111 0\nm=audio 0 RTP/AVP 96\nm=audio 20000 RTP/AVP 97 0\n"
    + "a=rtpmap:97 PCMU/8000\n" + _U + _TAIL
    + "m=audio 0 RTP/AVP 0\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\n",
    "studio": "m=audio 20000 RTP/AVP 96 97\na=rtpmap:96 L16/48000\na=rtpmap:97 L16/16000\na=ptime:10\na=maxptime:10\n"
    + "a=sendrecv\n",
    "old gateway": "m=audio 20000 RTP/AVP 8\n" + _A + _TAIL,
    "ipv6": "m=audio 20000 RTP/AVP 0\n" + _U + _TAIL,
}  # fmt: skip

# the same shapes, each with one thing wrong: (offer, what to replace, by what) -> (status, warning, word of the reason)
BAD_TWINS = {
    ("baresip", "RTP/AVP", "RTP/SAVP"): (488, 302, "RTP/SAVP"),
    ("baresip with opus", "AVP 96 9 0", "AVP 97"): (488, 305, "no audio format"),
    ("chromium", "111 63 9 0 8", "63"): (488, 305, "no audio format"),
    ("pjsua", "0 8 9 120", "120"): (488, 305, "no audio format"),
    ("pjsua with l16", "AVP 9 97 96 11 0", "AVP 11"): (488, 305, "no audio format"),
    ("studio", "AVP 96 97\na=rtpmap:96 L16/48000", "AVP 96\na=rtpmap:96 L16/48000/2"): (488, 305, "no audio format"),
    ("linphone", "m=audio 7078", "m=audio 0"): (488, 304, "port 0"),
    ("zoiper", "106 9 98 101 0 8 3", "98 101 3"): (488, 305, "no audio format"),
    ("cisco", "c=IN IP4 198.51.100.7", "a=nothing"): (400, 399, "no c="),
    ("polycom", "m=audio", "m=video"): (488, 304, "no audio"),
    ("asterisk", "c=IN IP4 198.51.100.7", "c=IN IP4 pbx.example.net"): (488, 301, "pbx.example.net"),
    ("freeswitch", "RTP/AVP 102 0 8", "RTP/AVP"): (488, 305, "no audio format"),
    ("fax gateway", "RTP/AVP 8", "RTP/AVP 4"): (488, 305, "no audio format"),
    ("bundled", "RTP/AVP", "RTP/AVPF"): (488, 302, "UDP/TLS/RTP/SAVPF"),
    ("old gateway", "c=IN IP4 198.51.100.7", "c=ATM NSAP 47.0091"): (488, 300, "ATM"),
    ("ipv6", "c=IN IP6 2001:DB8:0:0::7", "c=IN IP7 2001:DB8:0:0::7"): (488, 301, "2001:DB8"),
}
