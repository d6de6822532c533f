"""A media process: the engine between its sockets, its clock and the line to the signalling process.

``loop`` runs it: commands between ticks, every 20 ms ``PacketIO.receive`` -> ``Engine.tick`` -> ``PacketIO.send``.
``ports`` shares the port pairs among legs. No Twisted and no second thread: whatever holds the interpreter makes
ticks late.
May import ``engine``, ``rtp``, ``contract``.
"""
