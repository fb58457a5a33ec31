"""A database feed says what is wrong with its query when it is written, not when it runs."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
import yaml
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import FeedFileError
from include.ticklake.feed import loader
from include.ticklake.feed.sql_source import SqlSource
from tests.support.sql_feeds import EVENTS, feed

GOOD = {
    "source": {"kind": "sql", "connection": "shop", "query": EVENTS},
    "fields": {
        "id": {"type": "int64", "key": True},
        "at": {"type": "timestamp", "unit": "iso", "event_time": True},
    },
}


def source(query: str) -> SqlSource:
    return SqlSource(kind="sql", connection="shop", query=query)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("at >= :start AND at < :end", {"start", "end"}, id="plain"),
        pytest.param("a::text = :symbol::text", {"symbol"}, id="casts"),
        pytest.param("at >= :start::timestamptz)", {"start"}, id="a parameter that is cast"),
        pytest.param(r"d->>'a\:b' = :b", {"b"}, id="an escaped colon"),
        pytest.param("'05:30' < :at", {"at"}, id="a time of day"),
        pytest.param("a := 1", set(), id="an assignment"),
        pytest.param("(:a,:b)", {"a", "b"}, id="without blanks"),
    ],
)
def test_parameters_are_found_where_sqlalchemy_binds_them(query, names):
    """Nothing is bound that was not checked, and nothing is left over."""
    found = source(query)
    assert found.parameters == names
    assert set(sa.text(found.text)._bindparams) == names


@given(st.text("ab:\\ '1(", max_size=12))
def test_any_text_has_the_parameters_that_sqlalchemy_binds(query):
    """Also where colons stand in odd places."""
    found = source(f"x{query}")
    assert set(sa.text(found.text)._bindparams) == found.parameters


def write(folder, **changes):
    path = folder / "orders.yaml"
    path.write_text(yaml.safe_dump(GOOD | changes, sort_keys=False))
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param(
            {"query": EVENTS.replace(":end", ":ende")},
            "4: source.query: unknown query parameter :ende; did you mean ':end'?",
            id="typo",
        ),
        pytest.param(
            {"query": "SELECT 1 ORDER BY 1"},
            "4: source.query: :start and :end are not used",
            id="no bounds",
        ),
        pytest.param(
            {"query": EVENTS.partition(" ORDER")[0]},
            "4: source.query: ORDER BY is missing",
            id="no order",
        ),
        pytest.param(
            {"timezone": "Europe/Bern"},
            "5: source.timezone: 'Europe/Bern' is not a time zone",
            id="zone",
        ),
        pytest.param(
            {"timezone": "../UTC"}, "5: source.timezone: '../UTC' is not a time zone", id="no zone"
        ),
        pytest.param(
            {"query": EVENTS.replace(":start", ":start_local")},
            "4: source.query: local parameters need a time zone; set source.timezone",
            id="local",
        ),
        pytest.param({"connection": "post gres"}, "3: source.connection", id="connection"),
        pytest.param(
            {"fetch_row": 5},
            "5: source.fetch_row: unknown key; did you mean 'fetch_rows'",
            id="name",
        ),
        pytest.param(
            {"kind": "sequel"}, "2: source.kind: 'sequel' is not one of http, sql", id="kind"
        ),
        pytest.param({"kind": None}, "2: source.kind: null is not one of http, sql", id="no kind"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_field(tmp_path, changes, said):
    """A person finds it without knowing the program."""
    path = write(tmp_path, source=GOOD["source"] | changes)
    with pytest.raises(FeedFileError) as wrong:
        loader.read_feed(path)
    assert f"{path}:{said}" in str(wrong.value)


def test_a_slice_is_used_and_is_no_bound():
    """A query without the slice would put every row into every slice."""
    with pytest.raises(ValueError, match=":symbol is not used"):
        feed(slices={"symbol": ["BTCUSDT"]})
    with pytest.raises(
        ValueError, match="clashes with a built-in query parameter; rename the slice"
    ):
        feed(slices={"start": ["a"]})


def test_a_table_without_a_time_is_a_snapshot():
    """Then neither bounds nor an order are asked for."""
    fields = {"id": {"type": "int64", "key": True}}
    fetched = {"at": {"from": "$fetched_at", "type": "timestamp", "event_time": True}}
    found = feed("SELECT id FROM shops", fields=fields | fetched, snapshot=True)
    assert found.host == "shop"
