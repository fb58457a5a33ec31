"""A draft is a feed file with its guesses marked, and no secret in it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from include.ticklake.errors import UsageError
from include.ticklake.scaffold.draft_file import Draft
from include.ticklake.scaffold.infer_fields import InferredField
from include.ticklake.scaffold.infer_paging import InferredPaging
from include.ticklake.scaffold.infer_slices import InferredSlice
from include.ticklake.scaffold.merge_urls import merge_urls
from include.ticklake.scaffold.record_form import RecordForm
from tests.support.drafts import URL, draft_text

S = 1_795_323_600
LATER = [{"id": 7, "at": S, "p": "1"}, {"id": 8, "at": S + 1, "p": "2"}]

DRAFT = Draft(
    address=merge_urls(["https://api.example.com/v1/rows?symbol=A&keys=ALL&token=canary&cursor=x"]),
    path="/v1/rows",
    slices={"symbol": InferredSlice(param="symbol", values=["A"])},
    window={},
    path_times=[],
    form=RecordForm(records="$"),
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


@pytest.mark.parametrize(
    ("body", "query", "is_said"),
    [
        pytest.param(
            {"data": LATER, "next_cursor": "a"}, "", True, id="oldest first, with a cursor"
        ),
        pytest.param(
            {"data": LATER[::-1], "next_cursor": "a"}, "", False, id="newest first, paged"
        ),
        pytest.param(LATER[::-1], "", True, id="newest first, one page"),
        pytest.param(LATER, f"?since={S}", False, id="with a window"),
        pytest.param(LATER, "?fromId=7", False, id="by id"),
        pytest.param(LATER, "?limit=2", False, id="the newest only"),
        pytest.param(
            [{"symbol": "A", "p": "1"}, {"symbol": "B", "p": "2"}], "", False, id="no time"
        ),
    ],
)
def test_a_request_that_names_no_window_is_told(body, query, is_said):
    """With placeholders in the source's own unit: each hour would get the same records."""
    text = draft_text(body, f"{URL}{query}")
    assert ("asks for no time" in text) is is_said
    assert ("since: '{start_s}'  until: '{end_s}'" in text) is is_said


def test_a_paging_that_was_seen_working_is_no_guess():
    """The comment says what came; any other paging is marked as a guess."""
    assert "paging: {kind: single}  # guess: two lines # here" in DRAFT.text()
    seen = replace(DRAFT, paging=replace(DRAFT.paging, seen="a second page of 9 records"))
    assert "paging: {kind: single}  # seen working: a second page of 9 records" in seen.text()


def test_a_draft_is_a_feed_that_can_be_read():
    """What is to be chosen has some text in it."""
    feed = DRAFT.feed()
    assert feed.slices == {"symbol": ["A"]}
    assert feed.source.params["cursor"] == "x"
    with pytest.raises(UsageError, match=r"no feed can be drafted from this page: line \d+"):
        replace(DRAFT, candle="never").feed()
