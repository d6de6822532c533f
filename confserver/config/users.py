"""Who may register, and for how long."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from confserver.config.sip import Section


class Users(Section, frozen=True):
    """Who may register, be called by name, and call from anywhere."""

    realm: Annotated[
        str,
        Meta(
            description="What phones show where they ask for a password. Passwords are kept for one realm: after a "
            "change all must be set anew."
        ),
    ] = "confserver"
    algorithms: Annotated[
        tuple[Literal["SHA-256", "SHA-512-256", "MD5"], ...],
        Meta(
            description="Digests by which phones may show their password, the best first. Some old phones fail where "
            "more than MD5 is offered; those that are known for it are offered MD5 alone."
        ),
    ] = ("SHA-256", "SHA-512-256", "MD5")
    domains: Annotated[
        tuple[str, ...],
        Meta(
            description="Domain names of this server, such as example.com; its addresses are always its own. None "
            "listed: every name by which it is reached."
        ),
    ] = ()
    trust_inside: Annotated[
        bool,
        Meta(
            description="Let phones on loopback and on attached and trusted networks register without a password, for "
            "any user."
        ),
    ] = False
    min_expires_s: Annotated[
        int, Meta(ge=10, le=3600, description="Shortest registration that is taken, in seconds; 423 to less.")
    ] = 60
    max_expires_s: Annotated[
        int, Meta(ge=60, le=604800, description="Longest registration that is granted, in seconds.")
    ] = 7200
    expires_s: Annotated[int, Meta(ge=10, le=604800, description="Seconds of a registration that names no time.")] = (
        3600
    )
    max_bindings: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="Most phones of one user; one more takes the place of the one that was heard of longest ago.",
        ),
    ] = 10
    ring_s: Annotated[
        float,
        Meta(ge=0, le=180, description="Seconds that phones of one q ring before those of a lower q; 0: to the end."),
    ] = 20.0
    follow_redirects: Annotated[
        bool,
        Meta(
            description="Follow a phone's redirection (300 to 302) to users and routes of this server, as its caller "
            "could; any other, and all of them without this, go back to who called."
        ),
    ] = False
