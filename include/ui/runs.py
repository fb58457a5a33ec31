"""What Airflow knows: its runs of the feeds' DAGs, their tasks, and the ids of their assets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow.models.asset import AssetModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import func, or_, select

from include.ui.access import dag_id_of
from include.ui.run_ranges import FeedRun, feed_run

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from include.ticklake.feed.feed import Feed
    from include.ticklake.model.unit import Unit

ACTIVE = ("running", "queued")
_MOST_ACTIVE = 500
_MOST_OF_A_UNIT = 5
_LOOKED_AT = 200
"""Of the runs that may be of a window, the newest so many are looked at."""


def active_runs(feed_name: str, *, session: Session) -> list[FeedRun]:
    """The runs of the feed's DAG that are running or waiting to, the newest first."""
    active = _runs().where(DagRun.dag_id == dag_id_of(feed_name), DagRun.state.in_(ACTIVE))
    return [_feed_run(row) for row in session.execute(active.limit(_MOST_ACTIVE))]


def runs_of_unit(feed: Feed, unit: Unit, *, session: Session) -> list[FeedRun]:
    """The newest runs of the feed's DAG that fetched *unit*, or are about to."""
    window, length = unit.window, feed.window
    by_hand = DagRun.data_interval_start.is_(None) | (DagRun.run_type == "manual")
    scheduled = (DagRun.data_interval_start < window.end) & (
        DagRun.data_interval_end > window.start
    )
    possible = (
        _runs()
        .where(DagRun.dag_id == dag_id_of(feed.name), or_(by_hand, scheduled))
        .where(DagRun.run_after >= window.start)
    )
    runs = map(_feed_run, session.execute(possible.limit(_LOOKED_AT)))
    of_slice = (run for run in runs if run.fetches(unit.slice))
    of_unit = [run for run in of_slice if run.touches(window, length=length)]
    return of_unit[:_MOST_OF_A_UNIT]


def newest_runs(feed_names: Iterable[str], *, session: Session) -> dict[str, FeedRun]:
    """The newest run of each feed's DAG, by the feed's name."""
    names = {dag_id_of(name): name for name in feed_names}
    newest = select(func.max(DagRun.id)).where(DagRun.dag_id.in_(names)).group_by(DagRun.dag_id)
    runs = map(_feed_run, session.execute(_runs().where(DagRun.id.in_(newest))))
    return {names[run.dag_id]: run for run in runs}


def extract_map_index(run: FeedRun, *, session: Session) -> int | None:
    """The map index of the run's one task that fetched; None where it has none, or several."""
    tasks = select(TaskInstance.map_index).where(
        TaskInstance.dag_id == run.dag_id,
        TaskInstance.run_id == run.run_id,
        TaskInstance.task_id == "extract",
        TaskInstance.map_index >= 0,
    )
    indexes = list(session.scalars(tasks.limit(2)))
    return indexes[0] if len(indexes) == 1 else None


def asset_ids(feed_names: Iterable[str], *, session: Session) -> dict[str, int]:
    """The id of each feed's asset in Airflow, by the feed's name."""
    uris = {f"x-ticklake://lake/{name}": name for name in feed_names}
    rows = session.execute(select(AssetModel.uri, AssetModel.id).where(AssetModel.uri.in_(uris)))
    return {uris[uri]: asset_id for uri, asset_id in rows}


def _runs() -> Any:  # noqa: ANN401 - a query of SQLAlchemy's
    return select(
        DagRun.dag_id,
        DagRun.run_id,
        DagRun.state,
        DagRun.data_interval_start,
        DagRun.data_interval_end,
        DagRun.conf,
        DagRun.run_after,
    ).order_by(DagRun.id.desc())


def _feed_run(row: Any) -> FeedRun:  # noqa: ANN401
    dag_id, run_id, state, start, end, conf, run_after = row
    return feed_run(dag_id, run_id, state, interval=(start, end), conf=conf, at=run_after)
