"""Whatever a page and its URL hold, ``probe`` writes a valid feed, or says why not."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import TicklakeError, UsageError
from tests.contract.test_recorded_probe import LIBRARY_WORDS
from tests.support.drafts import URL, draft_text
from tests.support.json_texts import SCALARS, joined

NAMES = st.sampled_from(
    ["time", "ts", "id", "price", "data", "error", "bids", "asks", "a b", "x.y", "", "$x", "é",
     "{x}", "BTCUSDT", "next", "has_more", "total", "code", "a\nb", "date", "fetched_at", "t" * 80,
     "null", "no", "on", "True"]
)  # fmt: skip
TEXTS = SCALARS | st.sampled_from(
    ["1795323600000", "1795323600", '"2026-11-22T05:00:00"', '""', "1e400", "-0.0", '"NaN"',
     '"\\ud83d"', "1" * 200, '"1_000"', '"9999-12-31"', "[]", "{}", '[1,"a"]', "NaN"]
)  # fmt: skip


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.dictionaries(NAMES, values, max_size=6)
    return members.map(
        lambda found: joined("{", [f"{json.dumps(k)}:{v}" for k, v in found.items()], "}", "")
    )


def lists(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=5).map(lambda found: joined("[", found, "]", ""))


VALUES = st.recursive(TEXTS, lambda inner: objects(inner) | lists(inner), max_leaves=12)
ROWS = lists(objects(TEXTS)) | lists(lists(TEXTS)) | lists(objects(VALUES))
BODIES = ROWS | objects(ROWS | TEXTS) | VALUES
PARAMS = st.sampled_from(
    ["symbol", "start", "end", "limit", "page", "cursor", "date", "x[y]", "no", "a b", "key",
     "fromId", "since", "interval", "é", "a:b", "#", "start_ms"]
)  # fmt: skip
VALUES_OF_PARAMS = st.sampled_from(
    ["1", "1795323600", "1795323600000", "2026-11-22", "", "BTC", "btc", "BTC/USD", "..",
     "{symbol}", "{start_ms}", "a: b # c", "yes", "null", "😀", "a\nb", "0", "%00", "'\""]
)  # fmt: skip


@given(body=BODIES, pairs=st.lists(st.tuples(PARAMS, VALUES_OF_PARAMS), max_size=4))
def test_any_page_is_drafted_or_refused_in_words(body, pairs):
    """Never in a library's, and never a feed that its own reader refuses."""
    problem = ""
    try:
        draft_text(body.encode(), f"{URL}?{urlencode(pairs)}")
    except UsageError as error:
        problem = f"an invalid draft: {error}"
    except TicklakeError as error:
        problem = str(error) if LIBRARY_WORDS.search(str(error)) else ""
    assert problem == ""
