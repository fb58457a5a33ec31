"""Not a DAG, on purpose: invalid feed files show up here, as an Airflow import error.

``ingest.py`` makes the DAGs of the valid feeds. If it failed itself, every DAG in it would
be gone: an import error is per file.
"""

from __future__ import annotations

from include.operators.dag_support import feeds
from include.ticklake.errors import FeedFileError

if errors := feeds.feed_errors():
    raise FeedFileError("Invalid feed files; their DAGs were not loaded:\n" + "\n".join(errors))
