"""Keys are built and parsed in one place, each the inverse of the other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import UsageError
from include.ticklake.lake import layout
from include.ticklake.lake.layout import Area, SliceDay
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

FEED = "klines"
SLICE = Slice.of({"symbol": "BTCUSDT", "interval": "1h"})
WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")
DAY = Window.parse("20261122T000000Z-20261123T000000Z")
SHA256 = "0badc0de" * 8
FOLDER = "klines/symbol=BTCUSDT/interval=1h/date=2026-11-22"

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
slices = st.builds(
    lambda values: Slice(tuple(values.items())), st.dictionaries(names, texts, max_size=3)
)
windows = st.builds(
    lambda start_s, length_s: Window(
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start_s),
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start_s + length_s),
    ),
    st.integers(0, 10**10),
    st.integers(1, 10**6),
)
sha256s = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


@given(
    feed=names,
    slice_=slices,
    window=windows,
    sha256=sha256s,
    number=st.integers(0, 10**7),
)
def test_a_key_says_what_it_was_built_from(feed, slice_, window, sha256, number):
    """Whatever the slice's values are, and for every kind of object of a window."""
    keys = {
        layout.manifest_key(feed, slice_, window): (Area.MANIFESTS, False),
        layout.part_key(feed, slice_, window, number=number, sha256=sha256): (Area.JSON, False),
        layout.parquet_key(feed, slice_, window): (Area.PARQUET, False),
        layout.pending_key(feed, slice_, window, sha256=sha256): (Area.PENDING, False),
        layout.pending_key(feed, slice_, window, sha256=None): (Area.PENDING, False),
        layout.quarantine_key(feed, slice_, window): (Area.QUARANTINE, False),
    }
    assert len(keys) == 6
    day_key = layout.day_manifest_key(feed, slice_, layout.day_of(window))
    for key, (area, is_day) in {**keys, day_key: (Area.MANIFESTS, True)}.items():
        window = layout.day_of(window) if is_day else window
        parsed = layout.parse(key)
        assert (parsed.area, parsed.feed, parsed.slice) == (area, feed, slice_)
        assert (parsed.window, parsed.is_day) == (window, is_day)
        assert str(parsed) == key
        assert layout.window_name(key) == window.name
        assert layout.unit_path(key) == layout.unit_path(layout.manifest_key(feed, slice_, window))
        assert ".." not in key.split("/")


@given(root=st.sampled_from(["file:///lake", "s3://bucket/manifests/x/"]), slice_=slices)
def test_a_manifest_is_found_again_in_its_uri(root, slice_):
    """Also where the root has a folder of the same name."""
    for key in (
        layout.manifest_key(FEED, slice_, WINDOW),
        layout.day_manifest_key(FEED, slice_, DAY),
    ):
        assert str(layout.parse_manifest_uri(layout.uri(root, key))) == key


def test_keys_are_those_that_lakes_have():
    """The names on disk are a promise to every reader."""
    assert layout.manifest_key(FEED, SLICE, WINDOW) == f"manifests/{FOLDER}/{WINDOW.name}.json"
    assert layout.day_manifest_key(FEED, SLICE, DAY) == f"manifests/{FOLDER}/{DAY.name}.day.json"
    assert layout.part_key(FEED, SLICE, WINDOW, number=7, sha256=SHA256) == (
        f"json/{FOLDER}/{WINDOW.name}.part-00007.0badc0de.json.gz"
    )
    assert layout.parquet_key(FEED, SLICE, DAY) == f"parquet/{FOLDER}/{DAY.name}.parquet"
    assert layout.pending_key(FEED, SLICE, WINDOW, sha256=SHA256) == (
        f"late/{FOLDER}/{WINDOW.name}.0badc0de.parquet"
    )
    assert layout.quarantine_key(FEED, SLICE, WINDOW) == (
        f"quarantine/{FOLDER}/{WINDOW.name}.jsonl.gz"
    )
    assert layout.checkpoint_folder(FEED, SLICE, WINDOW) == (
        f"_incomplete/json/{FOLDER}/{WINDOW.name}"
    )
    assert layout.latest_key(FEED, SLICE) == "latest/klines/symbol=BTCUSDT/interval=1h/latest.json"
    assert layout.latest_key(FEED, Slice()) == "latest/klines/latest.json"
    assert layout.schema_key(FEED) == "schemas/klines.json"
    assert layout.audit_report_key(FEED, WINDOW.start) == (
        "reports/klines/date=2026-11-22/20261122T050000Z.audit.json"
    )
    parquet = layout.parquet_key(FEED, SLICE, WINDOW)
    assert layout.iceberg_file_key(FEED, date(2026, 11, 22), parquet, sha256=SHA256) == (
        f"iceberg/klines/data/date=2026-11-22/{WINDOW.name}-0badc0de0badc0de.parquet"
    )
    assert layout.manifest_key(FEED, Slice(), WINDOW) == (
        f"manifests/klines/date=2026-11-22/{WINDOW.name}.json"
    )


