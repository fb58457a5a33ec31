"""The commands that keep a lake in order: arguments in, printed lines and an exit code out."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime

from include.ticklake.cli.pipeline import open_storage, planned, slice_of
from include.ticklake.errors import UsageError
from include.ticklake.feed import loader


def run_compact(call: argparse.Namespace) -> None:
    """Make one file of each whole day of an interval; one JSON line per slice and day."""
    from include.ticklake.convert.budget import budget_for
    from include.ticklake.feed import plan
    from include.ticklake.lake import day_manifest
    from include.ticklake.maintain import compact
    from include.ticklake.model import window

    feed, storage = loader.load(call.feed), open_storage(call)
    start, end = window.parse_instant(call.start), window.parse_instant(call.end)
    slices = [plan.normalize_slice(feed, slice_of(call.slice))] if call.slice else feed.all_slices
    budgets = budget_for(call.cap)
    for piece in slices:
        for day in window.split_range(start, end, length=day_manifest.LENGTH):
            done = compact.compact(feed, piece, day, storage=storage, budgets=budgets)
            print(json.dumps(done.summary()), flush=True)


def run_audit(call: argparse.Namespace) -> int:
    """Say what is wrong with an interval of the lake; with --repair, mend what can be."""
    from include.ticklake.convert.budget import budget_for
    from include.ticklake.feed import plan
    from include.ticklake.maintain import audit, repair
    from include.ticklake.model import window

    feed, storage, budgets = loader.load(call.feed), open_storage(call), budget_for(call.cap)
    slices = [slice_of(call.slice)] if call.slice else None
    start, end = window.parse_instant(call.start), window.parse_instant(call.end)
    works = plan.plan_units(feed, start=start, end=end, slices=slices)
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
    from include.ticklake.convert.budget import budget_for
    from include.ticklake.maintain import retry_quarantine

    feed, storage, budgets = loader.load(call.feed), open_storage(call), budget_for(call.cap)
    done = []
    works = planned(call, feed)
    for one in retry_quarantine.retry_quarantine(feed, works, storage=storage, budgets=budgets):
        done.append(one)
        print(json.dumps(one.as_dict()), flush=True)
    sums = {name: sum(getattr(one, name) for one in done) for name in ("before_rows", "after_rows")}
    print(json.dumps({"windows": len(done), **sums}))
    return 4 if any(one.skipped for one in done) else 0


def run_retention(call: argparse.Namespace) -> None:
    """Say what is older than its feed wants to keep; with --delete, delete it."""
    from include.ticklake.maintain import expire

    storage, now = open_storage(call), datetime.now(UTC)
    feeds = [loader.load(name) for name in call.feeds] or list(loader.load_all().values())
    print(expire.HEAD)
    for feed in feeds:
        if call.feeds and feed.retention is None:
            raise UsageError(f"{feed.name} keeps everything: its file has no `retention`")
        found = expire.find_expired(feed, now=now, storage=storage)
        if call.delete:
            found = expire.delete(found, storage=storage)
        for total in expire.totals(feed, found, now=now):
            print(total.line(), flush=True)
    if not call.delete:
        print("nothing was deleted; --delete does")
