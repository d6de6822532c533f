"""How users and bindings are kept: the jobs that write and read the tables of ``routing.store``.

What a restart cannot bring back is a connection: bindings that end with theirs (RFC 5626 section 5.3) are not read
again. One that came by UDP keeps its way: the same socket of ours to the same address.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlite_utils import Database

from confserver.routing.location import Binding, Bound, Change
from confserver.routing.store import in_words
from confserver.routing.users import User
from confserver.sip.flow import Flow
from confserver.sip.uri import parse_uri


# ------------------------------------------------------------------ users
def keep_user(db: Database, user: User) -> None:
    db.execute(
        "INSERT OR REPLACE INTO users (name, display, aliases, enabled, realm, created_at, changed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [user.name, user.display, " ".join(user.aliases), user.enabled, user.realm, user.created_at, user.changed_at],
    )
    db.execute("DELETE FROM user_secrets WHERE user = ?", [user.name])
    for algorithm, secret in user.secrets.items():
        db.execute("INSERT INTO user_secrets (user, algorithm, ha1) VALUES (?, ?, ?)", [user.name, algorithm, secret])


def drop_user(db: Database, name: str) -> None:
    """With all bindings."""
    for table, column in (("users", "name"), ("user_secrets", "user"), ("bindings", "user")):
        db.execute(f"DELETE FROM {table} WHERE {column} = ?", [name])


def load_users(db: Database) -> list[User]:
    """Raises StoreError."""
    with in_words():
        secrets: dict[str, dict[str, str]] = {}
        for row in db.query("SELECT * FROM user_secrets"):
            secrets.setdefault(row["user"], {})[row["algorithm"]] = row["ha1"]
        return [
            User(
                name=row["name"],
                display=row["display"],
                aliases=tuple(row["aliases"].split()),
                enabled=bool(row["enabled"]),
                realm=row["realm"],
                secrets=secrets.get(row["name"], {}),
                created_at=row["created_at"],
                changed_at=row["changed_at"],
            )
            for row in db.query("SELECT * FROM users ORDER BY name")
        ]


# ------------------------------------------------------------------ bindings
def keep_changes(db: Database, changes: Iterable[Change]) -> None:
    for change in changes:
        if isinstance(change, Bound):
            _keep(db, _row_of(change.binding))
        else:
            key = _key_of(change.binding)
            db.execute("DELETE FROM bindings WHERE user = ? AND key = ?", [change.binding.user, key])


def load_bindings(db: Database, now: float) -> list[Binding]:
    """Those that still hold; the others are dropped. Raises StoreError."""
    with in_words():
        db.execute("DELETE FROM bindings WHERE expires_at <= ? OR (outbound AND transport <> 'UDP')", [now])
        return [_binding_of(row) for row in db.query("SELECT * FROM bindings ORDER BY registered_at")]


def kept_key(db: Database, name: str, fresh: bytes) -> bytes:
    """A secret of this server's own: that of the last run, or a fresh one. Raises StoreError."""
    with in_words():
        db.execute("INSERT OR IGNORE INTO keys (name, value) VALUES (?, ?)", [name, fresh])
        return bytes(next(iter(db.query("SELECT value FROM keys WHERE name = ?", [name])))["value"])


def _keep(db: Database, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    db.execute(f"INSERT OR REPLACE INTO bindings ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def _key_of(binding: Binding) -> str:
    return "\n".join(binding.key)


def _row_of(binding: Binding) -> dict[str, Any]:
    flow = binding.flow
    return {
        "user": binding.user,
        "key": _key_of(binding),
        "contact": str(binding.contact),
        "expires_at": binding.expires_at,
        "call_id": binding.call_id,
        "cseq": binding.cseq,
        "q": binding.q,
        "path": json.dumps(binding.path),
        "params": binding.params,
        "instance": binding.instance,
        "reg_id": binding.reg_id,
        "transport": flow.transport if flow else "",
        "local": json.dumps(flow.local) if flow else "",
        "remote": json.dumps(flow.remote) if flow else "",
        "source": binding.source,
        "outbound": binding.is_outbound,
        "gruu": binding.gruu,
        "user_agent": binding.user_agent,
        "registered_at": binding.registered_at,
    }


def _binding_of(row: dict[str, Any]) -> Binding:
    flow = None
    if row["transport"] == "UDP":
        (host, port), (peer, peer_port) = json.loads(row["local"]), json.loads(row["remote"])
        flow = Flow("UDP", (host, port), (peer, peer_port))
    return Binding(
        user=row["user"],
        contact=parse_uri(row["contact"]),
        expires_at=row["expires_at"],
        call_id=row["call_id"],
        cseq=row["cseq"],
        q=row["q"],
        path=tuple(json.loads(row["path"])),
        params=row["params"],
        instance=row["instance"],
        reg_id=row["reg_id"],
        flow=flow,
        source=row["source"],
        is_outbound=bool(row["outbound"]),
        gruu=row["gruu"],
        user_agent=row["user_agent"],
        registered_at=row["registered_at"],
    )
