"""The error that a body reports is found in whatever form APIs write it, with their own words."""

from __future__ import annotations

import io
import json

import pytest

from include.ticklake.scaffold.json_shape import read_shape
from include.ticklake.scaffold.reported_error import is_error_name, reported_error


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"retCode": 10001, "retMsg": "symbol invalid", "result": {}}, "10001: symbol invalid"),
        ({"code": "51001", "data": [], "msg": "does not exist"}, "51001: does not exist"),
        ({"code": -1121, "msg": "Invalid symbol."}, "-1121: Invalid symbol."),
        ({"error": ["EQuery:Unknown asset pair"]}, "EQuery:Unknown asset pair"),
        ({"error": "not found"}, "not found"),
        ({"error": {"code": 5, "message": "no such pair"}}, "5: no such pair"),
        ({"errors": [{"detail": "x"}]}, "x"),
        ({"errors": [{"locations": [1], "message": "no field x"}], "data": None}, "no field x"),
        ({"errors": [{"field": "x"}]}, "without a message"),
        ({"status": "0", "message": "NOTOK", "result": "Missing API Key"}, "Missing API Key"),
        ({"Note": "5 requests a minute"}, "5 requests a minute"),
        ({"isSuccess": False, "messages": ["no"], "data": []}, "no"),
        ({"Error": True, "Message": "closed"}, "closed"),
        ({"ret": "Error", "msg": "closed", "list": []}, "closed"),
        ({"statusCode": 404, "error": "Not Found", "message": "GET /a"}, "404: Not Found: GET /a"),
        (
            {"type": "t", "title": "no credit", "status": 403, "detail": "x", "instance": "/a"},
            "t: 403: no credit",
        ),
        ({"fault": {"faultstring": "bad key", "detail": {"errorcode": "K1"}}}, "K1: bad key"),
        ({"status": "error", "err-code": "bad", "err-msg": "invalid"}, "bad: invalid"),
        ({"success": False, "message": "closed"}, "closed"),
        ({"s": "error", "errmsg": "unknown"}, "unknown"),
        ({"status": {"error_code": 1001, "error_message": "no key"}}, "1001: no key"),
        ({"Response": "Error", "Message": "limit"}, "limit"),
        ({"message": "NotFound"}, "NotFound"),
        ({"label": "INVALID_KEY", "message": "provided"}, "INVALID_KEY: provided"),
        (["error", 10020, "symbol: invalid"], "10020: symbol: invalid"),
    ],
)
def test_an_error_is_found(body, said):
    """Its code and its message, or that it has none."""
    assert reported_error(read_shape(io.BytesIO(json.dumps(body).encode()))) == said


@pytest.mark.parametrize(
    "body",
    [
        {"retCode": 0, "retMsg": "OK", "result": {"list": []}},
        {"code": "0", "msg": "", "data": []},
        {"error": [], "result": {}},
        {"error": None, "data": {}},
        {"status": "ok", "tick": {"close": 1}},
        {"success": True, "data": []},
        {"price": "1.5", "symbol": "BTC"},
        {"code": "BTC", "name": "Bitcoin"},
        {"status": "1", "message": "OK", "result": "40891626854930000000000"},
        {"note": "x", "price": "1.5"},
        [],
        5,
    ],
)
def test_a_success_is_not_an_error(body):
    """Codes of success, and names that only look like one."""
    assert reported_error(read_shape(io.BytesIO(json.dumps(body).encode()))) is None


def test_names_of_errors():
    """By their words."""
    assert all(map(is_error_name, ["error", "errors", "err-code", "errorMessage", "ERROR"]))
    assert not any(map(is_error_name, ["terror", "data", "transfer"]))
