"""Rooms as code: files that say what the server shall have, the difference in words, and the way there.

::

    files ──document──► Wanted ─┐
                                ├─ difference ──► steps, drift ──► words (plan), doing (apply)
    HTTP ──present────► Present ┘
                           └──────── export ──► a file that asks for nothing

Only HTTP is spoken, so that it works for servers elsewhere. Everything is checked before anything is done, with the
rules of ``rooms`` themselves, and those of the settings for routes. May import ``rooms``, the settings' routes and what
routing says of names.
"""
