"""The lines about a request have placeholders where requests differ, and no secret."""

from __future__ import annotations

from include.ticklake.scaffold.draft_request import DraftRequest
from include.ticklake.scaffold.infer_paging import InferredPaging
from include.ticklake.scaffold.infer_slices import InferredSlice
from include.ticklake.scaffold.merge_urls import merge_urls
from include.ticklake.scaffold.probed_body import ProbedBody

URL = "https://api.example.com/v1/rows?page=1&key=canary"
PAGING = InferredPaging(
    options={"kind": "page", "param": "page", "first": 1}, paging_params=frozenset({"page"}),
    reason="",
)  # fmt: skip


def test_a_parameter_of_paging_is_not_written_twice():
    """But beside a body, where the query is named to say that it goes there."""
    request = DraftRequest(address=merge_urls([URL]), slices={}, window={}, paging=PAGING)
    assert not any("page" in line for line in request.param_lines())
    body = ProbedBody.of_json('{"coin": "BTC"}', taken=["page", "key"])
    coin = {"coin": InferredSlice(param="coin", values=["BTC"])}
    both = DraftRequest(address=merge_urls([URL], [body]), slices=coin, window={}, paging=PAGING)
    assert "    page: '1'" in [*both.param_lines()]
    assert [*both.body_lines()] == ["  method: POST", "  body: {coin: '{coin}'}"]
    assert both.paging_options() == {"kind": "page", "param": "page", "first": 1}
    assert not any("canary" in line for line in [*both.param_lines(), *both.body_lines()])
