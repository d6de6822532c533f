"""The disk's process, of low priority: everything that touches a disk or takes long.

::

    signalling --ConvertSound--> service --> sounds ------> raw samples in memory, which workers map and play

    service      the one loop: commands, events, what workers hand over
    channel      the line to the signalling process
    sounds       prompts and music: any sound file to samples that lie ready (``conversion``, ``memory``)

Whatever takes long is done by threads of a pool; the loop only passes on. May import ``contract`` and ``prompts``.
"""
