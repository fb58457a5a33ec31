"""Who looks, and what they may see: Airflow's own rights to the feeds' DAGs decide.

A feed that does not exist and one that the viewer must not see give the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import (
    AccessView,
    DagAccessEntity,
    DagDetails,
)
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.configuration import conf
from fastapi import Depends, HTTPException

from include.operators.dag_support import feeds
from include.ticklake.errors import UsageError
from include.ticklake.model.slice import Slice
from include.ui import lake_access

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.summary import FeedSummary

UNKNOWN_FEED = "There is no such feed, or you may not see its DAG."
UNKNOWN_SLICE = "The feed has no such slice."


class DagFacts(NamedTuple):
    """What Airflow's database says of a DAG."""

    is_paused: bool
    team_name: str | None


def dag_id_of(feed_name: str) -> str:
    """The DAG that fetches the feed."""
    return f"ingest_{feed_name}"


@dataclass(frozen=True)
class Viewer:
    """A logged-in user of Airflow, and the request's session with Airflow's database."""

    user: Any
    session: SessionDep

    @cached_property
    def feeds(self) -> dict[str, Feed]:
        """The valid feeds whose DAG the viewer may see, by name."""
        valid = {feed.name: feed for feed in feeds.valid_feeds()}
        visible = self._visible(valid)
        return {name: feed for name, feed in sorted(valid.items()) if name in visible}

    @cached_property
    def feed_errors(self) -> list[str]:
        """What is wrong with invalid feed files; nothing for those who see no import errors."""
        if not get_auth_manager().is_authorized_view(
            access_view=AccessView.IMPORT_ERRORS, user=self.user
        ):
            return []
        invalid = set(feeds.names()) - {feed.name for feed in feeds.valid_feeds()}
        visible = self._visible(invalid)
        return [text for name, text in feeds.errors_by_feed().items() if name in visible]

    @property
    def feed_names(self) -> list[str]:
        """The names of ``feeds``, sorted."""
        return list(self.feeds)

    def feed(self, name: str) -> Feed:
        """The feed *name*; HTTP 404 where there is none, or the viewer must not see it."""
        if feed := self.feeds.get(name):
            return feed
        raise HTTPException(404, UNKNOWN_FEED)

    def dags(self, dag_ids: Iterable[str]) -> dict[str, DagFacts]:
        """Those of *dag_ids* that Airflow has read."""
        from airflow.models.dag import DagModel
        from airflow.models.dagbundle import DagBundleModel
        from airflow.models.team import Team
        from sqlalchemy import select

        query = (
            select(DagModel.dag_id, DagModel.is_paused, Team.name)
            .outerjoin(DagBundleModel, DagModel.bundle_name == DagBundleModel.name)
            .outerjoin(DagBundleModel.teams)
            .where(DagModel.dag_id.in_(list(dag_ids)))
        )
        rows = self.session.execute(query)
        return {dag_id: DagFacts(bool(is_paused), team) for dag_id, is_paused, team in rows}

    def may_trigger(self, dag_id: str) -> bool:
        """Whether the viewer may start a run of the DAG *dag_id*, which Airflow has read."""
        facts = self.dags([dag_id]).get(dag_id)
        return facts is not None and get_auth_manager().is_authorized_dag(
            method="POST",
            access_entity=DagAccessEntity.RUN,
            details=DagDetails(id=dag_id, team_name=facts.team_name),
            user=self.user,
        )

    def _visible(self, names: Iterable[str]) -> set[str]:
        by_dag = {dag_id_of(name): name for name in names}
        facts = self.dags(by_dag)
        # A DAG that was not read yet has no team: anybody's, unless there are teams.
        known = facts if conf.getboolean("core", "multi_team") else by_dag
        by_team: dict[str | None, set[str]] = defaultdict(set)
        for dag_id in known:
            by_team[facts[dag_id].team_name if dag_id in facts else None].add(dag_id)
        return {
            by_dag[dag_id]
            for team_name, dag_ids in by_team.items()
            for dag_id in get_auth_manager().filter_authorized_dag_ids(
                dag_ids=dag_ids, user=self.user, team_name=team_name
            )
        }


def slices_by_text(feed: Feed, summary: FeedSummary | None) -> dict[str, Slice]:
    """The slices of *feed*, and those that its lake has besides, by their texts."""
    slices = {str(slice_): slice_ for slice_ in lake_access.known_slices(feed)}
    for path in summary.slices if summary else ():
        try:
            slice_ = Slice.parse(path)
        except UsageError:
            continue
        if slice_.path == path and [name for name, _ in slice_.values] == list(feed.slices):
            slices.setdefault(str(slice_), slice_)
    return slices


def find_slice(feed: Feed, text: str, summary: FeedSummary | None) -> Slice:
    """The slice whose text is *text*, the first one for an empty text; HTTP 404 for any other.

    No key is ever made of a text that is not one of these.
    """
    slices = slices_by_text(feed, summary)
    if not text:
        # A feed whose list was never read may have no slice at all.
        return next(iter(slices.values()), Slice())
    if slice_ := slices.get(text):
        return slice_
    raise HTTPException(404, UNKNOWN_SLICE)


def _viewer(user: GetUserDep, session: SessionDep) -> Viewer:
    return Viewer(user, session)


ViewerDep = Annotated[Viewer, Depends(_viewer)]
"""A parameter of a route: HTTP 401 for those who are not logged in."""
