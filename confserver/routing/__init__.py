"""Where a request goes, and whether it may come in at all.

``guard`` knows which networks are ours; ``routes`` sends a request to a room or refuses it.
Pure; may import ``sip``.
"""
