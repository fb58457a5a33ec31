"""An Airflow connection in, the database engine of its own provider's hook out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.operators.connections import connection

if TYPE_CHECKING:
    from sqlalchemy import Engine


def engine(conn_id: str) -> Engine:
    """The database of any connection whose provider speaks SQL; it is masked in the task's log.

    Where no provider is installed for it, SQLAlchemy's own dialect of that name is taken.
    """
    from airflow.sdk.exceptions import AirflowException
    from sqlalchemy import NullPool

    from include.ticklake.sources.sql import engines

    found = connection(conn_id)
    try:
        hook: Any = found.get_hook()  # type: ignore[no-untyped-call]  # Airflow's own
        made: Engine = hook.get_sqlalchemy_engine({"poolclass": NullPool})
    except (AirflowException, AttributeError, ImportError):
        return engines.open_engine(found.as_json(), where=f"connection {conn_id!r}")
    return made
