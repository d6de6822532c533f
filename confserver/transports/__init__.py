"""The shells between the network and the pure layers: SIP over UDP and TCP, names, and the lines to media workers.

``sip.SipTransports`` performs what the stack asks of transports, and tells it what comes in; ``links`` starts media
processes and talks to them in ``contract``. May import ``sip``, ``contract``.
"""
