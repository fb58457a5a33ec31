"""What a body says about a failure is found in any form, and shown in a few words."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext

import pytest

from include.ticklake.errors import RateLimitedError, SourceRefusedError, SourceUnavailableError
from include.ticklake.feed.error_rules import ErrorRules
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.sources.http import error_body
from include.ticklake.sources.http.request import HttpRequest

REQUEST = HttpRequest(url="https://a.example/x", secret_headers={"X": "s3cret"})
RULES = ErrorRules.model_validate(
    {"code": "code", "ok": [0], "message": "text", "rate_limited": {"429": "5s"}, "retry": ["5*"]}
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param({"msg": "a"}, "a", id="msg"),
        pytest.param({"error": {"code": 5, "message": "a"}}, "a", id="error.message"),
        pytest.param({"error": {"name": "X", "details": {"reason": "a"}}}, "a", id="deeper"),
        pytest.param({"error": ["EQuery:Unknown asset pair"]}, "EQuery:Unknown asset pair",
                     id="a list"),
        pytest.param({"error": {"__all__": ["You need $1.26"]}}, "__all__: You need $1.26",
                     id="names of fields"),
        pytest.param({"errors": [{"code": 3, "message": "a"}, {"message": "b"}]}, "a, b",
                     id="a list of objects"),
        pytest.param({"status": {"error_code": 1, "error_message": "a"}}, "a",
                     id="status.error_message"),
        pytest.param({"status": 500, "error": "Internal Server Error"}, "Internal Server Error",
                     id="beside a status"),
        pytest.param(["error", 10020, "symbol: invalid"], "error, 10020, symbol: invalid",
                     id="the body is a list"),
        pytest.param("Too many requests", "Too many requests", id="the body is a text"),
        pytest.param({"error": {"code": 5, "ok": False}}, "code: 5, ok: false", id="no text"),
        pytest.param({"error": None, "message": "a"}, "a", id="null"),
        pytest.param({"error": {}, "message": "", "reason": "a"}, "a", id="empty ones"),
        pytest.param({"price": 5, "symbol": "X"}, "", id="no message"),
        pytest.param({"rows": [{"price": 5}]}, "", id="records"),
        pytest.param([{"price": 5}], "", id="a list of records"),
        pytest.param(None, "", id="null body"),
    ],
)  # fmt: skip
def test_the_reason_is_where_apis_have_it(body, reason):
    """Nested, in a list, or the body itself; nothing of a body that has none."""
    assert error_body.reason_in(body, None) == reason


def test_the_reason_of_a_deep_or_long_body_is_cut():
    """It is for one line."""
    deep = json.loads('{"error":' * 50 + '"a"' + "}" * 50)
    assert error_body.reason_in(deep, None) == ""
    assert error_body.reason_in({"error": list(range(99))}, None) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"


@pytest.mark.parametrize("levels", [60, 500, 501, 8_000])
def test_a_body_of_brackets_breaks_nothing(levels):
    """On no Python, whose limits differ."""
    body = error_body.decoded(b"[" * levels + b"]" * levels)
    assert (body is None) is (levels > 500)
    with pytest.raises(SourceRefusedError, match="the body reports") if body else nullcontext():
        error_body.raise_reason(RULES, body, request=REQUEST, problem="x")


def raised(captured: dict, *, rules: ErrorRules | None = RULES) -> str:
    source = HttpSource.model_validate(
        {"kind": "http", "base_url": "https://a.example", "path": "/x", "errors": rules}
    )
    paths = error_body.captures(source) | error_body.plain_captures(source)
    named = {name: captured[path] for name, path in paths.items() if path in captured}
    try:
        error_body.raise_if_failed(rules, named, request=REQUEST)
    except (RateLimitedError, SourceRefusedError, SourceUnavailableError) as error:
        return f"{type(error).__name__} {error}"
    return ""


@pytest.mark.parametrize(
    ("captured", "message"),
    [
        pytest.param({"code": 0, "text": "fine"}, "", id="success"),
        pytest.param({"text": "fine"}, "", id="no code"),
        pytest.param({"code": 7, "text": "a\nb s3cret"}, "SourceRefused.* '7' .a b [*]{3}.; check",
                     id="a number"),
        pytest.param({"code": 429}, "RateLimited.* '429': rate limited; retry in 5 s", id="a wait"),
        pytest.param({"code": "503"}, "SourceUnavailable.* '503'", id="a retry"),
        pytest.param({"code": False}, "SourceRefused.* 'false'; check", id="false"),
        pytest.param({"code": {"code": 503, "message": "a"}}, "SourceUnavailable.* reports 'a'",
                     id="an object"),
        pytest.param({"code": [], "text": {"en": "a"}}, r"SourceRefused.* '\[\]' .en: a.",
                     id="an empty list where codes of success are listed"),
    ],
)  # fmt: skip
def test_a_code_is_raised_as_what_it_means(captured, message):
    """With the code, the message, and without secrets."""
    if message:
        assert re.match(message, raised(captured))
    else:
        assert raised(captured) == ""


@pytest.mark.parametrize("text", ["error.code", "error.item", "error.x.code"])
@pytest.mark.parametrize(
    ("above", "is_failure"),
    [("too many requests", True), (5, True), (True, True), (None, False), ("", False),
     (False, False)],
)  # fmt: skip
def test_a_plain_value_where_the_path_goes_on_is_a_code(text, above, is_failure):
    """A source may send a text for an error where it sends an object for another."""
    rules = ErrorRules(code=text)
    assert bool(raised({"error": above}, rules=rules)) is is_failure
    assert bool(raised({text: None, "error": above}, rules=rules)) is is_failure


@pytest.mark.parametrize(
    ("captured", "shown"),
    [
        pytest.param({"error": "a"}, "error: a", id="a text"),
        pytest.param({"error": {"message": "a"}}, "error: a", id="an object"),
        pytest.param({"errors": ["a", "b"]}, "errors: a, b", id="a list"),
        pytest.param({"error": 5}, "error: 5", id="a number"),
        pytest.param({"error": True}, "error: true", id="true"),
        pytest.param({"success": False}, "success: false", id="no success"),
        pytest.param({"status": "ERROR"}, "status: ERROR", id="a status"),
    ],
)
def test_without_rules_what_every_api_means_by_its_name_is_a_failure(captured, shown):
    """The message says where a feed says otherwise."""
    message = raised(captured, rules=None)
    assert f"the body reports {shown!r}; check" in message
    assert "source.errors" in message


@pytest.mark.parametrize(
    "captured",
    [{"error": value} for value in (None, "", False, [], {}, 0, "0")]
    + [{"success": True}, {"success": 17}, {"ok": 1}, {"status": "ok"}, {"status": 200}, {}],
)
def test_without_rules_what_names_no_error_is_a_success(captured):
    """In each form in which APIs send it."""
    assert raised(captured, rules=None) == ""


@pytest.mark.parametrize(
    ("body", "is_failure"),
    [
        ({"code": "40034", "msg": "Parameter does not exist", "data": None}, True),
        ({"code": 0, "msg": "success", "data": None}, False),
        ({"code": 0, "message": "OK.", "data": None}, False),
        ({"data": None}, False),
    ],
)
def test_without_rules_a_message_instead_of_records_is_a_failure(body, is_failure):
    """Unless it says that all is well."""
    expected = pytest.raises(SourceRefusedError) if is_failure else nullcontext()
    with expected:
        error_body.raise_if_explained(body, request=REQUEST)


def test_each_code_of_a_list_counts_for_every_status():
    """Whichever place it has."""
    rules = ErrorRules.model_validate({"code": "error.item", "rate_limited": {"EAPI:*": "5s"}})
    body = {"error": ["EAPI:Rate limit exceeded", None, "WDatabase:Slow"]}
    code = error_body.code_in(body, rules)
    assert code == ["EAPI:Rate limit exceeded", "WDatabase:Slow"]
    assert rules.wait(code)
    assert error_body.reason_in(body, rules) == "EAPI:Rate limit exceeded, WDatabase:Slow"
    assert error_body.value_at({"e": [{"c": 1}, {}, {"c": 2}]}, "e.item.c") == [1, 2]
    assert error_body.value_at({"e": []}, "e.item") is None
