"""Time zones by their names, and the instant at which a zone's clock shows a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator


def check_zone(name: str) -> str:
    """*name*; ``ValueError`` where no zone is called so."""
    try:
        zone(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"{name!r} is not a time zone, such as Europe/Berlin") from None
    return name


@lru_cache
def zone(name: str) -> ZoneInfo:
    """The zone of that name."""
    return ZoneInfo(name)


ZoneName = Annotated[str, AfterValidator(check_zone)]
"""A name of the IANA database, as feed files write it."""


@lru_cache
def fixed_offset(name: str) -> timedelta | None:
    """How far the clock of the zone *name* is from UTC; None where that changed since 2009.

    As the plausible years of events begin there; what a law will change is not known.
    """
    months = ((year, month) for year in range(2009, 2038) for month in range(1, 13))
    offsets = {zone(name).utcoffset(datetime(*at, 1)) for at in months}  # noqa: DTZ001 - of its clock
    return offsets.pop() if len(offsets) == 1 else None


def to_utc(clock: datetime, zone: ZoneInfo) -> datetime | None:
    """When the clock of *zone* shows *clock*; None where it does so twice, or never.

    Twice when summer time ends, never when it begins: which instant is meant is not known.
    """
    try:
        first, second = (clock.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    except OverflowError:
        return None
    return first if first == second else None