def test_what_is_incomplete_already_stays_where_it_is():
    """An unfinished object may itself be written in two steps."""
    assert layout.incomplete("json/x") == "_incomplete/json/x"
    assert layout.incomplete("_incomplete/json/x") == "_incomplete/json/x"


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "a=b", "é", "a\n"])
def test_unsafe_names_are_refused(name):
    """A name that would lead elsewhere, or be read as another key."""
    with pytest.raises(UsageError, match="is not the name of a feed"):
        layout.feed_folder(Area.JSON, name)
    with pytest.raises(UsageError, match="is not the name of a slice"):
        layout.slice_folder(Area.JSON, FEED, Slice(((name, "x"),)))


@pytest.mark.parametrize(
    "value", ["..", "../..", "a/b", "a\\b", "", "date=2026-11-22", "%2F", "\0"]
)
def test_values_of_a_slice_stay_in_their_folder(value):
    """Each value is one segment of the key, and comes back as it was."""
    slice_ = Slice.of({"symbol": value})
    key = layout.manifest_key(FEED, slice_, WINDOW)
    assert len(key.split("/")) == 5
    assert layout.parse(key).slice == slice_


@pytest.mark.parametrize(
    "key",
    [
        "",
        "manifests",
        f"{WINDOW.name}.json",
        "manifests/klines",
        f"manifests/klines/{WINDOW.name}.json",
        f"manifests/klines/date=2026-11-23/{WINDOW.name}.json",
        f"manifests/klines/BTCUSDT/date=2026-11-22/{WINDOW.name}.json",
        f"manifests/../date=2026-11-22/{WINDOW.name}.json",
        f"manifests/klines/symbol=a%2fb/date=2026-11-22/{WINDOW.name}.json",
        f"manifests/klines//date=2026-11-22/{WINDOW.name}.json",
        "manifests/klines/date=2026-11-22/20261122T050000Z.json",
        f"manifests/klines/date=2026-11-22/{WINDOW.name}",
        f"manifests/klines/date=2026-11-22/{WINDOW.name}.parquet",
        f"manifests/klines/date=2026-11-22/{WINDOW.name}.json/",
        f"parquet/klines/date=2026-11-22/{WINDOW.name}.json",
        f"json/klines/date=2026-11-22/{WINDOW.name}.part-0.0badc0de.json.gz",
        f"latest/klines/date=2026-11-22/{WINDOW.name}.json",
        f"elsewhere/klines/date=2026-11-22/{WINDOW.name}.json",
    ],
)
def test_no_other_text_is_taken_for_a_key(key):
    """A key is an argument of commands, and what is written follows from it."""
    for parse in (layout.parse, layout.parse_manifest, layout.parse_window_manifest):
        with pytest.raises(UsageError, match="write it as"):
            parse(key)


def test_a_command_for_manifests_takes_no_other_object():
    """Nor one for windows the manifest of a day."""
    with pytest.raises(UsageError, match="is not a manifest"):
        layout.parse_manifest(layout.parquet_key(FEED, SLICE, WINDOW))
    assert layout.parse_manifest(layout.day_manifest_key(FEED, SLICE, DAY)).is_day
    with pytest.raises(UsageError, match="is not a window's manifest"):
        layout.parse_window_manifest(layout.day_manifest_key(FEED, SLICE, DAY))


@pytest.mark.parametrize(
    "name", ["2026-11-22", "date=", "date=2026-13-01", "date=20261122", "symbol=2026-11-22", "x"]
)
def test_no_other_folder_is_taken_for_a_date(name):
    """A folder that someone else made is passed over."""
    assert layout.parse_date_folder(name) is None
    assert layout.parse_date_folder("date=2026-11-22") == date(2026, 11, 22)


def test_a_day_begins_at_midnight_utc():
    """A window belongs to the day in which it begins."""
    night = Window.parse("20261122T230000Z-20261123T010000Z")
    assert [layout.day_of(window) for window in (WINDOW, night, DAY)] == [DAY, DAY, DAY]


def test_a_slice_s_day_is_the_same_folder_in_every_area():
    """So an area is looked through by the folders of another."""
    slice_day = SliceDay(SLICE, date(2026, 11, 22))
    assert slice_day.path == "symbol=BTCUSDT/interval=1h/date=2026-11-22"
    assert layout.day_folder(Area.JSON, FEED, slice_day) == f"json/{FOLDER}"
    assert layout.window_folder(Area.JSON, FEED, SLICE, WINDOW) == f"json/{FOLDER}"


def test_the_manifest_of_a_day_is_of_a_whole_utc_day():
    """Of another window the day's file would be the window's own."""
    key = layout.day_manifest_key(FEED, SLICE, DAY)
    assert layout.parse(key).is_day
    for name in ("20261122T050000Z-20261122T060000Z", "20261122T120000Z-20261123T120000Z"):
        with pytest.raises(UsageError, match="is not the key of a window's object"):
            layout.parse(key.replace(DAY.name, name))
