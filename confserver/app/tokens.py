"""Tokens of the HTTP interface in their surroundings: told to the log, kept by the store, shown once."""

from __future__ import annotations

import secrets
from functools import partial

import structlog
from twisted.python.failure import Failure

from confserver.admin import token_store as store
from confserver.admin.tokens import PREFIX, Token, Tokens
from confserver.app.orders import Done, Orders
from confserver.routing.commands import AddToken, RevokeToken
from confserver.storage import Storage
from rooms.participant import Role

log = structlog.get_logger("tokens")
TOKEN_BYTES = 32


class Keys:
    """Owns ``tokens``; ``look`` is called from time to time."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.tokens = Tokens()

    async def restore(self, now: float) -> None:
        """What the last run has left. Raises StoreError or StorageError."""
        kept = await self._storage.write(lambda db: store.load(db, now))
        self.tokens.restore(kept)
        if kept:
            log.info("tokens of the last run", count=len(kept))

    def look(self, now: float) -> None:
        """Drop what is over."""
        for token in self.tokens.expire(now):
            log.info("token over", token=token.name)
            self._storage.write(partial(store.drop, name=token.name)).addErrback(_not_kept)

    def join(self, orders: Orders) -> None:
        orders.signed[AddToken] = self._add
        orders.signed[RevokeToken] = self._revoke
        orders.answers["token list"] = lambda _, now: [token.describe() for token in self.tokens.list()]

    def _add(self, order: AddToken, by: str, now: float) -> Done:
        """The token itself is told this once."""
        secret = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        role = Role[order.role.name]
        token = self.tokens.add(order.holder, role, order.rooms, order.seconds, secret, now, by)
        log.info("token made", token=token.name, role=order.role.value, rooms=list(token.rooms), by=by)
        return Done(token.describe() | {"secret": secret}, lambda db: store.keep(db, token), is_new=True)

    def _revoke(self, order: RevokeToken, by: str, now: float) -> Done:
        token: Token = self.tokens.revoke(order.holder)
        log.info("token revoked", token=token.name, by=by)
        return Done(None, lambda db: store.drop(db, token.name))


def _not_kept(failure: Failure) -> None:
    log.error("a token was not dropped from the store", why=failure.getErrorMessage())
