"""Pages of an unknown API, and the feeds that are drafted from them."""

from __future__ import annotations

import io
import json
from typing import Any

import yaml

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.limits import Limits
from include.ticklake.scaffold import probe
from include.ticklake.scaffold.probed_body import ProbedBody

URL = "https://api.example.com/v1/trades"


def draft_text(
    page: Any,
    url: str = URL,
    *,
    body: ProbedBody | None = None,
    records: str | None = None,
    **headers: str,
) -> str:
    """The draft of a feed file for *page*, which came after *body* was sent."""
    data = page if isinstance(page, bytes) else json.dumps(page).encode()
    return probe.draft(
        io.BytesIO(data), url=url, sent=body, headers=headers, records=records, limits=Limits()
    )


def draft_feed(page: Any, url: str = URL, **options: Any) -> Feed:
    """The feed that the draft for *page* describes."""
    text = draft_text(page, url, **options)
    return Feed.model_validate({"name": "probed", **yaml.safe_load(text)})


TRADES = [
    {"id": 7, "p": "67123.45", "T": 1_795_323_600_000, "m": True, "M": False},
    {"id": 8, "p": "67123.4", "T": 1_795_323_600_000, "m": True, "M": False},
]
BARS = [[1_795_323_600, "1.5", 7], [1_795_323_660, "1.25", 7]]
