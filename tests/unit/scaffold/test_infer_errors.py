"""How a source says success is inferred, so that a failure inside a 200 is not an empty page."""

from __future__ import annotations

import io
import json

import pytest

from include.ticklake.scaffold.infer_errors import infer_errors
from include.ticklake.scaffold.json_shape import read_shape
from tests.support.drafts import TRADES, draft_feed


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        ({"retCode": 0, "retMsg": "OK"}, {"code": "retCode", "ok": [0], "message": "retMsg"}),
        ({"code": "0", "msg": ""}, {"code": "code", "ok": ["0"], "message": "msg"}),
        ({"success": True}, {"code": "success", "ok": [True]}),
        ({"status": "ok"}, {"code": "status", "ok": ["ok"]}),
        ({"error": []}, {"code": "error"}),
        ({"error": None}, {"code": "error"}),
        ({"status": "TRADING", "code": "BTC"}, {}),
        ({"s": False}, {}),
        ([{"code": 0}], {}),
    ],
)
def test_what_means_success(body, rules):
    """A code, or an error that is empty; a value that is neither says nothing."""
    assert infer_errors(read_shape(io.BytesIO(json.dumps(body).encode()))) == rules


def test_the_draft_says_so():
    """As its own reader takes it."""
    errors = draft_feed({"success": True, "msg": "", "data": TRADES}).source.errors
    assert errors.is_ok(True)
    assert not errors.is_ok(False)
