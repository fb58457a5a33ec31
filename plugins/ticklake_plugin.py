"""The plugin: a listener that creates pools, and pages. DAGs import nothing from here.

Airflow loads a plugin once in each of its processes, and forks those that read DAGs
and run tasks from them: a module that a plugin has imported never changes again,
even if its file does. So this imports none of ours, but in the API server for its pages.

``extract`` runs in a pool named after its API host. Airflow never runs a task whose
pool does not exist, and reports that only in the scheduler's log. So the scheduler creates
a run's missing pools when the run starts, and those that tasks already wait for when it
starts itself. An existing pool is never changed; its slots are yours to set. Which pools it has
seen to, it names in the Airflow variable ``ticklake_pools``: without this plugin the plan of a
run finds its pool missing there, and fails instead of waiting forever.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.models.variable import Variable
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

TAG = "ticklake"
PREFIX = "/ticklake"
SLOTS = 4
VARIABLE = "ticklake_pools"
DESCRIPTION = "Created by ticklake: how many tasks may call this API at once"


class MissingPools:
    """Creates the pools that tasks need and nobody created."""

    @hookimpl
    def on_starting(self, component: object) -> None:
        """Called in every process that Airflow starts; a task's own has no database."""
        from airflow.jobs.job import Job
        from airflow.utils.session import create_session

        if isinstance(component, Job):
            with create_session() as session:
                see_to(awaited_pools(session), session=session)

    @hookimpl
    def on_dag_run_running(self, dag_run: DagRun, msg: str) -> None:  # noqa: ARG002
        """Called in the scheduler, inside its transaction, before the run's first task."""
        from sqlalchemy.orm import object_session

        dag = dag_run.dag
        session = object_session(dag_run)
        if dag is not None and session is not None and TAG in dag.tags:
            see_to({task.pool for task in dag.tasks}, session=session)


def awaited_pools(session: Session) -> set[str]:
    """The pools of our tasks that are about to run."""
    from airflow.models.dag import DagTag
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.state import TaskInstanceState
    from sqlalchemy import select

    ours = select(DagTag.dag_id).where(DagTag.name == TAG)
    waiting = select(TaskInstance.pool).where(
        TaskInstance.state == TaskInstanceState.SCHEDULED, TaskInstance.dag_id.in_(ours)
    )
    return set(session.scalars(waiting.distinct()))


def see_to(names: Iterable[str], *, session: Session) -> None:
    """Create the pools of *names* that do not exist, and say in the variable that all do."""
    wanted = set(names)
    create_missing(wanted, session=session)
    name_in_variable(wanted, session=session)


def name_in_variable(names: set[str], *, session: Session) -> None:
    """Add *names* to the variable, within the transaction of *session*.

    The row is locked before it is read to change it: of two schedulers, neither overwrites what
    the other added.
    """
    from airflow.models.variable import Variable
    from sqlalchemy import insert, select, update
    from sqlalchemy.exc import IntegrityError

    row = select(Variable).where(Variable.key == VARIABLE).execution_options(populate_existing=True)
    if names <= names_in(session.scalar(row)):
        return
    table, connection = Variable.__table__, session.connection()
    description = "Pools that ticklake's plugin has seen to; a plan looks here for its own"
    try:
        with connection.begin_nested():
            connection.execute(
                insert(table).values(
                    key=VARIABLE, val="", description=description, is_encrypted=False
                )
            )
    except IntegrityError:
        log.debug("variable.exists key=%s", VARIABLE)
    text = ", ".join(sorted(names | names_in(session.scalar(row.with_for_update()))))
    connection.execute(
        update(table).where(table.c.key == VARIABLE).values(val=text, is_encrypted=False)
    )


def names_in(variable: Variable | None) -> set[str]:
    """The names that are separated by commas in *variable*."""
    text: str | None = variable.val if variable is not None else None
    return {name.strip() for name in (text or "").split(",") if name.strip()}


def create_missing(names: Iterable[str], *, session: Session) -> None:
    """Add the pools of *names* that do not exist, within the transaction of *session*."""
    from airflow.models.pool import Pool
    from sqlalchemy import insert, select
    from sqlalchemy.exc import IntegrityError

    existing = set(session.scalars(select(Pool.pool)))
    # The scheduler alone may commit its session, savepoints included; those of the
    # connection below it are not guarded.
    connection = session.connection()
    for name in sorted(set(names) - existing):
        try:
            with connection.begin_nested():  # a second scheduler may be creating it right now
                connection.execute(
                    insert(Pool).values(
                        # A task whose pod calls the API is deferred, but still calls it.
                        pool=name,
                        slots=SLOTS,
                        description=DESCRIPTION,
                        include_deferred=True,
                    )
                )
        except IntegrityError:
            log.info("pool.exists name=%s", name)
        else:
            log.info("pool.created name=%s slots=%d", name, SLOTS)


class LakePages:
    """Our pages: an ASGI application that is created on its first request."""

    @cached_property
    def application(self) -> Any:  # noqa: ANN401 - not imported in most processes
        from include.ui import app

        return app.application()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        """Answer one request."""
        await self.application(scope, receive, send)


class TicklakePlugin(AirflowPlugin):
    """Registers the listener, and pages under Browse."""

    name = "ticklake"
    listeners = [MissingPools()]  # noqa: RUF012 - Airflow reads plain lists
    fastapi_apps = [{"name": "ticklake", "app": LakePages(), "url_prefix": PREFIX}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Lake",
            "href": f"{PREFIX}/",
            "url_route": "lake",
            "destination": "nav",
            "category": "browse",
        }
    ]
