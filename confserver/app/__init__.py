"""Composition: builds everything, joins the pure layers to the shells, performs outputs. Only here everybody is known.

::

    network -> transports -> Stack -> outputs -> performer -> transports
                               |  ^                  |  |
                               v  |                  |  +--> journal -> storage, log
    workers <-> links <----> Focus <-> rooms <-------+
                               ^
    HTTP -> admin.http -> door

``serve`` runs the reactor; ``server`` builds, starts and stops; ``performer`` does what the pure layers ask for;
``surroundings`` knows this machine's addresses. Imports everybody; only ``__main__`` imports it.
"""

from confserver.app.serve import serve

__all__ = ["serve"]
