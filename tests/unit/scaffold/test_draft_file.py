"""A draft is a feed file with its guesses marked, and no secret in it."""

from __future__ import annotations

import yaml

from include.ticklake.scaffold.draft_file import Draft
from include.ticklake.scaffold.infer_fields import InferredField
from include.ticklake.scaffold.infer_paging import InferredPaging
from include.ticklake.scaffold.infer_slices import InferredSlice

DRAFT = Draft(
    url="https://api.example.com/v1/rows?symbol=A&keys=ALL&token=canary",
    path="/v1/rows",
    pairs=[("symbol", "A"), ("keys", "ALL"), ("token", "canary"), ("cursor", "x")],
    slices={"symbol": InferredSlice(param="symbol", values=["A"])},
    window={},
    path_times=[],
    records="$",
    columns=[],
    paging=InferredPaging(options={"kind": "single"}, reason="two\nlines # here"),
    fields=[InferredField(name="id", source="id", type="int64", key=True, reason="unique")],
    unreachable=["a\nb: c"],
    frozen=["cursor"],
)


def test_a_draft_is_yaml_with_comments():
    """Line breaks of the source do not end a comment."""
    data = yaml.safe_load(DRAFT.text())
    assert data["source"]["params"] == {
        "symbol": "{symbol}",
        "keys": "ALL",
        "cursor": "{to_choose}",
    }
    assert data["snapshot"] is True
    assert [*data["fields"]] == ["id", "fetched_at"]
    assert data.keys() == {"source", "slices", "snapshot", "order", "fields"}


def test_a_login_is_named_and_its_value_is_not_written():
    """With the line that a feed needs instead."""
    text = DRAFT.text()
    assert "canary" not in text
    assert "token=***" in text
    assert "source.auth: {kind: query, name: token, connection: ...}" in text
    assert "keys=ALL" in text
