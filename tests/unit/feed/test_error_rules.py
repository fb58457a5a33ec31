"""What a code in a body means: success, a wait, a retry or a failure, whatever its form."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from include.ticklake.feed import loader
from include.ticklake.feed.error_rules import ErrorRules
from include.ticklake.feed.http_source import HttpSource
from tests.support.feed_files import VALID

RULES = ErrorRules.model_validate(
    {"code": "code", "rate_limited": {429: "30s", "EAPI:Rate*": "15s"}, "retry": ["5*", True]}
)


def rules(*ok: object) -> ErrorRules:
    return ErrorRules.model_validate({"code": "code", "ok": list(ok)})


@pytest.mark.parametrize(
    ("ok", "code"),
    [
        pytest.param(True, True, id="[true]"),
        pytest.param("true", True, id="true as a text in the feed"),
        pytest.param(True, "true", id="true as a text in the body"),
        pytest.param(0, 0, id="[0]"),
        pytest.param("0", 0, id="0 as a text in the feed"),
        pytest.param(0, "0", id="0 as a text in the body"),
        pytest.param(0, Decimal("0.0"), id="0.0 in the body"),
        pytest.param(0.0, 0, id="0.0 in the feed"),
        pytest.param(1.5, Decimal("1.50"), id="another spelling of a number"),
        pytest.param(10**30, 10**30, id="a long number"),
        pytest.param(False, False, id="[false]"),
        pytest.param("", "", id="an empty text"),
        pytest.param("2*", 200, id="a pattern"),
        pytest.param("[ok]", "[ok]", id="signs that a pattern has"),
        pytest.param("ok", ["ok"], id="a list with nothing else"),
        pytest.param(0, {"code": 0, "message": None}, id="an object with nothing else"),
    ],
)
def test_a_code_that_is_listed_is_a_success(ok, code):
    """As the author writes it and as the source writes it."""
    assert rules(ok).is_ok(code)


@pytest.mark.parametrize(
    ("ok", "code"),
    [
        pytest.param(0, False, id="false is not 0"),
        pytest.param(1, True, id="true is not 1"),
        pytest.param(0, "", id="an empty text"),
        pytest.param(0, "00000", id="more digits"),
        pytest.param(True, [], id="an empty list"),
        pytest.param(True, {}, id="an empty object"),
        pytest.param(0, Decimal("1E+999999999"), id="a number without end"),
        pytest.param("ok", ["ok", "warning"], id="a list with something else"),
        pytest.param(0, {"code": 0, "message": "partial"}, id="an object with something else"),
    ],
)
def test_any_other_code_is_a_failure(ok, code):
    """Less is never taken for the whole."""
    assert not rules(ok).is_ok(code)


@pytest.mark.parametrize(
    ("code", "is_ok"),
    [
        pytest.param(None, True, id="null, or missing"),
        pytest.param("", True, id="an empty text"),
        pytest.param(False, True, id="false"),
        pytest.param([], True, id="an empty list, as Kraken sends it"),
        pytest.param({}, True, id="an empty object"),
        pytest.param(0, False, id="0"),
        pytest.param("0", False, id="0 as a text"),
        pytest.param(True, False, id="true"),
        pytest.param(["EQuery:Unknown asset pair"], False, id="a list"),
        pytest.param({"code": 5}, False, id="an object"),
        pytest.param([None], False, id="a list of null"),
    ],
)
def test_without_ok_what_names_no_error_is_a_success(code, is_ok):
    """All else is a failure, until `ok` lists it."""
    assert rules().is_ok(code) is is_ok


@pytest.mark.parametrize(
    ("code", "wait"),
    [
        pytest.param("EAPI:Rate limit exceeded", timedelta(seconds=15), id="a pattern"),
        pytest.param(429, timedelta(seconds=30), id="a number"),
        pytest.param("eapi:rate", None, id="other case"),
        pytest.param("500", None, id="another code"),
        pytest.param(["x", "EAPI:Rate limit exceeded"], timedelta(seconds=15), id="in a list"),
        pytest.param({"at": 7, "why": {"code": 429}}, timedelta(seconds=30), id="in an object"),
    ],
)
def test_a_code_says_how_long_to_wait(code, wait):
    """Patterns match the whole code, in its own case, wherever it is."""
    assert RULES.wait(code) == wait


@pytest.mark.parametrize(
    ("code", "is_retryable"),
    [("500", True), (503, True), (True, True), ("400", False), (["error", 503, "x"], True)],
)
def test_only_listed_codes_are_retried(code, is_retryable):
    """Any other code fails the task."""
    assert RULES.is_retryable(code) is is_retryable


def test_a_code_in_a_feed_is_one_word():
    """A list in the list is a mistake."""
    with pytest.raises(ValidationError, match="valid string"):
        rules([0])


def test_codes_are_read_from_a_feed_as_its_author_writes_them(tmp_path):
    """Without quotes too, in every list."""
    path = tmp_path / "small.yaml"
    errors = "{code: ok, ok: [true, 0, null, 1.50, '00'], retry: [-1], rate_limited: {7: 1s}}"
    path.write_text(VALID.replace("  path: /rows\n", f"  path: /rows\n  errors: {errors}\n"))
    source = loader.read_feed(path).source
    assert isinstance(source, HttpSource)
    assert source.errors
    assert source.errors.ok == ["true", "0", "null", "1.5", "00"]
    assert (source.errors.retry, list(source.errors.rate_limited)) == (["-1"], ["7"])
