"""In any order of what a lake goes through, its readers see what a model of a few lines says.

Two days of three windows each are fetched, converted, fetched again, rebuilt with a fixed
feed, compacted, and expired; any of it dies at any step, and conversions and compactions
meet at any step. After every step both ways to read the lake are compared with the model.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from include.ticklake.convert.convert import convert
from include.ticklake.errors import ParityError
from include.ticklake.feed.retention import Retention
from include.ticklake.lake import day_manifest, layout, manifest, read
from include.ticklake.lake.layout import DAY, day_of
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact, expire
from include.ticklake.model.window import Window
from tests.crash.modelled_days import (
    DAYS,
    FEED,
    FEEDS,
    WINDOWS,
    Rows,
    by_window,
    times,
    windows_of,
)
from tests.support import lake_factory
from tests.support.crashing_storage import Crash, crashing
from tests.support.interleaving_storage import Interleaved

windows = st.sampled_from(WINDOWS)
dates = st.sampled_from(DAYS)
factors = st.sampled_from(sorted(FEEDS))
retentions = st.sampled_from([{"json": "1d"}, {"parquet": "1d"}, {"json": "1d", "parquet": "1d"}])
contents = st.lists(st.integers(1, 3), max_size=3).map(tuple)


class LakeAndModel(RuleBasedStateMachine):
    """The model is what each window's rows are: for readers of manifests, and of the folder."""

    def __init__(self) -> None:
        super().__init__()
        self.path = tempfile.mkdtemp()
        self.lake = Storage.open(f"file://{self.path}", {})
        self.seen: dict[Window, Rows] = dict.fromkeys(WINDOWS, ())
        self.in_folder: dict[Window, Rows] = dict.fromkeys(WINDOWS, ())
        self.half_converted: set[Window] = set()
        self.half_done: set[Window] = set()

    def teardown(self) -> None:
        shutil.rmtree(self.path)

    # What is done to a lake.

    def fetch(self, lake: Storage, window: Window, rows: Rows) -> None:
        lines = [
            f'{{"n":{n},"once":{value},"tenfold":{10 * value},"t":{window.start_ms + n}}}'
            for n, value in enumerate(rows)
        ]
        lake_factory.stage(lake, lines, window=window, feed=FEED)

    def convert(self, lake: Storage, window: Window, factor: int) -> None:
        key = layout.manifest_key(FEED.name, lake_factory.BTC, window)
        convert(key, feed=FEEDS[factor], storage=lake, budget=lake_factory.BUDGET)

    def ingest(self, lake: Storage, window: Window, rows: Rows, factor: int) -> None:
        self.fetch(lake, window, rows)
        self.convert(lake, window, factor)

    def compact(self, lake: Storage, day: Window) -> bool:
        """Whether the day is compacted now."""
        try:
            report = compact.compact(
                FEED, lake_factory.BTC, day, storage=lake, budget=lake_factory.BUDGET
            )
        except ParityError:
            # A conversion died between its file and its manifest: a person shall know.
            assert self.half_converted & set(windows_of(day))
            return False
        return report.skipped is None

    def retire(self, lake: Storage, day: Window, what: dict[str, str]) -> None:
        """Retention on the morning when *day* is older than a day."""
        described = FEED.model_copy(update={"retention": Retention.model_validate(what)})
        now = day.end + DAY
        due = expire.find_expired(described, now=now, storage=lake)
        for _ in expire.delete(described, due, now=now, storage=lake):
            pass

    def dies(self, act: Callable[[Storage], object], step: int) -> bool:
        try:
            act(crashing(self.lake, after_steps=step))
        except Crash:
            return True
        return False

    # What the model makes of it.

    def at(self, window: Window) -> manifest.Manifest | None:
        return manifest.read(
            layout.manifest_key(FEED.name, lake_factory.BTC, window), storage=self.lake
        )

    def is_whole(self, window: Window) -> bool:
        found = self.at(window)
        if not (found and found.parquet and found.is_current) or found.parquet.removed:
            return False
        day = day_manifest.read(
            layout.day_manifest_key(FEED.name, lake_factory.BTC, day_of(window)), storage=self.lake
        )
        its_own = not found.parquet.rows or self.lake.exists(found.parquet.key)
        return its_own or not (day and day.removed)

    def staged(self, window: Window) -> Rows | None:
        if (found := self.at(window)) is None or found.json.removed:
            return None
        bodies = [gzip.decompress(self.lake.read(part.key)) for part in found.json.parts]
        return tuple(record["once"] for body in bodies for record in json.loads(body))

    def was_converted(self, window: Window, rows: Rows) -> None:
        """What its day's file has, if there is one, stays what folder readers see."""
        self.half_converted.discard(window)
        self.seen[window] = rows
        if day_manifest.find_day(FEED.name, lake_factory.BTC, window, storage=self.lake) is None:
            self.in_folder[window] = rows

    def was_compacted(self, day: Window) -> None:
        self.half_done.discard(day)
        self.in_folder |= {window: self.seen[window] for window in windows_of(day)}

    def was_retired(self, last: Window) -> None:
        for day in DAYS[: DAYS.index(last) + 1]:
            self.half_done.discard(day)
            self.seen |= dict.fromkeys(windows_of(day), ())
            self.in_folder |= dict.fromkeys(windows_of(day), ())

    def either(self, window: Window, new: Rows) -> None:
        """Old or new: the folder's readers may see the one, the manifests' the other."""
        now, in_folder = self.read()[window], self.read_folder()[window]
        assert now in (self.seen[window], new)
        if day_of(window) not in self.half_done:
            assert in_folder in (self.in_folder[window], self.seen[window], new)
        self.seen[window], self.in_folder[window] = now, in_folder

    def read(self) -> dict[Window, Rows]:
        return by_window(read.table(FEED, storage=self.lake))

    def read_folder(self) -> dict[Window, Rows]:
        if not list(self.lake.list("parquet")):
            return dict.fromkeys(WINDOWS, ())
        return by_window(read.dataset(FEED, storage=self.lake).to_table())

    # The rules.

    @rule(window=windows, rows=contents)
    def fetch_a_window(self, window: Window, rows: Rows) -> None:
        self.fetch(self.lake, window, rows)

    @rule(window=windows, rows=contents, factor=factors)
    def ingest_a_window(self, window: Window, rows: Rows, factor: int) -> None:
        self.ingest(self.lake, window, rows, factor)
        self.was_converted(window, times(rows, factor))

    @rule(day=dates, rows=contents, factor=factors)
    def backfill_a_day(self, day: Window, rows: Rows, factor: int) -> None:
        for number, window in enumerate(windows_of(day)):
            mine = tuple(value + number for value in rows)
            self.ingest(self.lake, window, mine, factor)
            self.was_converted(window, times(mine, factor))

    def complete(self, day: Window) -> None:
        """Whatever is not converted of *day* is."""
        for window in windows_of(day):
            if not self.is_whole(window):
                rows = self.staged(window) or (4,)
                self.ingest(self.lake, window, rows, 1)
                self.was_converted(window, rows)

    @rule(day=dates, factor=factors)
    def rebuild_a_day(self, day: Window, factor: int) -> None:
        for window in windows_of(day):
            if (rows := self.staged(window)) is not None:
                self.convert(self.lake, window, factor)
                self.was_converted(window, times(rows, factor))

    @rule(day=dates)
    def compact_a_day(self, day: Window) -> None:
        if self.compact(self.lake, day):
            self.was_compacted(day)
        elif not self.half_converted & set(windows_of(day)):
            assert not all(self.is_whole(window) for window in windows_of(day))

    @rule(window=windows, rows=contents, factor=factors, step=st.integers(0, 8))
    def die_while_ingesting(self, window: Window, rows: Rows, factor: int, step: int) -> None:
        died = self.dies(lambda lake: self.ingest(lake, window, rows, factor), step)
        if not died:
            self.was_converted(window, times(rows, factor))
            return
        self.half_converted.add(window)
        self.either(window, times(rows, factor))

    @rule(day=dates, step=st.integers(0, 12))
    def die_while_compacting(self, day: Window, step: int) -> None:
        compacted: list[bool] = []
        self.complete(day)
        if self.dies(lambda lake: compacted.append(self.compact(lake, day)), step):
            self.half_done.add(day)
        elif compacted == [True]:
            self.was_compacted(day)

    @rule(day=dates, what=retentions)
    def retire_a_day(self, day: Window, what: dict[str, str]) -> None:
        self.retire(self.lake, day, what)
        if "parquet" in what:
            self.was_retired(day)

    @rule(day=dates, what=retentions, step=st.integers(0, 12))
    def die_while_retiring(self, day: Window, what: dict[str, str], step: int) -> None:
        if not self.dies(lambda lake: self.retire(lake, day, what), step):
            if "parquet" in what:
                self.was_retired(day)
            return
        self.half_done |= set(DAYS[: DAYS.index(day) + 1])
        for window in WINDOWS:
            if window.start < day.end and "parquet" in what:
                self.either(window, ())

    @rule(window=windows, rows=contents, factor=factors, step=st.integers(0, 60))
    def ingest_while_compacting(self, window: Window, rows: Rows, factor: int, step: int) -> None:
        self.complete(day_of(window))
        self.half_converted.add(window)
        lake = Interleaved.around(
            self.lake, at_step=step, other=lambda: self.ingest(self.lake, window, rows, factor)
        )
        compacted = self.compact(lake, day_of(window))
        lake.meeting.at_latest()
        self.met(window, times(rows, factor), compacted=compacted)

    @rule(window=windows, factor=factors, step=st.integers(0, 16))
    def compact_while_rebuilding(self, window: Window, factor: int, step: int) -> None:
        self.complete(day_of(window))
        if (rows := self.staged(window)) is None:
            return
        self.half_converted.add(window)
        compacted: list[bool] = []
        lake = Interleaved.around(
            self.lake,
            at_step=step,
            other=lambda: compacted.append(self.compact(self.lake, day_of(window))),
        )
        self.convert(lake, window, factor)
        self.met(window, times(rows, factor), compacted=compacted == [True])

    def met(self, window: Window, rows: Rows, *, compacted: bool) -> None:
        """A conversion to *rows* met a compaction, and both are over: neither undid the other."""
        self.half_converted.discard(window)
        if compacted:
            before = self.in_folder[window]
            self.was_compacted(day_of(window))
            self.in_folder[window] = before
        self.either(window, rows)
        assert self.seen[window] == rows

    # What holds after each of them.

    @invariant()
    def readers_of_manifests_see_the_model(self) -> None:
        assert self.read() == self.seen

    @invariant()
    def readers_of_the_folder_see_the_model(self) -> None:
        now = self.read_folder()
        for day in DAYS:
            if day not in self.half_done:
                assert [now[window] for window in windows_of(day)] == [
                    self.in_folder[window] for window in windows_of(day)
                ]


TestLakeAndModel = LakeAndModel.TestCase
TestLakeAndModel.settings = settings(max_examples=60, stateful_step_count=15)
