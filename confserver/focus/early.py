"""Who has to wait by a room's rules may do so before his call is answered: rule ``early_prompts``.

Nothing is charged for a call that waits so. RFC 3960 section 3.2: the media of a 183 are what the phone plays instead
of ringing. Keys may not come before the answer: some phones send none. Nor may sound: who is to say his name is
answered at once.
"""

from __future__ import annotations

from confserver.focus.legs import Leg
from confserver.focus.scene import Scene
from confserver.focus.verdict import Decide, Verdict
from rooms import naming
from rooms.entrance import next_wait


def by_the_rules(scene: Scene) -> Decide:
    def decide(leg: Leg) -> Verdict:
        room = scene.rooms.get(leg.room)
        person = room.places.get(leg.participant)
        if person is None or not room.policy.early_prompts or naming.must(room, person):
            return Verdict.COME
        return Verdict.COME if next_wait(room, person) is None else Verdict.LISTEN

    return decide
