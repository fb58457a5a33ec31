"""Every command that changes a lake, as its users call it, on the feed of the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from include.ticklake.convert.convert import convert
from include.ticklake.extract.extract import extract
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.retention import Retention
from include.ticklake.lake import day_manifest, layout, manifest
from include.ticklake.lake.layout import DAY
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import audit, compact, expire, history, repair
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.unit import Unit
from tests.crash import forgetful_source
from tests.crash.forgetful_source import BTC, DAYS
from tests.support import lake_factory
from tests.support.small_source import ONCE

BUDGET = replace(lake_factory.BUDGET, workers=1, ahead_bytes=0)  # no threads: one schedule, one run
NOW = DAYS[-1].end + timedelta(hours=1)

NAMES = (
    "extract",
    "replace",
    "convert",
    "ingest",
    "backfill",
    "rebuild",
    "compact",
    "retention",
    "repair",
    "restore",
)


@dataclass(frozen=True, kw_only=True)
class Command:
    """What a command is called with."""

    name: str
    day: int
    half: int = 0
    """Of the day, of those that work on one unit."""
    factor: int = 1
    areas: tuple[str, ...] = ()
    """What retention removes."""

    @property
    def may_delete(self) -> bool:
        """Whether it is told to delete."""
        return self.name in ("retention", "replace", "restore")

    @property
    def converts(self) -> bool:
        """Whether it may write the Parquet of a unit."""
        return self.name in ("convert", "ingest", "backfill", "rebuild", "repair")

    @property
    def fetches(self) -> bool:
        """Whether it asks the source."""
        return self.name in ("extract", "ingest", "backfill", "repair", "replace")

    def touches(self, unit: Unit) -> bool:
        """Whether it works on *unit*."""
        day = DAYS[self.day]
        if self.name == "retention":
            return unit.window.start < day.end
        in_day = day.start <= unit.window.start < day.end
        if self.name in ("extract", "convert", "ingest", "replace", "restore"):
            return in_day and (unit.window.start.hour >= 12) == bool(self.half)
        return in_day


class Commands:
    """Runs each on a storage, with the feed and the address of its source."""

    def __init__(self, kind: str, url: str) -> None:
        self._kind, self._url = kind, url
        self._window = forgetful_source.HALF_DAY
        self._minute = 0

    def feed(self, factor: int = 1) -> Feed:
        """The feed as it is now."""
        return forgetful_source.feed(self._kind, factor=factor, window=self._window)

    def changed(self, window: timedelta) -> Feed:
        """The feed, which has these windows from now on."""
        self._window = window
        return self.feed()

    def run(self, command: Command, storage: Storage) -> object:
        """Do it; whatever the product raises passes through."""
        own = [unit for unit in forgetful_source.units(self.feed()) if command.touches(unit)]
        return getattr(self, f"_{command.name}")(command, own, storage)

    def key(self, unit: Unit) -> str:
        """The key of its manifest."""
        return layout.manifest_key(self.feed().name, unit.slice, unit.window)

    def has_marked_file(self, unit: Unit, storage: Storage) -> bool:
        """Whether retention marked its day, and the day's file is still there."""
        key = layout.day_manifest_key(self.feed().name, unit.slice, layout.day_of(unit.window))
        day = day_manifest.read(key, storage=storage)
        return bool(day and day.removed and day.key and storage.exists(day.key))

    def _extract(self, command: Command, own: list[Unit], storage: Storage) -> None:
        for unit in own:
            self._fetch(command, unit, storage)

    _replace = _extract

    def _convert(self, command: Command, own: list[Unit], storage: Storage) -> None:
        for key in map(self.key, own):
            if manifest.is_staged(key, storage=storage):
                convert(key, feed=self.feed(command.factor), storage=storage, budget=BUDGET)

    _rebuild = _convert

    def _ingest(self, command: Command, own: list[Unit], storage: Storage) -> None:
        for unit in own:
            self._fetch(command, unit, storage)
            self._convert(command, [unit], storage)

    _backfill = _ingest

    def _compact(self, command: Command, _: list[Unit], storage: Storage) -> str | None:
        day = DAYS[command.day]
        return compact.compact(self.feed(), BTC, day, storage=storage, budget=BUDGET).skipped

    def _retention(self, command: Command, _: list[Unit], storage: Storage) -> None:
        lengths = dict.fromkeys(command.areas, "1d")
        described = self.feed().model_copy(update={"retention": Retention.model_validate(lengths)})
        now = DAYS[command.day].end + DAY
        due = expire.find_expired(described, now=now, storage=storage)
        for _ in expire.delete(described, due, now=now, storage=storage):
            pass

    def _restore(self, command: Command, own: list[Unit], storage: Storage) -> None:
        """Bring back the oldest version; replace the current one first where there is no other."""
        now_ms = int(NOW.timestamp() * 1000)
        for unit in own:
            if len(list(history.history(self.feed(), unit, storage=storage))) == 1:
                self._fetch(replace(command, name="replace"), unit, storage)
            current, *superseded = history.history(self.feed(), unit, storage=storage)
            oldest = min((one.version for one in superseded), default=current.version)
            history.restore(self.feed(), unit, oldest, storage=storage, now_ms=now_ms)

    def findings(self, own: list[Unit], storage: Storage) -> list[audit.Finding]:
        """What an audit says."""
        return list(audit.audit(self.feed(), own, storage=storage, budget=BUDGET, now=NOW))

    def _repair(self, command: Command, own: list[Unit], storage: Storage) -> None:
        repair.repair(
            self.feed(command.factor), self.findings(own, storage), storage=storage, budget=BUDGET,
            failed=FailedUnits(), base_url=self._url,
        )  # fmt: skip

    def _fetch(self, command: Command, unit: Unit, storage: Storage) -> None:
        self._minute += 1
        now = NOW
        if self._kind == "snapshot":  # which is fetched while its window is not over
            now = unit.window.start + timedelta(minutes=self._minute % 700)
        extract(
            self.feed(), unit, storage=storage, base_url=self._url, patience=ONCE,
            clock=now.timestamp, is_replacing=command.name == "replace",
        )  # fmt: skip
