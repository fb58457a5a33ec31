"""The trigger form of a feed, and what people fill in."""

from __future__ import annotations

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.model.slice import Slice

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

SOURCE = {"kind": "http", "base_url": "https://api.example.com", "path": "/bars"}
SLICES = {"symbol": ["BTCUSDT", "ETHUSDT"], "interval": ["1m", "1h"]}
TIME = {"type": "timestamp", "unit": "ms", "event_time": True}


def feed(**changes: object) -> Feed:
    """A small feed with two symbols and two intervals."""
    described = {
        "name": "bars",
        "description": "Bars",
        "slices": SLICES,
        "fields": {"t": TIME},
    } | changes
    params = {name: f"{{{name}}}" for name in described["slices"]}
    return Feed.model_validate(described | {"source": SOURCE | {"params": params}})


def snapshot(**changes: object) -> Feed:
    now = {"from": "$fetched_at", "type": "timestamp", "event_time": True}
    return feed(snapshot=True, fields={"fetched_at": now}, **changes)


def pieces(*pairs: tuple[str, str]) -> list[Slice]:
    return [Slice.of({"symbol": symbol, "interval": interval}) for symbol, interval in pairs]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(None, None, id="nothing"),
        pytest.param([], None, id="an emptied list"),
        pytest.param([" ", ""], None, id="empty lines"),
        pytest.param(["symbol=BTCUSDT,interval=1h"], pieces(("BTCUSDT", "1h")), id="one slice"),
        pytest.param(["interval=1h,symbol=BTCUSDT"], pieces(("BTCUSDT", "1h")), id="any order"),
        pytest.param(
            ["symbol=ETHUSDT"], pieces(("ETHUSDT", "1m"), ("ETHUSDT", "1h")), id="one value"
        ),
        pytest.param(
            ["interval=1h", "symbol=BTCUSDT,interval=1h"],
            pieces(("BTCUSDT", "1h"), ("ETHUSDT", "1h")),
            id="each once",
        ),
    ],
)
def test_chosen_slices_are(asked, expected):
    """A line names a slice, or all that have its values."""
    from include.operators.dag_support import trigger_form

    assert trigger_form.selected_slices(feed(), asked) == expected


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param("symbol=BTCUSD", "did you mean 'symbol=BTCUSDT'", id="misspelt"),
        pytest.param("symbol=btcusdt", "did you mean", id="another case"),
        pytest.param("BTCUSDT", "did you mean 'symbol=BTCUSDT'", id="without its name"),
        pytest.param("venue=XNYS", "is not a slice of bars", id="another name"),
        pytest.param("symbol=BTCUSDT,interval=4h", "did you mean", id="a pair that is not there"),
    ],
)
def test_an_unknown_slice_is_refused(asked, message):
    """What is no slice of the feed is said, with what comes nearest."""
    from include.operators.dag_support import trigger_form

    with pytest.raises(UsageError, match=message):
        trigger_form.selected_slices(feed(), ["symbol=ETHUSDT", asked])


def test_every_field_of_the_form_may_stay_empty():
    """The defaults are valid, and so is what the form sends for emptied fields."""
    from include.operators.dag_support import trigger_form

    params = trigger_form.ingest_params(feed())
    assert list(params) == ["start", "end", "slices", "replace"]
    assert [param.resolve() for param in params.values()] == [None, None, None, False]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("start", "2026-01-02T03:00:00.000Z", id="as the form's picker writes it"),
        pytest.param("end", "2026-01-02T03:00:00+01:00", id="with an offset"),
        pytest.param("slices", ["symbol=BTCUSDT,interval=1h"], id="a chosen slice"),
        pytest.param("slices", ["symbol=BTCUSDT"], id="free text from the API"),
    ],
)
def test_the_form_accepts(name, value):
    """What people and programs send is valid before the run is made."""
    from include.operators.dag_support import trigger_form

    assert trigger_form.ingest_params(feed())[name].resolve(value) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("start", 1767322800, id="a number for a time"),
        pytest.param("slices", "symbol=BTCUSDT", id="text instead of a list"),
    ],
)
def test_the_form_refuses(name, value):
    """Airflow turns these down before there is a run."""
    from airflow.sdk.exceptions import ParamValidationError

    from include.operators.dag_support import trigger_form

    with pytest.raises(ParamValidationError):
        trigger_form.ingest_params(feed())[name].resolve(value)


