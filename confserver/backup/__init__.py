"""One file that holds a server: its database, keys, settings, prompts, and recordings if asked; and the way back.

::

    state directory ─ copy of the database as of one moment ─┐
    settings, prompts, recordings ───────────────────────────┴─► saving ─► tar, the manifest last
    tar ─► restoring: unpacked aside, checked whole ─► in its place; what was there is kept

Both work beside a running server without its help: SQLite lets one process read while another writes. May import
``config``.
"""
