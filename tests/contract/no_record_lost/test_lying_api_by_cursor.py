"""An API that lies in every legal way, for paging by cursors and links.

Either exactly the records of the window are in the Parquet, or the command fails and commits
nothing. What is legal must succeed; after an extraction that died, too, and with the same bytes
where it runs again. ``pytest --hypothesis-profile=search`` on this file looks for new cases.
"""

from __future__ import annotations

import pytest

from tests.support.lying_api.cases import table, try_all


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cursor", "header_cursor", "link_header", "next_url"])
def test_an_api_that_lies_in_every_legal_way(kind, http_server, report_line):
    """Less is never taken for the whole: a source that stops early, repeats, skips or shares
    instants at a page's edge gives every record, or an error.

    Every behaviour and every fault that the simulated API knows is reached.
    """
    for line in table(kind, try_all(kind, http_server)):
        report_line(line)
