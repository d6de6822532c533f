"""Tools of the tests: tones and ears, a server of one's own, real phones, a NAT, a bad network.

    tones    makes sound              listen   measures what was recorded
    server   the server as a process  phone    a phone of plain sockets, with nothing of ours in it
    baresip, pjsua, sipp              real phones as context managers
    nat      a UDP NAT                network  a seeded bad network (loss, jitter, reorder, duplicates)
    sip_play a play on the SIP stack with a fake clock

Nothing here is imported by the package; only ``server`` knows how it is started.
"""
