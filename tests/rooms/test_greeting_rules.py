"""Rules about telling who comes and goes that cannot be."""

from __future__ import annotations

import pytest

from rooms.errors import Invalid
from tests.rooms.test_door import Door


@pytest.mark.parametrize("rules", [{"announce_count": [1]}, {"announce_count": [5] * 21}, {"quiet_above": -1}])
def test_rules_that_cannot_be(rules: dict[str, object]) -> None:
    with pytest.raises(Invalid, match=next(iter(rules))):
        Door(**rules)
