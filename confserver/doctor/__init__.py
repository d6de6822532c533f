"""``confserver doctor``: what is wrong with a server and its machine, and what to do about it.

    finding.py      what a check has found: fine, a warning or a fault, and the way out in words
    ground.py       what all checks are given: settings, where the server is, what it says of itself
    reach.py        addresses, NAT, names
    ports.py        ports of SIP and media: free, or whose
    machine.py      clock, disk, limits, priority
    sound.py        codecs, prompts
    certificate.py  what is shown by TLS
    settings.py     settings that contradict each other
    trunks.py       hosts of trunks, asked by OPTIONS
    running.py      what a running server says of itself
    calling.py      a call to itself by two robot phones, the tone measured
    command.py      all of them, printed

A check is a function of the ground that gives findings; ``command.checks`` lists them. One that fails itself is a
finding, too. May import all but ``app`` and ``admin``.
"""
