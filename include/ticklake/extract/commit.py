"""Committing what was staged: the parts at their own keys, then the manifest that names them.

A unit that was never fetched takes one request for a part and one for the manifest. Where there
is a manifest, it is read, ``decide`` says what becomes of it, and it is replaced in the version
that was read; after a lost race all of that is done again. A part that no manifest names is seen
by nobody: what was published in vain is removed, and only that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from include.ticklake.errors import CorruptManifestError, TicklakeError
from include.ticklake.extract import decide, salvage
from include.ticklake.extract.decide import Decision
from include.ticklake.extract.part_writer import CompletedPart
from include.ticklake.extract.staged_set import StagedSet
from include.ticklake.lake import manifest, superseded_marks, unfinished
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.manifest_checks import part_number
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class UnitCommit:
    """The commit of one extraction."""

    staged: StagedSet
    storage: Storage
    is_replacing: bool
    now_ms: int
    forget: Callable[[], None]
    """Called when all parts are published, right before the manifest is written: a later attempt
    must not find a checkpoint of what is committed already."""
    before_compare: Callable[[], None] = lambda: None
    """Called before anything is read of what was committed before."""
    _published: dict[CompletedPart, None] = field(default_factory=dict, init=False)

    def run(self) -> Manifest:
        """Commit, and return the manifest that is there then.

        ``RecordsMissingError`` where the unit holds records that were not fetched now, unless
        it ``is_replacing``.
        """
        if self.staged.is_small:
            first = decide.first_commit(self.staged)
            if self._write(first, expect=None):
                return first.manifest
        try:
            committed = self._decided()
        except TicklakeError:  # where the storage failed, a retry resumes with what is there
            self.forget()
            self._remove_unnamed()
            raise
        self._remove_unnamed()
        return committed

    def _decided(self) -> Manifest:
        self.before_compare()
        for _ in range(manifest.ATTEMPTS):
            if committed := self._attempt():
                return committed
        raise manifest.lost_too_often(self.staged.manifest_key, storage=self.storage)

    def _attempt(self) -> Manifest | None:
        """One round of reading, deciding and writing; None after a lost race."""
        found, version, is_salvaged = self._read()
        if found is None:
            decision = decide.first_commit(self.staged)
        else:
            decision = decide.decide(
                found,
                self.staged,
                storage=self.storage,
                is_replacing=self.is_replacing,
                now_ms=self.now_ms,
            )
            if decision.manifest.superseded != found.superseded or is_salvaged:
                feed, unit = self.staged.feed, self.staged.unit
                superseded_marks.mark(feed.name, unit, storage=self.storage)
        if decision.manifest == found and not is_salvaged:
            self._publish(decision)
            self.forget()
        elif not self._write(decision, expect=version):
            return None
        if found is not None:
            self._clear_mark(decision.manifest)
            self._log(decision)
        return decision.manifest

    def _read(self) -> tuple[Manifest | None, str | None, bool]:
        """The manifest and its version; a damaged one as what its parts say, and True."""
        key = self.staged.manifest_key
        try:
            return (*(manifest.read_versioned(key, storage=self.storage) or (None, None)), False)
        except CorruptManifestError as error:
            log.warning("extract.manifest_replaced %s", error)
        feed, unit, storage = self.staged.feed, self.staged.unit, self.storage
        found, version = salvage.salvage(
            feed,
            unit,
            storage=storage,
            is_replacing=self.is_replacing,
            now_ms=self.now_ms,
            published=[key for completed in self._published for key in completed.published],
        )
        if found and not self.is_replacing:
            salvage.refuse_fewer_than_parquet(feed, unit, found, storage=storage)
        return found, version, found is not None

    def _publish(self, decision: Decision) -> None:
        for publication in decision.publications:
            self._published[publication.completed] = None
            publication.completed.publish(publication.part.key)

    def _write(self, decision: Decision, *, expect: str | None) -> bool:
        """Publish the parts, then commit the manifest; False where another one is there by now."""
        self._publish(decision)
        until_ms = decision.manifest.json.unfinished_until_ms
        if until_ms is not None:
            self._mark_unfinished(until_ms)
        self.forget()
        try:
            manifest.write(decision.manifest, storage=self.storage, expect=expect)
        except LostRaceError:
            return False
        if not self.storage.store.has_conditions:
            self._publish_deleted(decision)
        return True

    def _publish_deleted(self, decision: Decision) -> None:
        """Publish again what retention deleted between the parts and their manifest.

        Its own manifest was overwritten then: a store without conditions does not say so.
        """
        for publication in decision.publications:
            if not self.storage.exists(publication.part.key):
                publication.completed.publish(publication.part.key)

    def _mark_unfinished(self, until_ms: int) -> None:
        feed, unit = self.staged.feed, self.staged.unit
        unfinished.mark(feed, unit, until_ms=until_ms, storage=self.storage)

    def _clear_mark(self, committed: Manifest) -> None:
        """Remove the mark of a unit that is whole now.

        One that is left by an extraction that was killed costs one more fetch, which removes it.
        """
        if committed.json.unfinished_until_ms is not None:
            return
        unfinished.clear(self.staged.feed, self.staged.unit, storage=self.storage)
        now = manifest.read(committed.key, storage=self.storage)
        if now and now.json.unfinished_until_ms is not None:  # by another run between the two
            self._mark_unfinished(now.json.unfinished_until_ms)

    def _remove_unnamed(self) -> None:
        """Delete what was published and is not named, by the rule of ``lake/manifest.py``."""
        completed = dict.fromkeys(self.staged.parts) | self._published
        for part in completed:
            if not part.published:
                part.discard()
        keys = {key for part in completed for key in part.published}
        if not keys:
            return
        try:
            now = manifest.read(self.staged.manifest_key, storage=self.storage)
        except (CorruptManifestError, OSError):  # an audit finds what is left
            return
        if now is not None:
            named = {part.key for section in now.json_sections for part in section.parts}
            for key in sorted(keys - named):
                if part_number(key) < now.free_number:
                    self.storage.delete(key)

    def _log(self, decision: Decision) -> None:
        log.info(
            "extract.%s feed=%s slice=%s window=%s rows=%d superseded=%d",
            decision.event, self.staged.feed.name, self.staged.unit.slice,
            self.staged.unit.window.name, decision.manifest.json.rows,
            len(decision.manifest.superseded),
        )  # fmt: skip
