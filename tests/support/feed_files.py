"""A valid feed file, and the mistakes that are reported of changed ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.ticklake.errors import FeedFileError
from include.ticklake.feed import loader

VALID = """\
source:
  kind: http
  base_url: https://api.example.com
  path: /rows
fields:
  id: {type: int64, key: true}
  at: {from: t, type: timestamp, unit: ms, event_time: true}
"""


def mistakes(folder: Path, text: str) -> list[str]:
    """The mistakes that are reported of a feed file of that text, without its folder."""
    path = folder / "small.yaml"
    path.write_text(text)
    with pytest.raises(FeedFileError) as error:
        loader.read_feed(path)
    return str(error.value).replace(f"{folder}/", "").splitlines()