@pytest.mark.parametrize("chosen", [None, False, True])
def test_only_a_run_that_says_so_replaces_what_was_fetched(chosen):
    """Every unit of its plan says it, for whichever task fetches it."""
    from include.operators.dag_support import trigger_form
    from include.operators.runners.extract_step import is_replacing

    options = trigger_form.unit_options({"replace": chosen})
    units = [{"slice": {}, "window": "w"} | options for _ in range(2)]
    assert is_replacing(units) == bool(chosen)
    assert options == ({"replace": True} if chosen else {})


def test_a_maintenance_form_has_feeds_a_range_and_slices():
    """All of them may stay empty; the feeds are a list to pick from."""
    from include.operators.dag_support import trigger_form

    params = trigger_form.maintenance_params(["bars", "ticks"], default_range="the last day")
    assert list(params) == ["feeds", "start", "end", "slices"]
    assert [param.resolve() for param in params.values()] == [None] * 4
    assert params["feeds"].schema["examples"] == ["bars", "ticks"]
    assert params["feeds"].resolve(["bars"]) == ["bars"]
    assert params["start"].schema["description_md"].endswith("Defaults to the last day.")


def test_slices_select_from_each_feed_that_has_them():
    """A feed with none of them is left out; a text that no feed knows is refused."""
    from include.operators.dag_support import trigger_form

    both = [feed(), feed(name="ticks", slices={"symbol": ["BTCUSDT", "SOLUSDT"]})]
    assert trigger_form.select_slices(both, None) is None
    assert trigger_form.select_slices(both, ["symbol=BTCUSDT"]) == {
        "bars": pieces(("BTCUSDT", "1m"), ("BTCUSDT", "1h")),
        "ticks": [Slice.of({"symbol": "BTCUSDT"})],
    }
    assert list(trigger_form.select_slices(both, ["symbol=SOLUSDT"])) == ["ticks"]
    with pytest.raises(UsageError, match="is not a slice of bars, ticks; did you mean"):
        trigger_form.select_slices(both, ["symbol=SOLUSD"])


def test_few_slices_are_a_list_to_pick_from():
    """Options keep the technical value and show the values alone."""
    from include.operators.dag_support import trigger_form

    schema = trigger_form.ingest_params(feed())["slices"].schema
    assert schema["examples"][1] == "symbol=BTCUSDT,interval=1h"
    assert schema["values_display"]["symbol=BTCUSDT,interval=1h"] == "BTCUSDT 1h"


def test_many_slices_are_typed_instead():
    """Thousands of options would take longer to draw than to type."""
    from include.operators.dag_support import trigger_form

    many = feed(slices={"symbol": [f"S{number}" for number in range(5000)]})
    schema = trigger_form.ingest_params(many)["slices"].schema
    assert "examples" not in schema
    assert schema["items"] == {"type": "string"}


def test_a_source_that_knows_only_the_present_is_asked_for_no_range():
    """Its past cannot be fetched."""
    from include.operators.dag_support import trigger_form

    assert list(trigger_form.ingest_params(snapshot(slices={}))) == []


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ("1h", "into 1-hour windows."),
        ("15m", "into 15-minute windows."),
        ("1d", "into 1-day windows."),
        ("1mo", "into 1-month windows."),
    ],
)
def test_the_form_says_how_long_a_window_is(window, said):
    """In words, not as a Python timedelta."""
    from include.operators.dag_support import trigger_form

    assert said in trigger_form.ingest_params(feed(window=window))["start"].schema["description_md"]


def test_slices_that_another_feed_lists_are_typed_in():
    """A DAG is read without the lake: its form and its page say where the values are from."""
    from include.operators.dag_support import trigger_form

    of_list = feed(slices=SLICES | {"symbol": {"feed": "symbols"}})
    field = trigger_form.ingest_params(of_list)["slices"]
    text = field.schema["description_md"]
    assert "such as `symbol=VALUE,interval=VALUE`" in text
    assert "Defaults to all that `symbols` lists" in text
    assert "examples" not in field.schema
    assert "by symbol, interval; symbol as `symbols` lists it" in trigger_form.dag_doc(of_list, "")
