"""What Airflow must register. DAGs import nothing from here; a plugin is loaded once, at start.

``extract`` runs in a pool named after its API host. Airflow never runs a task whose
pool does not exist, and says so only in the scheduler's log. So missing pools are made
when the scheduler starts, and when a run starts, for a feed that was added since. A
pool that exists is never touched; its slots are yours to set.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

TAG = "ticklake"
SLOTS = 4
DESCRIPTION = "made by ticklake: how many tasks may ask this API at once"


class MissingPools:
    """Makes the pools that nobody made."""

    @hookimpl
    def on_starting(self, component: object) -> None:
        """Called in every process that Airflow starts, tasks included: those have no database."""
        from airflow.jobs.job import Job
        from airflow.utils.session import create_session

        from include.operators import loading

        if isinstance(component, Job):
            with create_session() as session:
                create_missing({feed.host for feed in loading.sound()}, session=session)

    @hookimpl
    def on_dag_run_running(self, dag_run: DagRun, msg: str) -> None:  # noqa: ARG002
        """Called in the scheduler, inside its transaction, before the run's first task."""
        from sqlalchemy.orm import object_session

        dag = dag_run.dag
        session = object_session(dag_run)
        if dag is not None and session is not None and TAG in dag.tags:
            create_missing({task.pool for task in dag.tasks}, session=session)


def create_missing(names: set[str], *, session: Session) -> None:
    """Add the pools of *names* that do not exist, within the transaction of *session*."""
    from airflow.models.pool import Pool
    from sqlalchemy import insert, select
    from sqlalchemy.exc import IntegrityError

    there = set(session.scalars(select(Pool.pool).where(Pool.pool.in_(names))))
    # The scheduler lets nobody but itself commit its session, savepoints included;
    # those of the connection below it are not its concern.
    connection = session.connection()
    for name in sorted(names - there):
        try:
            with connection.begin_nested():  # a second scheduler may be making it right now
                connection.execute(
                    insert(Pool).values(
                        pool=name, slots=SLOTS, description=DESCRIPTION, include_deferred=False
                    )
                )
        except IntegrityError:
            log.info("pool.there name=%s", name)
        else:
            log.info("pool.made name=%s slots=%d", name, SLOTS)


class TicklakePlugin(AirflowPlugin):
    """Registers the listener."""

    name = "ticklake"
    listeners = [MissingPools()]  # noqa: RUF012 - Airflow reads a plain list
