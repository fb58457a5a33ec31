"""``feeds --check`` refuses what can never work, in the words of feed files."""

from __future__ import annotations

from shutil import copy

import pytest

from include.ticklake.__main__ import main
from include.ticklake.feed import loader
from tests.support.feed_checks import check, refused
from tests.support.feed_files import VALID


def with_source(line: str) -> str:
    return VALID.replace("  path: /rows\n", f"  path: /rows\n  {line}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            with_source("records: $.data"),
            "mine.yaml:5: source.records: '$.data' is not "
            "a path; write names with dots between them: 'data'",
            id="records: $.data",
        ),
        pytest.param(with_source("records: data[*]"), "between them: 'data'", id="data[*]"),
        pytest.param(with_source("records: $[*]"), "between them: '$'", id="$[*]"),
        pytest.param(
            with_source("records: $[0].rows"), "between them: 'item.rows'", id="$[0].rows"
        ),
        pytest.param(with_source("records: /data"), "between them: 'data'", id="/data"),
        pytest.param(with_source("records: a/b"), "between them: 'a.b'", id="a/b"),
        pytest.param(
            VALID.replace("from: t", 'from: "a[0]"'),
            "mine.yaml:7: fields.at.from: 'a[0]' "
            "is not a path; write names and positions with dots between them: 'a.0'",
            id="from: a[0]",
        ),
        pytest.param(
            VALID.replace("from: t", "from: $ts"),
            "mine.yaml:7: fields.at.from: '$ts' is "
            "not a path; write names with dots between them: 'ts'",
            id="from: $ts",
        ),
        pytest.param(
            VALID.replace("from: t", "from: $fetched"),
            "did you mean '$fetched_at'?",
            id="from: $fetched",
        ),
        pytest.param(
            with_source("capture: {next: $.meta.next}"),
            "source.capture.next: "
            "'$.meta.next' is not a path; write names with dots between them: 'meta.next'",
            id="a captured path",
        ),
        pytest.param(
            with_source("errors: {code: $.code}"),
            "source.errors.code: '$.code' is not a "
            "path; write names with dots between them: 'code'",
            id="a path of a code",
        ),
        pytest.param(
            with_source("params: {day: '{start:yyyy}'}"),
            "mine.yaml:5: source.params.day: "
            "'{start:yyyy}' in '{start:yyyy}' is not a placeholder, which is a name in braces, "
            "for a time with a format: {start:%Y-%m-%d}; known: {start_iso}, {end_iso},",
            id="{start:yyyy} in parameters",
        ),
        pytest.param(
            with_source("params: {day: '{{start}}'}"), "unknown placeholder 'start'", id="{{start}}"
        ),
        pytest.param(
            with_source("params: {day: '{{start_ms}}'}"), "'{{start_ms}}' in", id="{{start_ms}}"
        ),
        pytest.param(
            with_source("params: {day: '{start.year}'}"), "'{start.year}' in", id="{start.year}"
        ),
        pytest.param(with_source("params: {day: '{0}'}"), "unknown placeholder '0'", id="{0}"),
        pytest.param(with_source("params: {day: '{}'}"), "'{}' in '{}' is not", id="{}"),
        pytest.param(with_source("params: {day: '{start_ms'}"), "'{start_ms' in", id="open brace"),
        pytest.param(with_source("params: {day: 'start_ms}'}"), "'}' in", id="closing brace"),
        pytest.param(
            with_source("headers: {X-Day: '{start_ms}'}"),
            "source.headers.X-Day: {start_ms} "
            "is not filled in here; use it in path, params, body or paging",
            id="in a header",
        ),
        pytest.param(
            VALID + "window: 7h\n",
            "mine.yaml:8: window: windows of 7h do not line up with "
            "the clock, so that Airflow cannot schedule them; write 6h or 8h",
            id="7h",
        ),
        pytest.param(VALID + "window: 25m\n", "write 20m or 30m", id="25m"),
        pytest.param(VALID + "window: 40d\n", "write 1w", id="40d"),
        pytest.param(VALID + "window: 1.5h\n", "'1.5h' is not a length of time", id="1.5h"),
        pytest.param(
            with_source(
                "paging: {kind: cursor, param: c, cursor: n, end: inclusive}\n  capture: {n: next}"
            ),
            "mine.yaml:5: source.paging.end: unknown key here; 'end' belongs under "
            "`source.paging` of kind time_forward, time_backward, time_steps",
            id="paging.end, not cursor.unknown",
        ),
        pytest.param(
            with_source("paging: {kind: cursor, param: c, cursr: n}"),
            "source.paging.cursr: unknown key; did you mean 'cursor'?",
            id="a near miss of cursor's own",
        ),
        pytest.param(
            with_source("paging: {kind: time_steps, end_parm: e}"),
            "source.paging.end_parm: unknown key; did you mean 'end_param'?",
            id="a near miss of another kind",
        ),
        pytest.param(
            with_source("paging: {param: c}"),
            "source.paging.kind: missing; write one of single, newest_only,",
            id="no kind",
        ),
        pytest.param(
            with_source("paging: {kind: curser}"), "did you mean 'cursor'?", id="a wrong kind"
        ),
        pytest.param(
            with_source("paging: cursor"), "source.paging: must be a mapping", id="a text"
        ),
        pytest.param(
            with_source("paging:"),
            "source.paging: must be a mapping; it is empty: remove it, or write its options",
            id="nothing",
        ),
        pytest.param(
            VALID + "limits: []\n", "limits: must be a mapping", id="a list for a mapping"
        ),
        pytest.param(
            VALID + "snapshot: no\n", "snapshot: must be true or false; write false", id="Norway"
        ),
        pytest.param(
            VALID + "limits: {attempts: 010}\n",
            "must be a whole number; write it as 10",
            id="octal",
        ),
        pytest.param(VALID + "limits: {max_bad_share: 1e-3}\n", "write it as 0.001", id="exponent"),
        pytest.param("", "mine.yaml:1: not a mapping; a feed has source, slices", id="empty"),
        pytest.param("- a\n", "mine.yaml:1: not a mapping", id="a list at the top"),
        pytest.param(
            VALID + "---\n" + VALID,
            "mine.yaml:8: not YAML: more than one document",
            id="two documents",
        ),
        pytest.param(
            VALID.encode("utf-16"), "mine.yaml:1: not UTF-8; save the file as UTF-8", id="UTF-16"
        ),
        pytest.param(
            VALID.replace("  kind", "\tkind"),
            "mine.yaml:2: not YAML: a tab; indent with blanks",
            id="a tab",
        ),
        pytest.param(
            VALID + "window: 1h\nwindow: 2h\n",
            "mine.yaml:9: duplicate key 'window', first used in line 8",
            id="a duplicate key",
        ),
        pytest.param(
            VALID + "true: x\n",
            "mine.yaml:8: true: the name must be text; quote it",
            id="a name that is no text",
        ),
    ],
)
def test_a_check_refuses_what_can_never_work(tmp_path, text, message):
    """With the file, the line, the option's path, and how it is written here."""
    assert message in refused(tmp_path, text)


