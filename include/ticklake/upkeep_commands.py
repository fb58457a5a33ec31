"""The commands that keep a lake in order: arguments in, printed lines and an exit code out."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime

from include.ticklake import feed_files
from include.ticklake.commands import open_storage, planned, slice_of
from include.ticklake.errors import CallInvalid


def run_compact(call: argparse.Namespace) -> None:
    """Make one file of each whole day of an interval; one JSON line per slice and day."""
    from include.ticklake import plan, windows
    from include.ticklake.cap.budgets import sizes
    from include.ticklake.upkeep import compact, days

    feed, storage = feed_files.load(call.feed), open_storage(call)
    start, end = windows.instant(call.start), windows.instant(call.end)
    slices = [plan.complete(feed, slice_of(call.slice))] if call.slice else feed.all_slices
    budgets = sizes(call.cap)
    for piece in slices:
        for day in windows.cut(start, end, length=days.LENGTH):
            done = compact.compact(feed, piece, day, storage=storage, budgets=budgets)
            print(json.dumps(done.summary()), flush=True)


def run_audit(call: argparse.Namespace) -> int:
    """Say what is wrong with an interval of the lake; with --repair, mend what can be."""
    from include.ticklake import plan, windows
    from include.ticklake.cap.budgets import sizes
    from include.ticklake.upkeep import audit, repair

    feed, storage, budgets = feed_files.load(call.feed), open_storage(call), sizes(call.cap)
    slices = [slice_of(call.slice)] if call.slice else None
    start, end = windows.instant(call.start), windows.instant(call.end)
    works = plan.plan(feed, start=start, end=end, slices=slices)
    found = []
    for finding in audit.audit(feed, works, storage=storage, budgets=budgets):
        found.append(finding)
        told = finding.as_dict()
        row = f"{finding.kind:15} {finding.slice:24} {finding.window:34} {finding.what}"
        print(json.dumps(told) if call.json else row, flush=True)
    if call.repair:
        repair.repair(feed, found, storage=storage, budgets=budgets, base_url=call.base_url)
    return 4 if found else 0


def run_requarantine(call: argparse.Namespace) -> int:
    """Put quarantined records through again; one JSON line per window, then the sums."""
    from include.ticklake.cap.budgets import sizes
    from include.ticklake.upkeep import requarantine

    feed, storage, budgets = feed_files.load(call.feed), open_storage(call), sizes(call.cap)
    done = []
    works = planned(call, feed)
    for one in requarantine.requarantine(feed, works, storage=storage, budgets=budgets):
        done.append(one)
        print(json.dumps(one.as_dict()), flush=True)
    sums = {name: sum(getattr(one, name) for one in done) for name in ("before_rows", "after_rows")}
    print(json.dumps({"windows": len(done), **sums}))
    return 4 if any(one.skipped for one in done) else 0


def run_retention(call: argparse.Namespace) -> None:
    """Say what is older than its feed wants to keep; with --delete, delete it."""
    from include.ticklake.upkeep import retire

    storage, now = open_storage(call), datetime.now(UTC)
    feeds = [feed_files.load(name) for name in call.feeds] or list(feed_files.load_all().values())
    print(retire.HEAD)
    for feed in feeds:
        if call.feeds and feed.retention is None:
            raise CallInvalid(f"{feed.name} keeps everything: its file has no `retention`")
        found = retire.due(feed, now=now, storage=storage)
        if call.delete:
            found = retire.delete(found, storage=storage)
        for total in retire.totals(feed, found, now=now):
            print(total.line(), flush=True)
    if not call.delete:
        print("nothing was deleted; --delete does")
