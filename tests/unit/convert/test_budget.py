"""The cap alone decides every size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.convert.budget import MINIMUM_CAP_BYTES, Budget, budget_for
from include.ticklake.errors import UsageError
from include.ticklake.model.sizes import GIB, KIB, MIB, format_bytes

CAPS = st.integers(min_value=MINIMUM_CAP_BYTES, max_value=64 * GIB)


@pytest.mark.parametrize(
    ("cap_bytes", "budgets"),
    [
        pytest.param(
            96 * MIB,
            Budget(
                block_bytes=512 * KIB,
                row_group_rows=65_536,
                row_group_bytes=4 * MIB,
                workers=1,
                ahead_bytes=0,
                reversed_bytes=16 * MIB,
                max_columns=819,
                side_by_side_bytes=32 * MIB // 3,
            ),
            id="the smallest cap",
        ),
        pytest.param(
            128 * MIB,
            Budget(
                block_bytes=MIB,
                row_group_rows=131_072,
                row_group_bytes=8 * MIB,
                workers=2,
                ahead_bytes=4 * MIB,
                reversed_bytes=32 * MIB,
                max_columns=2_457,
                side_by_side_bytes=32 * MIB,
            ),
            id="the default cap",
        ),
        pytest.param(
            512 * MIB,
            Budget(
                block_bytes=4 * MIB,
                row_group_rows=524_288,
                row_group_bytes=32 * MIB,
                workers=8,
                ahead_bytes=64 * MIB,
                reversed_bytes=128 * MIB,
                max_columns=22_118,
                side_by_side_bytes=288 * MIB,
            ),
            id="a roomy cap",
        ),
    ],
)
def test_sizes_follow_from_the_cap(cap_bytes, budgets):
    """The table in the module's docstring is what the formula gives."""
    assert budget_for(cap_bytes) == budgets


@given(CAPS, CAPS)
def test_a_larger_cap_never_gives_a_smaller_size(one, other):
    """Raising the cap is always the right advice."""
    small, large = budget_for(min(one, other)), budget_for(max(one, other))
    for name in Budget.__slots__:
        assert getattr(small, name) <= getattr(large, name)


@given(CAPS)
def test_blocks_and_a_row_group_fit_into_a_quarter_of_the_cap(cap_bytes):
    """What is in flight at once leaves room for the interpreter, Arrow and the encoder."""
    budgets = budget_for(cap_bytes)
    in_flight_bytes = budgets.ahead_bytes + budgets.row_group_bytes
    assert in_flight_bytes <= cap_bytes / 4 or budgets.workers == 8


@pytest.mark.parametrize(
    "cap_bytes",
    [pytest.param(MINIMUM_CAP_BYTES - 1, id="just below"), pytest.param(1, id="a byte")],
)
def test_a_cap_below_the_minimum_is_refused(cap_bytes):
    """The message gives the minimum and the settings to change."""
    with pytest.raises(UsageError, match=r"TICKLAKE_CAP.*`cap`.*96 MiB or more"):
        budget_for(cap_bytes)


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        pytest.param(300, "300 bytes", id="bytes"),
        pytest.param(512 * KIB, "512 KiB", id="kibibytes"),
        pytest.param(134_217_728, "128 MiB", id="mebibytes"),
        pytest.param(3 * GIB // 2, "1.5 GiB", id="gibibytes"),
    ],
)
def test_sizes_are_shown_short(size_bytes, shown):
    """People read them in messages."""
    assert format_bytes(size_bytes) == shown


def test_more_columns_than_fit_are_refused_with_the_cap_that_holds_them():
    """That cap is enough, and the one before is not."""
    with pytest.raises(UsageError, match=r"feed x: 10,000 columns .* 2,457; .* to 288 MiB or more"):
        budget_for(128 * MIB).check_columns(10_000, feed="x")
    budget_for(288 * MIB).check_columns(10_000, feed="x")
    budget_for(128 * MIB).check_columns(2_457, feed="x")
    with pytest.raises(UsageError):
        budget_for(256 * MIB).check_columns(10_000, feed="x")
