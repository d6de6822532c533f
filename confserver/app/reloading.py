"""Settings read again while the server runs: what may change is used, whole or not at all; the rest is named.

``RELOADED`` says which settings those are. A part that can change while running adds its ``Reloader``.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import structlog

from confserver.app.orders import Done, Orders
from confserver.app.profiles import ProfileError
from confserver.config import ConfigError, Settings
from confserver.config.settings import LISTS, PROFILES
from confserver.routing.commands import Reload
from confserver.routing.refusals import Invalid
from rooms.errors import Refused

log = structlog.get_logger("server")
Use = Callable[[Settings], object]
"""May raise ConfigError, ProfileError or Refused only where it is the ``checker``."""

RELOADED = (
    "routes", "groups", "webhooks", PROFILES, "rooms.max_participants", "log.level", "log.format", "log.file",
    "limits.messages", "limits.requests", "limits.calls", "limits.failures", "limits.connections", "limits.strangers",
    "forward.networks", "limits.drain_to", "limits.drain_retry_s",
    "media.talkers", "media.codecs", "media.rate_hz", "media.max_rate_hz", "media.ptime_ms", "media.levelling",
    "media.comfort_noise", "media.guard", "media.opus_bitrate", "media.opus_dtx",
    "sounds.directory", "sounds.prompts", "sounds.language", "sounds.sets", "sounds.voice", "sounds.music",
)  # fmt: skip
"""What holds at once, or for rooms that open from now on; certificates and sets of prompts, whose files are looked at,
beside these."""


def differences(old: Settings, new: Settings) -> list[str]:
    """The dotted names of settings that differ; of lists and profiles only that they do."""
    names = [name for name in (*LISTS, PROFILES) if getattr(old, name) != getattr(new, name)]
    for section, table in old.sections.items():
        other = new.sections[section]
        names += [f"{section}.{key}" for key in table.__struct_fields__ if getattr(table, key) != getattr(other, key)]
    return names


class Reloading:
    """``first``: those parts that may refuse, of which the last alone changes something; ``then``: which cannot."""

    def __init__(self, settings: Settings, reread: Callable[[], Settings] | None, orders: Orders) -> None:
        """``reread`` gives the settings as they are now; raises ConfigError."""
        self._running = settings
        """What the server was started with, where a restart is wanted; what has been reloaded, else."""
        self._reread = reread
        self.first: list[Callable[[Settings, float], object]] = []
        self.then: list[Use] = []
        orders.handlers[Reload] = self._ordered
        self._waiting: list[str] = []

    def try_reload(self, now: float) -> None:
        """At a SIGHUP."""
        try:
            self.reload(now)
        except (ConfigError, ProfileError, Refused) as error:
            log.error("the settings stay as they were", why=str(error))

    def reload(self, now: float) -> dict[str, object]:
        """Gives what has changed, and what a restart would change. Raises ConfigError, ProfileError or Refused."""
        new = self._reread() if self._reread is not None else self._running
        differing = differences(self._running, new)
        for check in self.first:  # only the last of them changes something
            check(new, now)
        for use in self.then:
            use(new)
        changed = [name for name in differing if name in RELOADED]
        restart = [name for name in differing if name not in RELOADED]
        self._running = _with(self._running, new, changed)
        log.info("settings read again", changed=changed, restart=restart)
        return {"routes": len(new.routes), "changed": changed, "restart": restart}

    def _ordered(self, order: Reload, now: float) -> Done:
        try:
            return Done(self.reload(now))
        except (ConfigError, ProfileError) as error:
            log.warning("the settings stay as they were", why=str(error))
            raise Invalid(f"nothing has changed: {error}") from None
        except Refused as refused:
            log.warning("the settings stay as they were", why=refused.reason)
            raise type(refused)(f"nothing has changed: {refused.reason}") from None


def _with(old: Settings, new: Settings, names: list[str]) -> Settings:
    """The old settings, but those of these names from the new ones."""
    changes: dict[str, object] = {}
    for name in names:
        section, _, key = name.partition(".")
        if not key:
            changes[section] = getattr(new, section)
            continue
        table = changes.get(section, getattr(old, section))
        changes[section] = msgspec.structs.replace(table, **{key: getattr(getattr(new, section), key)})  # type: ignore[type-var]
    return msgspec.structs.replace(old, **changes)
