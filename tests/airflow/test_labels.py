"""What the grid shows for a mapped task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.operators.dag_support import labels
from include.ticklake.lake import layout
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, split_range

NIGHT = datetime(2026, 1, 2, tzinfo=UTC)


def units(*slices: Slice, hours: int = 1) -> list[Unit]:
    windows = list(split_range(NIGHT, NIGHT + timedelta(hours=hours), length=timedelta(hours=1)))
    return [Unit(piece, window) for piece in slices for window in windows]


def symbols(count: int) -> list[Slice]:
    return [Slice.of({"symbol": f"S{number}", "interval": "1h"}) for number in range(count)]


CASES = [
    pytest.param(units(*symbols(1)), "S0 1h, 2026-01-02 00:00", id="one slice, one window"),
    pytest.param(units(*symbols(2)), "S0 1h, S1 1h, 2026-01-02 00:00", id="two slices"),
    pytest.param(
        units(*symbols(25), hours=24),
        "S0 1h, S1 1h, S2 1h +22, 2026-01-02 00:00 +23",
        id="a large batch",
    ),
    pytest.param(units(Slice()), "2026-01-02 00:00", id="a feed without slices"),
    pytest.param(units(Slice.of({"pair": "XBT/USD"})), "XBT/USD, 2026-01-02 00:00", id="a slash"),
    pytest.param([], "nothing", id="an empty batch"),
]


@pytest.mark.parametrize(("batch", "expected"), CASES)
def test_a_batch_is_shown_by_what_is_in_it(batch, expected):
    """A few names, a time, and how many more there are."""
    assert labels.units_label([unit.as_dict() for unit in batch]) == expected


@pytest.mark.parametrize(("batch", "expected"), CASES)
def test_manifests_are_shown_as_their_units_are(batch, expected):
    """``convert`` is labelled like the ``extract`` before it."""
    root = "s3://bucket/manifests/of/mine"
    uris = [f"{root}/{layout.manifest_key('bars', unit.slice, unit.window)}" for unit in batch]
    assert labels.manifests_label(uris) == expected


def test_a_label_fits_airflows_column():
    """Airflow keeps 250 characters."""
    long = units(Slice.of({"symbol": "S" * 300}))
    assert len(labels.units_label([unit.as_dict() for unit in long])) == 250


def test_windows_are_named_as_manifests_name_them():
    """A label reads the window back from the manifest's own key."""
    window = Window(NIGHT, NIGHT + timedelta(minutes=15))
    key = layout.manifest_key("bars", Slice(), window)
    assert labels.manifests_label([f"file:///lake/{key}"]) == "2026-01-02 00:00"