def test_a_byte_order_mark_and_braces_of_json_are_no_mistakes(tmp_path):
    """What works is not refused."""
    text = with_source("""params: {filter: '{"time": {"from": "{start_iso}"}}'}""")
    assert check(tmp_path, b"\xef\xbb\xbf" + text.encode()) == (0, [])


def test_a_check_warns_about_a_feed_that_allows_a_null_key(tmp_path):
    """Such a feed works, so the command ends with 0."""
    text = VALID.replace("key: true", "key: true, required: false")
    assert check(tmp_path, text) == (0, [
        "warning: mine.yaml:6: fields.id.required: a record without this part of the key is never "
        "removed as a duplicate; remove `required: false`, or `key: true`",
    ])  # fmt: skip


def test_a_check_does_not_warn_about_what_is_shipped(monkeypatch, capsys):
    """Who checks a feed of their own cannot change those; their files say why they are so."""
    monkeypatch.delenv("TICKLAKE_FEEDS", raising=False)
    assert main(["feeds", "--check"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", sorted(loader.SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_feed_passes(tmp_path, path):
    """Kraken left out the ids of trades until 2022, so its feed allows a null key."""
    if path.stem == "binance_usdt_klines":  # its slices are those that another feed lists
        copy(loader.SHIPPED / "binance_symbols.yaml", tmp_path)
    exit_code, lines = check(tmp_path, path.read_text())
    assert exit_code == 0
    assert [line.split(": ")[2] for line in lines] == ["fields.trade_id.required"] * (
        path.stem == "kraken_trades"
    )
