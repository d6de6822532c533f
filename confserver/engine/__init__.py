"""The media engine: what happens inside one tick. No socket, no file, no clock.

::

    Batch -> arrival -> payload ring -> playout -> seats.signal -> speech -> floor
                |                                        |            (who talks)
              strays (first packets, digits, RTCP)       v
                                          mixer -> limiter -> encoding -> departure -> Outbox

``tick.Engine`` is the door: commands of ``contract`` between ticks, one ``tick`` each 20 ms. Packets are columns
(``seats``), never objects; legs and rooms are objects, touched only when people come, go or begin to talk.
May import ``rtp``, ``formats``, ``contract``.
"""
