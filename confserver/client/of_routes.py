"""Rows and groups of the route table that are made while the server runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from confserver.client.asking import Asking, Changed, Listed, Told, path


class OfRoutes(Asking[Listed, Told, Changed]):
    """A test holds these to ``routing.commands``."""

    def table_route(self) -> Told:
        """Show the rows and groups that were made, as they can be set."""
        return self._tell("/route-table")

    def add_route(
        self,
        route: str,
        request: Sequence[str] | None = None,
        domain: Sequence[str] | None = None,
        user: Sequence[str] | None = None,
        source: Sequence[str] | None = None,
        identity: Sequence[str] | None = None,
        group: Sequence[str] | None = None,
        days: Sequence[str] | None = None,
        hours: str | None = None,
        to: str | None = None,
        target: Sequence[str] | None = None,
        strip: int | None = None,
        prepend: str | None = None,
        status: int | None = None,
        reason: str | None = None,
        before: str | None = None,
    ) -> Changed:
        """Make a row of the route table: requests for which all holds go where it says."""
        return self._change(
            "PUT",
            path("routes", route),
            request=request,
            domain=domain,
            user=user,
            source=source,
            identity=identity,
            group=group,
            days=days,
            hours=hours,
            to=to,
            target=target,
            strip=strip,
            prepend=prepend,
            status=status,
            reason=reason,
            before=before,
        )

    def change_route(
        self,
        route: str,
        request: Sequence[str] | None = None,
        domain: Sequence[str] | None = None,
        user: Sequence[str] | None = None,
        source: Sequence[str] | None = None,
        identity: Sequence[str] | None = None,
        group: Sequence[str] | None = None,
        days: Sequence[str] | None = None,
        hours: str | None = None,
        to: str | None = None,
        target: Sequence[str] | None = None,
        strip: int | None = None,
        prepend: str | None = None,
        status: int | None = None,
        reason: str | None = None,
        clear: Sequence[str] | None = None,
    ) -> Changed:
        """Change what a row says that was made; its place stays."""
        return self._change(
            "POST",
            path("routes", route),
            request=request,
            domain=domain,
            user=user,
            source=source,
            identity=identity,
            group=group,
            days=days,
            hours=hours,
            to=to,
            target=target,
            strip=strip,
            prepend=prepend,
            status=status,
            reason=reason,
            clear=clear,
        )

    def place_route(self, route: str, before: str | None = None) -> Changed:
        """Put a row that was made before another one, or behind all that were."""
        return self._change("PUT", path("routes", route, "place"), before=before)

    def remove_route(self, route: str) -> Changed:
        """Forget a row that was made."""
        return self._change("DELETE", path("routes", route))

    def set_route(
        self,
        routes: Sequence[Mapping[str, Any]] | None = None,
        groups: Sequence[Mapping[str, Any]] | None = None,
        version: str | None = None,
    ) -> Changed:
        """Put other rows and groups in the place of all that were made, whole or not at all."""
        return self._change("PUT", path("route-table"), routes=routes, groups=groups, version=version)

    def add_group(self, group: str, members: Sequence[str] | None = None) -> Changed:
        """Make a group of users, for rows of the route table."""
        return self._change("PUT", path("groups", group), members=members)

    def change_group(self, group: str, members: Sequence[str] | None = None) -> Changed:
        """Say who is in a group that was made."""
        return self._change("POST", path("groups", group), members=members)

    def remove_group(self, group: str) -> Changed:
        """Forget a group that was made, and that no row names."""
        return self._change("DELETE", path("groups", group))

    def list_group(self) -> Listed:
        """List the groups that rows of the route table may name."""
        return self._list("/groups")
