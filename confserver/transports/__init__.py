"""The shells between the network and the pure layers: SIP by all transports, names, and the lines to media workers.

    sip           performs what the stack asks of transports, tells it what comes in: the composition of the next
    doors         listening sockets, one of each transport on each local address
    udp tcp tls websocket    one file a way of speaking; ``connection`` is what all connections have in common
    certificates  those of this server and of its peers
    pool          the connections there are: counted, limited, found again
    dns names     where domains are (RFC 3263), and the system's own resolver
    links ...     media processes and the scribe: started, supervised, talked to in ``contract``

May import ``sip``, ``contract``.
"""
