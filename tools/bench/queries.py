"""Staged JSON and Parquet in, how long one engine takes for the sum of all prices in each out.

``python -m tools.bench.queries ENGINE OPTIONS``, in a process of its own. Options are one JSON
object: ``parts`` and ``parquet``, paths on this machine. Prints one JSON line: rows, and the best
of several rounds of each, in seconds. Both sums must be the same, to the last digit.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyarrow import compute as pc
from pyarrow import dataset as ds

SOURCE, COLUMN = "p", "price"
"""What the price is called in the JSON and in the Parquet."""

JSON_ROUNDS, PARQUET_ROUNDS = 2, 5

Sum = Callable[[Sequence[str]], Decimal]


def main(argv: Sequence[str]) -> None:
    """Ask both; print what it took."""
    engine, options = argv[0], json.loads(argv[1])
    of_json, of_parquet = ENGINES[engine]
    json_sum, json_s = timed(of_json, options["parts"], rounds=JSON_ROUNDS)
    parquet_sum, parquet_s = timed(of_parquet, [options["parquet"]], rounds=PARQUET_ROUNDS)
    if json_sum != parquet_sum:
        raise SystemExit(f"{engine}: JSON says {json_sum}, Parquet says {parquet_sum}")
    report = {"engine": engine, "json_s": json_s, "parquet_s": parquet_s}
    sys.stdout.write(json.dumps(report) + "\n")


def timed(ask: Sum, paths: Sequence[str], *, rounds: int) -> tuple[Decimal, float]:
    """The answer, and the seconds of the best of *rounds*."""
    seconds = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        answer = ask(paths)
        seconds.append(time.perf_counter() - began_s)
    return answer, min(seconds)


def duckdb_json(paths: Sequence[str]) -> Decimal:
    """The one column is read as a decimal, the others are not looked at."""
    import duckdb

    query = (
        f"SELECT sum({SOURCE}) FROM read_json($paths, format = 'array', "  # noqa: S608
        f"columns = {{{SOURCE}: 'DECIMAL(18,8)'}})"
    )
    return _one(duckdb.execute(query, {"paths": list(paths)}).fetchone())


def duckdb_parquet(paths: Sequence[str]) -> Decimal:
    """As in docs/how-to/read.md."""
    import duckdb

    query = f"SELECT sum({COLUMN}) FROM read_parquet($paths)"  # noqa: S608
    return _one(duckdb.execute(query, {"paths": list(paths)}).fetchone())


def polars_json(paths: Sequence[str]) -> Decimal:
    """With a schema of one column, so that nothing is guessed."""
    import polars

    texts = [gzip.decompress(Path(path).read_bytes()) for path in paths]
    read = [polars.read_json(text, schema={SOURCE: polars.String}) for text in texts]
    column = polars.concat(read)[SOURCE].str.to_decimal(scale=8)
    return Decimal(column.sum())


def polars_parquet(paths: Sequence[str]) -> Decimal:
    """Lazily: only the one column is read."""
    import polars

    return _one(polars.scan_parquet(list(paths)).select(polars.col(COLUMN).sum()).collect().row(0))


def pandas_json(paths: Sequence[str]) -> Decimal:
    """pandas reads whole records; the text of the price is kept as it is."""
    import pandas

    read = [pandas.read_json(path, compression="gzip", dtype=False) for path in paths]
    return sum((frame[SOURCE].map(Decimal).sum() for frame in read), Decimal())


def pandas_parquet(paths: Sequence[str]) -> Decimal:
    """One column, kept in Arrow."""
    import pandas

    read = [
        pandas.read_parquet(path, columns=[COLUMN], dtype_backend="pyarrow", partitioning=None)
        for path in paths
    ]
    return sum((frame[COLUMN].sum() for frame in read), Decimal())


def python_json(paths: Sequence[str]) -> Decimal:
    """pyarrow reads no JSON arrays: what a program without an engine does."""
    total = Decimal()
    for path in paths:
        records = json.loads(gzip.decompress(Path(path).read_bytes()))
        total += sum(Decimal(record[SOURCE]) for record in records)
    return total


def pyarrow_parquet(paths: Sequence[str]) -> Decimal:
    """A dataset's one column."""
    table = ds.dataset(list(paths), format="parquet").to_table(columns=[COLUMN])
    return Decimal(pc.sum(table[COLUMN]).as_py())


def _one(row: tuple[Any, ...] | None) -> Decimal:
    """The one value of a query's one row."""
    return Decimal(row[0] if row else 0)


ENGINES: dict[str, tuple[Sum, Sum]] = {
    "duckdb": (duckdb_json, duckdb_parquet),
    "polars": (polars_json, polars_parquet),
    "pandas": (pandas_json, pandas_parquet),
    "pyarrow": (python_json, pyarrow_parquet),
}


if __name__ == "__main__":
    main(sys.argv[1:])
