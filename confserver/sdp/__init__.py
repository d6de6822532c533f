"""Session descriptions and how two sides agree on one: pure, no packet and no clock.

    description.py   a description as data, and the views of it (RFC 8866)
    text.py          bytes <-> description, with hard limits
    direction.py     who sends, who receives, who holds: the tables
    crypto.py        keys in a=crypto lines (RFC 4568), keying.py which of them hold
    payloads.py      which formats under which numbers, and the length of packets
    extras.py        header extensions and more of RTCP (RFC 8285, 5506, 3611)
    agreement.py     Agreed, Local, Rejected
    negotiation.py   offer and answer (RFC 3264)

In comes the body of a message, out comes what the media of a leg needs (``Agreed``) and the body of ours::

    body -> text.parse -> Description -> negotiation.negotiate -> Agreed -> negotiation.answer -> text.write -> body
                  \\-> Bad (400)                    \\-> Rejected (400, 488 with a Warning)

Imports ``formats``; imported by ``focus`` and the robot phone. Whether an address may be sent to at all (multicast,
our own ports) is the focus's to judge.
"""
