"""SIP (RFC 3261): bytes <-> messages <-> calls. Pure: no socket, no clock, no Twisted; imports nothing of ours.

    bytes --> framing --> message -------> incoming -------+-> transaction ----> Output
              (streams)   grammar, uri,    matching        |   the four tables
                          address, via,    checks (8.2)    +-> call, dialog
                          headers, names                       server_calls, client_calls
                                                               offers (re-INVITE), acceptance (2xx until ACK)
    wishes -> stack ------------------------------------------> requests, ways (next hop, search for a flow)

Beside calls: ``asking`` (requests in and out of calls), ``subscribing`` and ``subscriber`` (RFC 6665), ``digest`` and
``doorkeeper`` (who it is), ``locating`` (RFC 3263), ``trace`` and ``remains`` (what is kept of calls); ``extensions``
has one file an extension, ``proxy`` relays what is for others.

``stack`` is the door: input and ``now`` in, ``outputs`` out. ``core`` is what all parts of one stack share,
``timers`` its heap of deadlines, ``settings`` what it is told, ``flow`` the peer's place on the network.

Imported by ``transports``, ``routing``, ``focus``, and whoever makes calls (``phone``, ``bench``).
"""
