"""What is kept of meetings that are over: who was there, how it sounded, who spoke when, and who has asked for what.

::

    events ----> ledger: a meeting while it lasts --statements--> tables (meetings, participations)
    figures ---^  (of the media of a call; the focus says them)
    tables ----> queries: pages of rows, the newest first --> HTTP, command line, reports

``tables`` are further steps of ``rooms.store``'s migrations. Everything here is pure but for the database that
whoever runs a query hands in. A *meeting* lasts from a room's opening to its closing; one that nobody came to is none.
"""
