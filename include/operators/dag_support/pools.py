"""Whether the pool exists that a feed's tasks wait for.

Airflow never runs a task whose pool does not exist, and says so only in the scheduler's log. The
plugin creates pools in the scheduler, and names in an Airflow variable those that it has ensured:
a task has no other way to ask, for its API knows no pools. Who creates pools by other means and
leaves the plugin out sets that variable.
"""

from __future__ import annotations

from include.ticklake.errors import UsageError

VARIABLE = "ticklake_pools"
"""Names of pools, separated by commas. The plugin writes the same name."""


def check_exists(pool: str) -> None:
    """``UsageError`` where the scheduler has not said that *pool* exists.

    What this cannot see: a pool that was deleted after the plugin had ensured it, while the plugin
    is no longer loaded.
    """
    from airflow.sdk import Variable

    if not _is_scheduled():
        return
    names = str(Variable.get(VARIABLE, default=None) or "").split(",")
    if pool not in map(str.strip, names):
        raise UsageError(
            f"pool {pool!r}: the scheduler has not loaded ticklake's plugin, which creates it, and "
            "tasks in a pool that does not exist wait forever; put plugins/ticklake_plugin.py into "
            "the plugins folder of the scheduler and restart it, or create the pool yourself and "
            f"name it in the Airflow variable {VARIABLE}"
        )


def _is_scheduled() -> bool:
    """False in ``airflow dags test``, where tasks run in one process and no pool counts."""
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import CommsDecoder

    return isinstance(getattr(task_runner, "SUPERVISOR_COMMS", None), CommsDecoder)
