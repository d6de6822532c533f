"""People and rules: who is in which room, who may do what, who hears whom. Never a packet, never a call.

::

    Command, Actor, now
          │
          ▼
    manager.Rooms ── rooms by name, made on demand; participants by id or name
          │
          ▼
    room.Room ────── rights (may the actor?) ── profiles, policy (do the room's rules allow it?)
          │          lifecycle (EMPTY, OPEN, WAITING, ALONE, LIVE, ENDING)   hearing (who hears whom)
          │          by topic: voices, gains, hosting, assembly, links, dialling, messages, plays, recording, entrance,
          │          hall, keypad; alarms           moving, breakouts (what touches more than one room)
          ▼
    list[Event] ──► store (what survives a restart), and whoever shows or obeys the rooms

In: a command of ``commands`` and who asks it. Out: events of ``events``, or one of ``errors`` and
nothing has changed. No clock, no socket, no file: ``now`` is handed in; only ``store`` knows of a
database. This package imports nothing else of ours; ``focus``, ``admin`` and ``app`` import it.
"""
