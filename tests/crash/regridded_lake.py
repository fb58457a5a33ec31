"""A modelled lake whose feed's file gets other windows: `regrid` cuts it again, and may die."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from include.ticklake.errors import TicklakeError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import read
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.regrid import regrid
from include.ticklake.maintain.regrid_plan import SliceNames
from tests.crash import forgetful_source
from tests.crash.forgetful_source import Row, Rows
from tests.crash.lake_commands import BUDGET, NOW, Command
from tests.crash.lake_machine import SETTLES_AFTER, LakeMachine, commands, requests
from tests.crash.ledger import Ledger, LostError
from tests.support.actor import Actor

LENGTHS = [timedelta(hours=hours) for hours in (4, 6, 8, 12)]


class RegriddedLake(LakeMachine):
    """Its units change; readers of manifests see the same rows at any moment."""

    @precondition(lambda self: self.steps_since_settled > SETTLES_AFTER)
    @rule(
        number=st.integers(0, 2),
        deaths=st.lists(st.integers(0, 60), max_size=2),
        other=commands.filter(lambda command: not command.may_delete),
        steps=requests,
    )
    def change_windows(self, number: int, deaths: list[int], other: Command, steps: int) -> None:
        """The lengths that the feed does not have now have these numbers: each is a change."""
        self._count("change windows")
        self.settle()
        if not list(self.storage.list("parquet")):
            return
        before = self.seen()
        others = [length for length in LENGTHS if length != self.feed.window]
        changed = forgetful_source.feed(self.kind, window=others[number])
        for steps_to_death in deaths:
            dying = self._regrid(changed)
            dying.advance(steps_to_death)
            self.sees_all(before, f"in the middle of a regrid, at {dying.last_request}")
            dying.kill()
        last = self._regrid(changed)
        has_met = not last.advance(steps)
        if has_met:
            self._run_beside(other)
            where = f"beside {other.name} in a regrid, at {last.last_request}"
            self.sees_all(before, where, may_be_more=True)
            last.advance()
        if last.error:
            if not isinstance(last.error, UsageError):
                raise last.error
            self._count("regrid refused: the JSON has expired")
            return
        self._count("regrid done")
        self.sees_all(before, "after a regrid", may_be_more=has_met)
        self._follow(changed)

    def _regrid(self, changed: Feed) -> Actor:
        self.running = None

        def cut(storage: Storage) -> None:
            for _ in regrid(
                changed, storage=storage, budget=BUDGET, names=SliceNames(),
                now_ms=lambda: int(NOW.timestamp() * 1000),
            ):  # fmt: skip
                pass

        return Actor(cut, self.bucket.storage)

    def _run_beside(self, other: Command) -> None:
        """Another command meets a lake that is about to be cut, or is: it is done or refused."""
        try:
            self.commands.run(other, self.bucket.storage())
            self.counts["beside a regrid", "done"] += 1
        except TicklakeError as error:
            self.counts["beside a regrid", type(error).__name__] += 1

    def seen(self) -> Rows:
        """All rows, as readers of manifests see them."""
        by_unit = self.by_unit(read.table(self.feed, storage=self.storage))
        return tuple(sorted(row for rows in by_unit.values() for row in rows))

    def sees_all(self, before: Rows, when: str, *, may_be_more: bool = False) -> None:
        """Readers of manifests see each row once, readers of the folder at least once.

        Where another command was done meanwhile, there may be more, and of other values.
        """
        now, in_folder = self.seen(), set()
        if list(self.storage.list("parquet")):
            folder = read.dataset(self.feed, storage=self.storage).to_table()
            in_folder = {row for rows in self.by_unit(folder).values() for row in rows}
        if may_be_more:
            wanted, seen, listed = _keys(before), _keys(now), set(_keys(in_folder))
            is_fine = {*wanted} <= {*seen} & listed and len(seen) == len({*seen})
        else:
            is_fine = now == before and in_folder == {*before}
        if not is_fine:
            raise LostError(
                f"{when}: there was {before}, readers see {now}, the folder has {sorted(in_folder)}"
            )

    def _follow(self, changed: Feed) -> None:
        """Go on with the units that there are now."""
        retired = {unit.window for unit in self.retired}
        self.feed = self.commands.changed(changed.window)
        self.units = forgetful_source.units(self.feed)
        self.retired = {
            unit for unit in self.units
            if any(w.start < unit.window.end and unit.window.start < w.end for w in retired)
        }  # fmt: skip
        self.ahead.clear()
        self.half_compacted.clear()
        self.ledger = Ledger(self.kind, self.storage)
        for unit in self.units:
            self.ledger.follow(self.commands.key(unit))


def _keys(rows: Iterable[Row]) -> list[tuple[int, int]]:
    return [(row.at_ms, row.number) for row in rows]
