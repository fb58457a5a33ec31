"""Pools that nobody made are there before a task needs them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.dag

# The plugin runs inside Airflow's own processes: so do these, in one, with a real database.
CASES = """
import json, sys
from sqlalchemy import select
from airflow.models.pool import Pool
from airflow.models.variable import Variable
from airflow.utils.session import create_session
from airflow.utils.sqlalchemy import prohibit_commit
sys.path.insert(0, "plugins")
import ticklake_plugin as plugin

# As the scheduler calls it: nobody else may commit its session.
with create_session() as session, prohibit_commit(session) as guard:
    plugin.create_missing({"default_pool", "made"}, session=session)
    guard.commit()

with create_session() as session:
    session.add(Pool(pool="mine", slots=9, description="", include_deferred=False))
with create_session() as session:
    plugin.create_missing(["mine"], session=session)

class Blind:
    # A second scheduler, which looked before the first had committed.
    def __init__(self, session): self.session = session
    def scalars(self, _): return []
    def connection(self): return self.session.connection()

for _ in range(2):
    with create_session() as session:
        plugin.create_missing(["raced"], session=Blind(session))
        session.execute(select(Pool)).all()

# What plans look up: made by the first run, kept by hand (and so encrypted), added to by others.
named = []
for name in ("first", "second", "second"):
    with create_session() as session, prohibit_commit(session) as guard:
        plugin.see_to({name}, session=session)
        guard.commit()
    with create_session() as session:
        named.append(Variable.get("ticklake_pools"))
Variable.set("ticklake_pools", "by_hand")
with create_session() as session:
    plugin.see_to({"third"}, session=session)
named.append(Variable.get("ticklake_pools"))

with create_session() as session:
    found = session.scalars(select(Pool))
    pools = {pool.pool: [pool.slots, pool.include_deferred] for pool in found}
    print(json.dumps({"pools": pools, "named": named}))
"""


@pytest.fixture(scope="module")
def database(airflow_env):
    """The pools after each of the cases, and what the variable was on the way."""
    done = subprocess.run(
        [sys.executable, "-c", CASES],
        env=airflow_env,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def pools(database):
    """By name: slots, whether deferred tasks count."""
    return database["pools"]


def test_pools_that_exist_are_named_for_plans_to_find(database):
    """A name that somebody added by hand stays, and none is named twice."""
    assert database["named"] == ["first", "first, second", "first, second", "by_hand, third"]
    assert database["pools"].keys() >= {"first", "second", "third"}


def test_a_missing_pool_is_made_inside_the_schedulers_transaction(pools):
    """The scheduler forbids others to commit its session, savepoints included.

    A deferred task counts: its pod asks the API all the same.
    """
    assert pools["made"] == [4, True]


def test_a_pool_that_exists_is_not_touched(pools):
    """Its slots are the user's to set."""
    assert pools["mine"] == [9, False]
    assert pools["default_pool"] == [128, False]


def test_two_schedulers_may_make_the_same_pool(pools):
    """The one that comes second goes on with a whole transaction."""
    assert pools["raced"] == [4, True]


def test_airflow_registers_the_plugin(airflow):
    """Airflow's own list shows it, with its listener."""
    listed = airflow("plugins", "--output", "json")
    assert listed.returncode == 0, listed.stderr
    (plugin,) = [each for each in json.loads(listed.stdout) if each["name"] == "ticklake"]
    assert "MissingPools" in str(plugin["listeners"])


def test_the_plugin_imports_nothing_of_ours():
    """Airflow forks from the processes that load it: what it imports would go stale there."""
    code = """if True:
        import sys
        sys.path.insert(0, "plugins")
        import ticklake_plugin
        assert [name for name in sys.modules if name.split(".")[0] == "include"] == []
    """
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, timeout=120)
