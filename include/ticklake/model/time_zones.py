"""Time zones by their names, and the instant at which a zone's clock shows a time."""

from __future__ import annotations

from datetime import UTC, datetime
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


def to_utc(clock: datetime, zone: ZoneInfo) -> datetime | None:
    """When the clock of *zone* shows *clock*; None where it does so twice, or never.

    Twice when summer time ends, never when it begins: which instant is meant is not known.
    """
    try:
        first, second = (clock.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    except OverflowError:
        return None
    return first if first == second else None
