"""What becomes of a unit that was fetched before, now that it was fetched again.

A set of parts supersedes the one before only where it lacks none of its records; the one before
stays in the lake until it expires. A source without history has forgotten what it returned
earlier: what is new is added. So it is where a feed of files and one of an API have one table:
neither takes away what the other one fetched.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from msgspec.structs import replace

from include.ticklake.errors import CorruptPartError, RecordsMissingError
from include.ticklake.extract import add, compare, part_reader
from include.ticklake.extract.compare import Missing
from include.ticklake.extract.staged_set import Publication, StagedSet
from include.ticklake.lake.manifest import JsonSection, Manifest, Part, SupersededSet
from include.ticklake.lake.storage import Storage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The manifest to commit, and the parts to publish before that."""

    manifest: Manifest
    publications: tuple[Publication, ...] = ()
    event: str
    """What happens, for the log."""


def first_commit(staged: StagedSet) -> Decision:
    """Commit *staged* as the first set of its unit."""
    committed = Manifest(
        feed=staged.feed.name,
        slice=staged.unit.slice.as_dict(),
        window=staged.unit.window.name,
        json=staged.section,
    )
    return Decision(
        manifest=committed, publications=staged.publications(staged.section.parts), event="first"
    )


def decide(
    current: Manifest, staged: StagedSet, *, storage: Storage, is_replacing: bool, now_ms: int
) -> Decision:
    """What to make of *current* and *staged*.

    ``RecordsMissingError`` where *staged* lacks records that were committed before, unless
    *is_replacing*: nothing may change then.
    """
    old, new = current.json, staged.section
    is_same = old.digest == new.digest
    has_others = staged.has_others(old)
    if old.removed:
        if not (is_same or (is_replacing and not (has_others and staged.from_feed))):
            _refuse_removed(current, staged)
    elif has_others and is_replacing and staged.from_feed:
        others = [part for part in old.parts if part.from_feed != staged.from_feed]
        staged = add.join(staged, others, storage=storage)
    elif old.parts and not is_replacing:
        if has_others or not staged.feed.has_history:
            try:
                return _added(current, staged, storage=storage)
            except CorruptPartError as error:
                if has_others:
                    readable = part_reader.readable(old.parts, storage=storage)
                    staged = add.join(staged, readable, storage=storage)
                _refuse_missing(staged, old, _missing_of_corrupt(staged, old, error))
        elif not is_same:
            _refuse_missing(staged, old, _missing(staged, old, storage=storage))
    new = staged.section
    if old.digest == new.digest and not old.removed:
        section = replace(new, parts=old.parts, number=old.number, fetched_at_ms=old.fetched_at_ms)
        return Decision(
            manifest=replace(current, json=section),
            publications=staged.publications(old.parts),
            event="unchanged",
        )
    return _superseded(current, staged, now_ms=now_ms)


def _added(current: Manifest, staged: StagedSet, *, storage: Storage) -> Decision:
    section, publications = add.add(current, staged, storage=storage)
    is_new = section.rows > current.json.rows
    next_part = current.free_number + len(publications) if is_new else current.next_part
    return Decision(
        manifest=replace(current, json=section, next_part=next_part),
        publications=publications,
        event="added" if is_new else "unchanged",
    )


def _superseded(current: Manifest, staged: StagedSet, *, now_ms: int) -> Decision:
    old, others = current.json, current.superseded
    if old.parts and not old.removed:
        others = (*others, SupersededSet(json=old, superseded_at_ms=now_ms))
    again = next((one for one in current.superseded if _is_same(one.json, staged.section)), None)
    free = current.free_number
    if again is not None:  # what was current before, and was superseded
        parts, number = again.json.parts, again.json.number
        others = tuple(one for one in others if one is not again)
    else:
        parts = _placed(staged, current, first=free)
        number = max(section.number for section in current.json_sections) + 1
        if not old.parts or old.digest == staged.section.digest:
            number = old.number
    section = replace(staged.section, parts=parts, number=number)
    if same := again.json if again else old if old.digest == section.digest else None:
        # A snapshot that has not changed since: the Parquet of that one is still its own.
        section = replace(section, fetched_at_ms=same.fetched_at_ms)
    return Decision(
        manifest=replace(
            current,
            json=section,
            superseded=others,
            next_part=free + len(parts) if free else None,
        ),
        publications=staged.publications(parts),
        event="superseded" if others != current.superseded else "replaced",
    )


def _is_same(kept: JsonSection, new: JsonSection) -> bool:
    return bool(kept.parts) and not kept.removed and kept.digest == new.digest


def _placed(staged: StagedSet, current: Manifest, *, first: int) -> tuple[Part, ...]:
    """The parts of *staged* at new numbers, but those that *current* names already."""
    kept: dict[str, list[Part]] = {}
    for section in current.json_sections:
        if not section.removed:
            for part in section.parts:
                kept.setdefault(part.sha256, []).append(part)
    placed, taken = [], set()
    for part in staged.numbered(first):
        same = next((one for one in kept.get(part.sha256, ()) if one.key not in taken), part)
        placed.append(same)
        taken.add(same.key)
    return tuple(placed)


def _missing(staged: StagedSet, old: JsonSection, *, storage: Storage) -> Missing:
    committed = part_reader.committed(old.parts, storage=storage)
    try:
        return compare.missing(staged.feed, committed, staged.readable())
    except CorruptPartError as error:
        return _missing_of_corrupt(staged, old, error)


def _missing_of_corrupt(staged: StagedSet, old: JsonSection, error: CorruptPartError) -> Missing:
    """By the counts alone, where the committed records cannot be read."""
    log.warning("extract.unreadable %s; only the numbers of records are compared", error)
    return Missing(max(old.rows - staged.section.rows, 0))


def _refuse_missing(staged: StagedSet, old: JsonSection, missing: Missing) -> None:
    if missing.rows:
        names = ", ".join(staged.feed.key)
        values = (missing.example or "").replace("\n", ", ")
        example = f", such as {names} {values}" if missing.example else ""
        raise RecordsMissingError(
            f"{_where(staged)}: {missing.rows} of {old.rows} records that were committed before "
            f"are not in what the source returns now{example}; nothing was changed. If they are "
            f"to go, run `{_replace_command(staged)}`"
        )


def _refuse_removed(current: Manifest, staged: StagedSet) -> None:
    """Refuse what differs from a set whose only copy is the Parquet."""
    parquet = current.parquet
    if parquet and not parquet.removed and parquet.rows + parquet.quarantined_rows:
        if staged.from_feed and staged.has_others(current.json):
            name, arguments = staged.feed.name, staged.unit.arguments
            raise RecordsMissingError(
                f"{_where(staged)}: retention removed its JSON, and its Parquet has records that "
                f"{staged.from_feed} did not fetch, so the two cannot be joined; nothing was "
                f"changed. To have both, run `extract {name} {arguments} --replace`, and then this "
                "again"
            )
        raise RecordsMissingError(
            f"{_where(staged)}: retention removed its JSON, and its Parquet of {parquet.rows} rows "
            "is not what the source returns now; nothing was changed. If they are to go, run "
            f"`{_replace_command(staged)}`"
        )


def _where(staged: StagedSet) -> str:
    return f"{staged.feed.name} {staged.unit}"


def _replace_command(staged: StagedSet) -> str:
    name = staged.from_feed or staged.feed.name
    return f"extract {name} {staged.unit.arguments} --replace"
