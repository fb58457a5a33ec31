"""An HTTP source reads its rules from the feed: codes, rate limits, captured values."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.ticklake.feed.http_source import HttpSource
from tests.support.feed_files import VALID, mistakes


def source(**changes: object) -> HttpSource:
    return HttpSource.model_validate(
        {"kind": "http", "base_url": "https://api.example.com", "path": "/rows"} | changes
    )


@pytest.mark.parametrize(
    ("paging", "option"),
    [
        pytest.param({"kind": "cursor", "param": "c", "cursor": "x"}, "cursor", id="cursor"),
        pytest.param({"kind": "next_url", "url": "x"}, "url", id="url"),
        pytest.param({"kind": "offset", "total": "x"}, "total", id="total"),
        pytest.param({"kind": "offset", "has_more": "x"}, "has_more", id="more, of offsets"),
        pytest.param({"kind": "page", "has_more": "x"}, "has_more", id="more, of pages"),
    ],
)
def test_paging_refers_to_captured_values(paging, option):
    """Every option that a paging style declares so; the error names the option and the fix."""
    with pytest.raises(ValidationError, match="refers to 'x', which is not captured; add `capture"):
        source(paging=paging)
    captured = source(paging=paging, capture={"x": "meta.x"})
    assert option in captured.paging.captured_options


def test_placeholders_are_in_the_path_the_parameters_and_paging():
    """With where they are in the file."""
    paging = {
        "kind": "id_forward", "param": "id", "field": "id", "first_params": {"a": "{start_ms}"},
    }  # fmt: skip
    params = {"limit": 5, "s": "{symbol}", "of": ["{symbol}"]}
    templates = source(path="/{symbol}", params=params, paging=paging).templates()
    assert list(templates) == [
        (("source", "path"), "/{symbol}"),
        (("source", "params", "s"), "{symbol}"),
        (("source", "params", "of", 0), "{symbol}"),
        (("source", "paging", "first_params", "a"), "{start_ms}"),
    ]


def test_the_host_is_that_of_the_base_url():
    """Without its port: limits are per host."""
    assert source(base_url="https://api.example.com:8443/").host == "api.example.com"


@pytest.mark.parametrize("url", ["https://a.example/v1", "https://a.example?x=1", "https://u@a.b"])
def test_a_base_url_is_scheme_and_host_only(url):
    """A path belongs into path, a login into a connection."""
    with pytest.raises(ValidationError, match="must be scheme and host only"):
        source(base_url=url)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("paging: {param: x}", "5: source.paging.kind: missing", id="no kind"),
        pytest.param("paging: {kind: id_forwrd}", "5: source.paging.kind: 'id_forwrd' is not one "
                     "of single, ", id="unknown kind"),
        pytest.param("paging:\n    kind: time_forward\n    start_parm: x",
                     "7: source.paging.start_parm: unknown key; did you mean 'start_param'?",
                     id="unknown name"),
        pytest.param("paging: {kind: time_forward}", "5: source.paging.start_param: missing",
                     id="missing"),
        pytest.param("paging: {kind: cursor, param: c, cursor: nxt}", "5: source.paging.cursor: "
                     "refers to 'nxt', which is not captured; add `capture: {nxt: "
                     "path.in.the.body}`",
                     id="nothing captures it"),
        pytest.param("paging: {kind: id_forward, param: i, field: a,\n    first_params: "
                     "{startTime: '{strt_ms}'}}", "6: source.paging.first_params.startTime: "
                     "unknown placeholder 'strt_ms' in '{strt_ms}'; did you mean 'start_ms'?",
                     id="template"),
        pytest.param("params: {limit: {a: 1}}", "5: source.params.limit: must be text, a whole "
                     "number, true or false, a number, and neither .inf nor .nan, or a list",
                     id="several types"),
        pytest.param("body: {a: 1}", "5: source.body: a GET sends none; write method: POST",
                     id="the body of a GET"),
        pytest.param("method: POST\n  form: {a: 1}\n  body: {a: 1}", "6: source.form: a request "
                     "has one body; remove form or body", id="two bodies"),
        pytest.param("method: POST\n  body: {a: [{b: '{x}'}]}", "6: source.body.a.0.b: unknown "
                     "placeholder 'x' in '{x}'", id="template in a body"),
        pytest.param("method: POST\n  body: {a: 1}\n  paging: {kind: page, param: a.b}", "7: "
                     "source.paging.param: 'a.b' leads nowhere in source.body: 'b' cannot be in 1, "
                     "which is not an object; correct the path, or name the parameter in "
                     "source.params", id="a parameter that has no place in the body"),
        pytest.param("method: PUT", "5: source.method: 'PUT' is not one of GET, POST",
                     id="another method"),
        pytest.param("params:\n    from: '{strt_ms}'", "6: source.params.from: unknown placeholder "
                     "'strt_ms' in '{strt_ms}'; did you mean 'start_ms'?", id="template in params"),
        pytest.param("headers: {a: 5}", "5: source.headers.a: must be text",
                     id="a number in a header"),
        pytest.param("auth: {kind: header, connection: x}", "5: source.auth: name or headers "
                     "is required for kind header", id="auth"),
        pytest.param("auth: {kind: body, name: key, connection: x}", "5: source.auth.kind: a GET "
                     "sends no body; write method: POST", id="a key in the body of a GET"),
        pytest.param("method: POST\n  body: {a: 1}\n  auth: {kind: body, name: a.b, connection: x}",
                     "7: source.auth.name: 'a.b' leads nowhere in source.body: 'b' cannot be in 1, "
                     "which is not an object; correct the path", id="a key that has no place"),
        pytest.param("rate_limit: {used_header: X}", "5: source.rate_limit: used_header, quota "
                     "and quota_period must be set together", id="rate limit"),
    ],
)  # fmt: skip
def test_mistakes_in_a_source_are_reported_without_the_names_of_our_classes(
    tmp_path, source, message
):
    """Kinds of paging and types of values do not stand in the way that is shown."""
    lines = mistakes(tmp_path, VALID.replace("  path: /rows", f"  path: /rows\n  {source}"))
    assert any(line.startswith(f"small.yaml:{message}") for line in lines), lines


def test_all_mistakes_are_told_at_once(tmp_path):
    """A line each, in the order of the file's names."""
    text = VALID.replace("int64", "int").replace("unit: ms", "unit: x") + "foo: 1\n"
    assert [line.split(": ")[1] for line in mistakes(tmp_path, text)] == [
        "fields.id.type", "fields.at.unit", "foo",
    ]  # fmt: skip
