"""A lake, its source that forgets, and two commands at once that stop, go on and die anywhere.

The ledger knows what commits accounted for; here commands run, and readers are compared with it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from include.ticklake.errors import TicklakeError
from include.ticklake.lake import day_manifest, layout, manifest, read
from include.ticklake.lake.layout import day_of
from include.ticklake.model.unit import Unit
from tests.crash import forgetful_source
from tests.crash.forgetful_source import BTC, DAYS, SLOTS, UNFIT, ForgetfulSource, Rows
from tests.crash.lake_commands import NAMES, Command, Commands
from tests.crash.ledger import Ledger, LostError
from tests.support.actor import ALL_STEPS, Actor
from tests.support.memory_bucket import MemoryBucket
from tests.support.servers.http import HttpServer
from tests.support.stepping_disk import SteppingDisk

SHARED_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - no disk to wait for
MAINTENANCE = frozenset({"compact", "retention"})
SETTLES_AFTER = 5
"""Steps, at least, between two times when all is brought to its end."""

commands = st.builds(
    Command,
    name=st.sampled_from(NAMES),
    day=st.sampled_from([0, 0, 0, 1]),
    half=st.integers(0, 1),
    factor=st.sampled_from([1, 1, 10]),
    areas=st.sampled_from([("json",), ("parquet",), ("json", "parquet")]),
)
requests = st.integers(0, 40)
changes = st.dictionaries(st.sampled_from(SLOTS), st.none() | st.integers(1, UNFIT), max_size=6)


class LakeMachine(RuleBasedStateMachine):
    """Two commands at most are not over."""

    kind: str
    store: str
    """A bucket with ``conditions`` or without (``none``), or a ``disk``."""
    server: HttpServer
    counts: Counter[tuple[str, ...]]

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory(dir=SHARED_MEMORY)
        self.bucket: MemoryBucket | SteppingDisk
        if self.store == "disk":
            self.bucket = SteppingDisk(Path(self.folder.name))
        else:
            self.bucket = MemoryBucket(honours_conditions=self.store == "conditions")
        self.storage = self.bucket.storage()
        self.source = ForgetfulSource(self.kind, self.server)
        self.commands = Commands(self.kind, self.source.url)
        self.feed = self.commands.feed()
        self.units = forgetful_source.units(self.feed)
        self.ledger = Ledger(self.kind, self.storage)
        self.alive: list[tuple[Command, Actor]] = []
        self.running: Command | None = None
        self.ahead: set[Unit] = set()
        """Whose Parquet may be newer than its manifest: its conversion stopped in between."""
        self.retired: set[Unit] = set()
        """Whose Parquet retention was told to delete, and may have."""
        self.half_compacted: set[int] = set()
        self.half_retired: set[int] = set()
        """Days whose Parquet retention has begun to delete."""
        self.steps_since_settled = 0

    def teardown(self) -> None:
        for _, actor in self.alive:
            actor.kill()
        self.folder.cleanup()

    # How commands run.

    def _changed(self, _request: str, key: str) -> None:
        """Called after each change of an object."""
        if self.running and key.startswith("manifests/") and not layout.is_day_manifest(key):
            running = self.running
            self.ledger.committed(key, factor=running.factor, may_lose=running.may_delete)

    def _begin(self, command: Command) -> tuple[Command, Actor]:
        touched = {unit for unit in self.units if command.touches(unit)}
        if command.converts:
            self.ahead |= touched
        if command.name == "retention" and "parquet" in command.areas:
            self.retired |= touched
            self.half_retired |= set(range(command.day + 1))
        if command.name == "compact":
            self.half_compacted.add(command.day)

        def run_as(_: Actor) -> None:
            self.running = command

        actor = Actor(
            lambda storage: self.commands.run(command, storage),
            lambda before: self.bucket.storage(before, self._changed),
            on_run=run_as,
        )
        return command, actor

    def _advance(self, command: Command, actor: Actor, steps: int = ALL_STEPS) -> None:
        """Give it *steps*; note what is certain where it is over."""
        if actor.is_done or not actor.advance(steps):
            return
        if (command, actor) in self.alive:
            self.alive.remove((command, actor))
        if actor.error is not None and not isinstance(actor.error, TicklakeError):
            raise actor.error
        outcome = type(actor.error).__name__ if actor.error else "done"
        self.counts["command", command.name, outcome] += 1
        if not actor.error:
            self._is_over(command)

    def _is_over(self, command: Command) -> None:
        others = [other for other, _ in self.alive]
        for unit in self.units:
            if not command.touches(unit):
                continue
            if command.converts and not any(o.converts and o.touches(unit) for o in others):
                self.ahead.discard(unit)
            if command.name in ("ingest", "backfill") and not any(o.may_delete for o in others):
                self.retired.discard(unit)
        if command.name == "compact" and not others:
            self.half_compacted.discard(command.day)
        if command.name == "retention" and "parquet" in command.areas and not others:
            self.half_retired -= set(range(command.day + 1))

    def _kill(self, command: Command, actor: Actor) -> None:
        actor.kill()
        if (command, actor) in self.alive:
            self.alive.remove((command, actor))
        self.counts["command", command.name, "killed"] += 1

    def _may_run(self, command: Command) -> bool:
        """Without conditional writes one run of a feed is active, and one of maintenance."""
        if self.bucket.honours_conditions:
            return True
        kind = command.name in MAINTENANCE
        return not any((other.name in MAINTENANCE) == kind for other, _ in self.alive)

    def _count(self, name: str) -> None:
        self.counts["rule", name] += 1

    # The rules.

    @rule(values=changes)
    def the_source_changes(self, values: dict[int, int | None]) -> None:
        self._count("the source changes")
        self.source.change(values)

    @rule()
    def the_source_forgets_all(self) -> None:
        self._count("the source forgets all")
        self.source.change(dict.fromkeys(SLOTS))

    @rule()
    def the_source_flips_back(self) -> None:
        self._count("the source flips back")
        self.source.flip_back()

    @rule(command=commands)
    def run(self, command: Command) -> None:
        if self._may_run(command):
            self._count("run")
            self._advance(*self._begin(command))

    @rule(command=commands, steps=requests)
    def die(self, command: Command, steps: int) -> None:
        if self._may_run(command):
            self._count("die")
            command, actor = self._begin(command)
            self._advance(command, actor, steps)
            if not actor.is_done:
                self._kill(command, actor)

    @precondition(lambda self: len(self.alive) < 2)
    @rule(command=commands, steps=requests)
    def begin(self, command: Command, steps: int) -> None:
        if self._may_run(command):
            self._count("begin")
            self.alive.append(self._begin(command))
            self._advance(*self.alive[-1], steps)

    @precondition(lambda self: self.alive)
    @rule(number=st.integers(0, 1), steps=requests)
    def wake(self, number: int, steps: int) -> None:
        self._count("wake")
        self._advance(*self.alive[number % len(self.alive)], steps)

    @precondition(lambda self: self.alive)
    @rule(number=st.integers(0, 1))
    def finish(self, number: int) -> None:
        self._count("finish")
        self._advance(*self.alive[number % len(self.alive)])

    @precondition(lambda self: self.alive)
    @rule(number=st.integers(0, 1))
    def kill(self, number: int) -> None:
        self._count("kill")
        self._kill(*self.alive[number % len(self.alive)])

    @precondition(lambda self: not self.alive)
    @rule(one=commands, other=commands, turns=st.lists(st.integers(1, 12), max_size=12))
    def meet(self, one: Command, other: Command, turns: list[int]) -> None:
        self._count("meet")
        for command in (one, other):
            if self._may_run(command):
                self.alive.append(self._begin(command))
        pair = list(self.alive)
        for number, steps in enumerate([*turns, ALL_STEPS, ALL_STEPS]):
            self._advance(*pair[number % len(pair)], steps)

    @precondition(lambda self: self.steps_since_settled > SETTLES_AFTER)
    @rule()
    def settle(self) -> None:
        """All commands end, what is staged is converted, and each day is compacted."""
        self._count("settle")
        self.steps_since_settled = 0
        while self.alive:
            self._advance(*self.alive[0])
        for name in ("rebuild", "compact"):
            for day in range(len(DAYS)):
                command, actor = self._begin(Command(name=name, day=day))
                self._advance(command, actor)
                if actor.error:
                    raise actor.error
        for unit in self.units:
            history = self.ledger.of(self.commands.key(unit))
            if not history.is_converted and not history.is_staged_removed:
                raise LostError(f"{unit}: {history.newest} is staged and never converted")
        self.ahead.clear()

    # What holds after each of them.

    @invariant()
    def a_step_is_done(self) -> None:
        self.steps_since_settled += 1

    @invariant()
    def readers_of_manifests_see_every_record_once(self) -> None:
        for unit, rows in self.by_unit(read.table(self.feed, storage=self.storage)).items():
            states = self.states(unit)
            if rows not in [state for _, state in states]:
                raise LostError(f"{unit}: readers see {rows}, and not one of {states}")

    @invariant()
    def readers_of_the_folder_see_every_record_once(self) -> None:
        found: dict[Unit, Rows] = dict.fromkeys(self.units, ())
        if list(self.storage.list("parquet")):
            found = self.by_unit(read.dataset(self.feed, storage=self.storage).to_table())
        for unit, rows in found.items():
            history = self.ledger.of(self.commands.key(unit))
            states = self.states(unit, self.folder_floor(unit))
            day = DAYS.index(day_of(unit.window))
            if day in self.half_compacted or (
                day in self.half_retired and self.commands.has_marked_file(unit, self.storage)
            ):
                # Its own file and its day's: between the two there is no order that never doubles.
                states += self.states(unit, history.folder_floor)
                both = [tuple(sorted({*one, *other})) for _, one in states for _, other in states]
                if tuple(sorted(set(rows))) in both:
                    continue
            place = max((place for place, state in states if state == rows), default=None)
            if place is None:
                raise LostError(f"{unit}: the folder has {rows}, and not one of {states}")
            history.folder_floor = place

    def by_unit(self, table: pa.Table) -> dict[Unit, Rows]:
        """The rows of *table*, a doubled one twice."""
        return forgetful_source.by_unit(table, self.units)

    def states(self, unit: Unit, floor: int | None = None) -> list[tuple[int, Rows]]:
        """What a reader may see of *unit*, with its place; nothing older than *floor*."""
        history = self.ledger.of(self.commands.key(unit))
        is_open = unit in self.ahead or history.is_replaced_now
        return history.visible(is_open=is_open, is_retired=unit in self.retired, floor=floor)

    def folder_floor(self, unit: Unit) -> int | None:
        """The oldest commit that the folder may still have; None for the newest only."""
        if unit in self.retired:  # marked first, and deleted after
            return -1
        found = manifest.read(self.commands.key(unit), storage=self.storage)
        day = day_manifest.find_day(self.feed.name, BTC, unit.window, storage=self.storage)
        if not (day and found and found.parquet):
            return None
        is_pending = found.parquet.is_pending or day.replacement_of(unit.window.name)
        return self.ledger.of(self.commands.key(unit)).folder_floor if is_pending else None
