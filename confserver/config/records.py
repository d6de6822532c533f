"""How long what is over is remembered."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from confserver.config.sip import Section


class Records(Section, frozen=True):
    """What is remembered of meetings, and of what administrators did."""

    days: Annotated[
        int, Meta(ge=0, le=36500, description="Days that records of meetings and calls are kept; 0: for good.")
    ] = 365
    audit_days: Annotated[int, Meta(ge=0, le=36500, description="Days that the audit log is kept; 0: for good.")] = 365
