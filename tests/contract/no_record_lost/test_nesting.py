"""How deep a record may be nested is a documented number, the same on every Python."""

from __future__ import annotations

from typing import Any

import pytest

from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import convert
from include.ticklake.errors import MalformedPageError
from include.ticklake.extract.extract import extract
from include.ticklake.model.nesting import MAX_LEVELS
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.sources.json.envelope import MAX_DEPTH
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.conftest import REPOSITORY
from tests.support.feed_texts import feed
from tests.support.paging import END, START, WINDOW
from tests.support.small_source import KEYED

FIELDS: dict[str, dict[str, Any]] = KEYED | {"x": {"type": "json"}}
RECORDS = {
    "objects": ({}, '{"id":1,"t":%d,"x":%s}'),
    "arrays": ({"columns": ["id", "t", "x"]}, "[1,%d,%s]"),
}


def test_the_numbers_are_documented():
    """Where a reader looks for them."""
    text = " ".join(
        (REPOSITORY / "docs/how-to/add-a-source.md").read_text(encoding="utf-8").split()
    )
    assert f"A record may be nested {MAX_LEVELS} levels deep" in text
    assert f"the rest of the body {MAX_DEPTH}" in text


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("levels", [MAX_LEVELS, MAX_LEVELS + 1])
def test_a_record_of_that_depth_is_a_row_and_a_deeper_one_is_refused(
    http_server, storage, kind, levels
):
    """The record itself is the first level; with its key, its time and its text."""
    source, record = RECORDS[kind]
    text = "[" * (levels - 1) + "]" * (levels - 1)
    http_server.answer("/rows", f"[{record % (START, text)}]".encode())
    described = feed(source=source, fields=FIELDS)
    unit = Unit(Slice(()), WINDOW)

    def staged():
        return extract(
            described, unit, storage=storage, base_url=http_server.url,
            patience=SourceRetryPolicy(max_attempts=1), clock=lambda: END / 1000 + 3600,
        )  # fmt: skip

    if levels > MAX_LEVELS:
        with pytest.raises(MalformedPageError, match=f"more than {MAX_LEVELS} levels"):
            staged()
        return
    key = staged().manifest.key
    done = convert(key, feed=described, storage=storage, budget=budget_for(256 * MIB))
    parquet = done.manifest.require_parquet()
    assert (parquet.rows, parquet.quarantined_rows) == (1, 0)
