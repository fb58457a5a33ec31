"""Times are read exactly, and the years that a number gives show its unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.feed.fields import FieldSpec
from include.ticklake.model import times
from include.ticklake.model.times import PER_SECOND

YEARS = (2009, 2100)


DATES = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001
DATE_FORMS = ("%Y-%m-%d", "%Y%m%d", "%G-W%V-%u")
TIME_FORMS = ("%H", "%H:%M", "%H%M", "%H:%M:%S", "%H%M%S")


@given(
    moment=DATES,
    date_form=st.sampled_from(DATE_FORMS),
    time_form=st.sampled_from(TIME_FORMS),
    separator=st.sampled_from("Tt "),
    offset=st.sampled_from(["", "Z", "z", "+00", "-0330", "+14:00", "+05:53:28"]),
)
def test_a_text_is_what_datetime_reads(moment, date_form, time_form, separator, offset):
    """Whatever ``fromisoformat`` reads of these forms, to the same instant."""
    moment = moment.replace(year=max(moment.year, 1000))  # strftime does not pad years
    text = f"{moment:{date_form}}{separator}{moment:{time_form}}{offset}"
    expected = datetime.fromisoformat(text.replace("z", "Z"))
    expected = expected if expected.tzinfo else expected.replace(tzinfo=UTC)
    assert times.parse(text, unit="iso") == (times.epoch_ns(expected), True)


@given(moment=DATES, fraction=st.text("0123456789", min_size=1, max_size=20))
def test_every_digit_of_a_fraction_counts(moment, fraction):
    """Nine of them are nanoseconds; what is finer is reported, not cut."""
    text = f"{moment.replace(microsecond=0).isoformat()}.{fraction}Z"
    second_ns = times.epoch_ns(moment.replace(microsecond=0, tzinfo=UTC))
    fraction_ns, finer = divmod(int(fraction.ljust(20, "0")), 10**11)
    assert times.parse(text, unit="iso") == (second_ns + fraction_ns, finer == 0)


@given(
    st.text(max_size=30) | st.from_regex(r"[0-9]{4}-?[0-9W]{2,3}-?[0-9]{1,2}[T ][0-9:.+Z-]{0,20}")
)
def test_any_text_is_a_time_or_none(text):
    """No error comes out, whatever the text."""
    for unit in ("iso", "ms", "float_s"):
        instant = times.parse(text, unit=unit)
        assert instant is None or times.within_calendar(instant.ns) == instant.ns


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("0", (0, True)),
        ("1735689600123", (1735689600123 * 10**6, True)),
        ("1735689600123456", (1735689600123456 * 10**3, True)),
        ("1735689600123.5", (17356896001235 * 10**5, True)),
        ("1735689600", None),
        ("soon", None),
    ],
)
def test_of_several_units_the_plausible_one_is_taken(text, instant):
    """Zero is 1970 in each of them."""
    assert times.parse_any(text, ("ms", "us"), years=YEARS) == instant


def test_one_unit_is_taken_at_its_word():
    """Also where the year is implausible: whoever reads it decides."""
    assert times.parse_any("1735689600", ("ms",), years=YEARS) == (1735689600 * 10**6, True)


@given(DATES, st.integers(-14 * 60, 14 * 60))
def test_a_datetime_has_its_nanoseconds(moment, offset_minutes):
    """In any zone, to the microsecond."""
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    assert times.epoch_ns(aware) == since // timedelta(microseconds=1) * 1_000


def field(unit: str | list[str]) -> FieldSpec:
    """An event time in *unit*."""
    return FieldSpec.model_validate({"from": "t", "type": "timestamp", "unit": unit})


@given(seconds=st.integers(1_230_768_000, 4_133_980_799), unit=st.sampled_from(list(PER_SECOND)))
def test_an_instant_of_these_years_has_one_unit(seconds, unit):
    """No number is a plausible time in two of them."""
    number = seconds * PER_SECOND[unit]
    instant = times.parse_any(str(number), tuple(PER_SECOND), years=YEARS)
    assert instant == (seconds * 10**9, True)
    others = tuple(other for other in PER_SECOND if other != unit)
    assert times.parse_any(str(number), others, years=YEARS) is None


@pytest.mark.parametrize("unit", PER_SECOND)
def test_years_are_whole(unit):
    """From the first instant of the first to the last one of the last."""
    first, after = times.plausible_range((2025, 2026), unit=unit)
    starts = [datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (2025, 2027)]
    assert (first, after) == tuple(int(start) * PER_SECOND[unit] for start in starts)


@pytest.mark.parametrize(
    ("declared", "text", "said", "advice"),
    [
        ("ms", "1735689600123456", "in us it is 2025-01-01T00:00:00.123456Z",
         "set unit: us, or unit: [ms, us] where both occur"),
        ("us", "1735689600123", "in ms it is 2025-01-01T00:00:00.123000Z",
         "set unit: ms, or unit: [us, ms] where both occur"),
        ("ns", "1735689600.5", "in s it is 2025-01-01T00:00:00.500000Z",
         "set unit: s, or unit: [ns, s] where both occur"),
        ("s", "1735689600123456789", "in ns it is 2025-01-01T00:00:00.123456Z",
         "set unit: ns, or unit: [s, ns] where both occur"),
        ("s", "1.7356896e12", "in ms it is 2025-01-01T00:00:00.000000Z",
         "set unit: ms, or unit: [s, ms] where both occur"),
        ("iso", "1735689600", "in s it is 2025-01-01T00:00:00.000000Z", "set unit: s"),
        ("ms", "2025-01-01T01:00:00+01:00", "as iso it is 2025-01-01T00:00:00.000000Z",
         "set unit: iso"),
        ("float_s", "1735689600123", "in ms it is 2025-01-01T00:00:00.123000Z", "set unit: ms"),
        (["ms", "us"], "1735689600", "in s it is 2025-01-01T00:00:00.000000Z",
         "set unit: s, or unit: [ms, us, s] where both occur"),
    ],
)  # fmt: skip
def test_a_time_in_another_unit_is_told_with_what_to_set(declared, text, said, advice):
    """The unit that is seen, when that was, and what to write into the feed."""
    assert times.detect_other_unit(text, field(declared).units, years=YEARS) == said
    assert times.suggest_unit(text, field(declared).units, years=YEARS) == advice


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        pytest.param("ms", "0", id="nought"),
        pytest.param("ms", "", id="nothing"),
        pytest.param("ms", "null", id="null"),
        pytest.param("ms", "-1", id="before 1970"),
        pytest.param("ms", "0001-01-01T00:00:00Z", id="nought as some write it"),
        pytest.param("ms", "9" * 5_000, id="long"),
        pytest.param("ms", "1e999999999", id="beyond all"),
        pytest.param("ms", "NaN", id="no number"),
        pytest.param("float_s", "1735689600", id="seconds are float seconds"),
        pytest.param(["ms", "us"], "1735689600123456", id="one of two"),
        pytest.param("ms", "1735689600123", id="the declared one"),
    ],
)
def test_what_is_no_time_in_another_unit_is_not_told_to_be(declared, text):
    """Sources write nought and null where they have no time."""
    assert times.detect_other_unit(text, field(declared).units, years=YEARS) is None
