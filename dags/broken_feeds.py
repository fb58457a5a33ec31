"""No DAG, on purpose: feed files that are wrong show up here, as an Airflow import error.

``ingest.py`` and ``rebuild.py`` make the DAGs of the feeds that are right. If they
failed themselves, every DAG in them would be gone: an import error is per file.
"""

from __future__ import annotations

from include.operators.dag_support import feeds
from include.ticklake.errors import FeedFileError

if mistakes := feeds.feed_errors():
    raise FeedFileError("no DAGs for these feeds until they are mended:\n" + "\n".join(mistakes))
