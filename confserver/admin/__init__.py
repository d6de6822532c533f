"""The faces for administrators: HTTP and the command line, both derived from ``rooms.commands.COMMANDS``.

``endpoints``: which request asks for what (pure). ``http``: the shell around it, on twisted.web. ``access``: the
control file, by which local clients find the server and its token. ``cli``: the command line's verbs (pure but for
printing; they speak to the server through a function that is given to them). The server is reached through
``http.Door`` alone. ``tables``: JSON for people's eyes. May import ``rooms`` and ``routing.commands``; nobody but ``app`` and ``__main__`` imports us.
"""
