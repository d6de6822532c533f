"""The faces for administrators: HTTP and the command line, both derived from ``rooms.commands.COMMANDS``.

``endpoints``: which request asks for what (pure). ``http``: the shell around it, on twisted.web; ``answers``,
``problems``: what it says. Who is let in: ``gate`` with its ``pace``, ``tokens`` (and ``token_store``); who is not:
``turned_away``; what is there for him: ``permission``. ``replays``, ``versions``, ``paging``, ``origins``:
Idempotency-Key, ETag, Link, CORS.
``access``: the control file, by which local clients find the server and its token. ``cli``: the command line's
verbs, which speak to the server through a function that is given to them. ``tables``: JSON for people's eyes. The
server is reached through ``http.Door`` alone.
May import ``rooms`` and ``routing.commands``; nobody but ``app`` and ``__main__`` imports us.
"""
