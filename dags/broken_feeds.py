"""No DAG, on purpose: feed files that are wrong show up here, as an Airflow import error.

``ingest.py`` and ``rebuild.py`` make the DAGs of the feeds that are right. If they
failed themselves, every DAG in them would be gone: an import error is per file.
"""

from __future__ import annotations

from include.operators import loading
from include.ticklake.errors import FeedInvalid

if mistakes := loading.mistakes():
    raise FeedInvalid("no DAGs for these feeds until they are mended:\n" + "\n".join(mistakes))
