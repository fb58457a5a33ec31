"""The cap alone decides every size, and a size that people write is read exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.budgets import (
    GIB,
    KIB,
    MIB,
    MINIMUM_CAP_BYTES,
    Budgets,
    parse_bytes,
    show_bytes,
    sizes,
)
from include.ticklake.errors import CallInvalid

CAPS = st.integers(min_value=MINIMUM_CAP_BYTES, max_value=64 * GIB)


@pytest.mark.parametrize(
    ("cap_bytes", "budgets"),
    [
        pytest.param(
            96 * MIB,
            Budgets(
                block_bytes=512 * KIB,
                row_group_rows=65_536,
                row_group_bytes=4 * MIB,
                workers=1,
                upload_part_bytes=6 * MIB,
            ),
            id="the smallest cap",
        ),
        pytest.param(
            128 * MIB,
            Budgets(
                block_bytes=MIB,
                row_group_rows=131_072,
                row_group_bytes=8 * MIB,
                workers=2,
                upload_part_bytes=8 * MIB,
            ),
            id="the default cap",
        ),
        pytest.param(
            512 * MIB,
            Budgets(
                block_bytes=4 * MIB,
                row_group_rows=524_288,
                row_group_bytes=32 * MIB,
                workers=8,
                upload_part_bytes=32 * MIB,
            ),
            id="a roomy cap",
        ),
    ],
)
def test_sizes_follow_from_the_cap(cap_bytes, budgets):
    """The table in the module's docstring is what the formula gives."""
    assert sizes(cap_bytes) == budgets


@given(CAPS, CAPS)
def test_a_larger_cap_never_gives_a_smaller_size(one, other):
    """Raising the cap is always the right advice."""
    small, large = sizes(min(one, other)), sizes(max(one, other))
    for name in Budgets.__slots__:
        assert getattr(small, name) <= getattr(large, name)


@given(CAPS)
def test_blocks_and_a_row_group_fit_into_a_quarter_of_the_cap(cap_bytes):
    """What is in flight at once leaves room for the interpreter, Arrow and the encoder."""
    budgets = sizes(cap_bytes)
    in_flight_bytes = budgets.workers * budgets.block_bytes + budgets.row_group_bytes
    assert in_flight_bytes <= cap_bytes / 4 or budgets.workers == 8


@pytest.mark.parametrize(
    "cap_bytes",
    [pytest.param(MINIMUM_CAP_BYTES - 1, id="just below"), pytest.param(1, id="a byte")],
)
def test_a_cap_below_the_minimum_is_refused(cap_bytes):
    """The message gives the minimum and the settings to change."""
    with pytest.raises(CallInvalid, match=r"TICKLAKE_CAP.*`cap`.*96 MiB or more"):
        sizes(cap_bytes)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        pytest.param("128MiB", 134_217_728, id="mebibytes"),
        pytest.param("96 mib", 100_663_296, id="space and small letters"),
        pytest.param("1GiB", 1_073_741_824, id="gibibytes"),
        pytest.param("512KiB", 524_288, id="kibibytes"),
        pytest.param("134217728", 134_217_728, id="plain bytes"),
    ],
)
def test_sizes_are_read_with_their_unit(text, size_bytes):
    """Units are binary and spelt out."""
    assert parse_bytes(text) == size_bytes


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("MiB", id="no number"),
        pytest.param("128MB", id="decimal unit"),
        pytest.param("1.5GiB", id="fraction"),
        pytest.param("-1", id="negative"),
        pytest.param("0MiB", id="nothing"),
        pytest.param("\u0661MiB", id="other digits than ASCII"),
        pytest.param("128MiB cap", id="more words"),
    ],
)
def test_what_is_not_a_size_is_refused(text):
    """The message shows what was written and how to write it."""
    with pytest.raises(CallInvalid, match=r"is not a size; write it as 128MiB"):
        parse_bytes(text)


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
    assert show_bytes(size_bytes) == shown
