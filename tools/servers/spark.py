"""A real Spark in a process of its own, for tests that read the lake with SQL.

``python -m tools.servers.spark`` is the program, run by the Python of ``build/spark``, where
pyspark is: it receives statements through a pipe and answers with rows.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tools.spark_home import HOME, class_path

ANSWER_LIMIT_S = 300
_CLOSE_LIMIT_S = 30
_NEW_SESSION = ""

_SETTINGS = {
    "spark.master": "local[1]",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "512m",
    # Half of the time to start and to run a few short queries.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "spark.sql.shuffle.partitions": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


class SparkSqlError(Exception):
    """Why Spark refused a statement, in its own words."""


class SparkServer:
    """Answers statements of SQL until closed; it works in *folder*, where its log is, too."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "spark.log"
        self._connection, theirs = Pipe()
        with theirs, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                # Whatever ends the tests, also a kill, ends Spark.
                ["setpriv", "--pdeathsig=KILL", HOME / "bin" / "python", "-m",
                 "tools.servers.spark", str(theirs.fileno())],
                cwd=folder,
                env=_environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
            )  # fmt: skip

    def new_session(self, settings: dict[str, str] | None = None) -> None:
        """Forget what was set before, and set *settings*; tables stay."""
        self._call(_NEW_SESSION)
        for name, value in (settings or {}).items():
            self.sql(f"SET `{name}`=`{value}`")

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """The rows of one statement; ``SparkSqlError`` if Spark refuses it."""
        return self._call(statement)

    def _call(self, statement: str) -> list[dict[str, Any]]:
        self._connection.send(statement)
        try:
            answer = self._connection.recv() if self._connection.poll(ANSWER_LIMIT_S) else None
        except EOFError:
            answer = None
        if answer is None:
            log = self._log.read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"Spark did not answer: {statement}\n{log[-4_000:]}")
        if isinstance(answer, str):
            raise SparkSqlError(answer)
        rows: list[dict[str, Any]] = answer
        return rows

    def close(self) -> None:
        """The program ends when its pipe does, and Spark with it."""
        self._connection.close()
        self._process.wait(timeout=_CLOSE_LIMIT_S)


@contextmanager
def spark_server(folder: Path) -> Iterator[SparkServer]:
    """Spark, until the block ends."""
    server = SparkServer(folder)
    try:
        yield server
    finally:
        server.close()


def _environment(folder: Path) -> dict[str, str]:
    """That of the caller without what would change Spark; Python's times are in UTC."""
    names = ("PYSPARK", "SPARK", "HADOOP", "PYTHON", "AIRFLOW", "TICKLAKE", "AWS")
    own = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    return own | {
        "PYTHONPATH": str(HOME.parents[1]),
        "SPARK_LOCAL_DIRS": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "TZ": "UTC",
    }


def main() -> None:
    """Answer the statements that come through the pipe with the number of the first argument."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for name, value in _SETTINGS.items():
        builder = builder.config(name, value)
    builder = builder.config("spark.driver.extraClassPath", class_path())
    session = builder.getOrCreate()
    with Connection(int(sys.argv[1])) as connection:
        while True:
            try:
                statement = connection.recv()
            except EOFError:
                break
            try:
                if statement == _NEW_SESSION:
                    session, rows = session.newSession(), []
                else:
                    rows = [row.asDict() for row in session.sql(statement).collect()]
            except Exception as error:
                connection.send(str(error))
            else:
                connection.send(rows)
    session.stop()


if __name__ == "__main__":
    main()
