"""What the server says: prompts in files beside a list of their texts, and the music for those who wait.

::

    en de fr es        the languages: in each of these directories
      prompts.toml     names and texts, language and voice, forms of numbers
      *.flac           the prompts themselves: 16 kHz, trimmed, speech at -20 dBov
    music/hold.flac    a piece of our own, which ends where it begins

    catalogue.py       prompts by name, numbers as sequences of them
    making.py          text list -> espeak-ng -> FLAC      (``confserver prompts make``)
    music.py           the piece, note by note             (``confserver prompts music``)

The sound files are made at development time by ``scripts/make-prompts``: a new prompt is a line in each of the four
lists. Imports none of ours.
"""
