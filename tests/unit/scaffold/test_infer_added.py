"""Values around the records that say something of them are copied into each."""

from __future__ import annotations

import io
import json

import pytest

from include.ticklake.scaffold.infer_added import not_read, values_to_add
from include.ticklake.scaffold.json_shape import read_shape
from include.ticklake.scaffold.record_form import RecordForm


def added(body: object, form: RecordForm, **options: object) -> dict[str, str]:
    defaults: dict[str, object] = {"is_snapshot": True, "taken": (), "known": ()}
    root = read_shape(io.BytesIO(json.dumps(body).encode()))
    found = values_to_add(root, form, **(defaults | options))
    return {name: ".".join(node.path) for name, node in found.items()}


ROWS = RecordForm(records="result.list")
BODY = {
    "retCode": 0, "retMsg": "OK", "time": 5, "s": "ok",
    "result": {"symbol": "BTC", "list": [{"p": 1}], "seq": 7, "nextPageCursor": "x", "u": None},
}  # fmt: skip


@pytest.mark.parametrize(
    ("options", "names"),
    [
        pytest.param({}, ["symbol", "seq", "time"], id="of a state"),
        pytest.param({"is_snapshot": False}, ["symbol"], id="of records that come again"),
        pytest.param({"known": {"BTC"}}, ["seq", "time"], id="without what the request says"),
        pytest.param({"taken": ["Time"]}, ["symbol", "seq"], id="without names of the records"),
    ],
)
def test_what_says_something_of_the_records_is_added(options, names):
    """Not how the request went, nor where the next page is."""
    assert sorted(added(BODY, ROWS, **options)) == sorted(names)


def test_a_name_of_the_records_is_written_with_its_path():
    """Neither value takes the place of the other."""
    found = added(BODY, ROWS, taken=["symbol"])
    assert found["result_symbol"] == "result.symbol"


def test_nothing_inside_of_a_record_is_added():
    """It is read by the columns."""
    body = {"ts": 1, "tick": {"ask": 1, "deep": {"x": 1}}}
    assert added(body, RecordForm(records="tick", shape="object")) == {"ts": "ts"}
    assert added({"a": {"x": 1}, "b": {"x": 1}}, RecordForm(records="*", shape="object")) == {}


def test_what_no_column_has_is_named():
    """So that nobody looks for it in vain."""
    root = read_shape(io.BytesIO(json.dumps({**BODY, "other": [1], "none": []}).encode()))
    paths = not_read(root, ROWS, read={"time", "retCode"})
    assert paths == ["retMsg", "s", "result.symbol", "result.seq", "result.nextPageCursor", "other"]
