"""``doctor``: looks at what ticklake needs around it, and says how to fix what is wrong."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from include.ticklake.cli import airflow_doctor, arguments
from include.ticklake.cli.results import print_json
from include.ticklake.cli.terminal import Style, paint
from include.ticklake.errors import UsageError

if TYPE_CHECKING:
    from include.ticklake.doctor.diagnosis import Diagnosis, State
    from include.ticklake.feed.feed import Feed

_STYLES: dict[State, Style] = {"ok": "green", "warn": "yellow", "fail": "red"}
_NAME_WIDTH = 19


def add_parsers(commands: arguments.Commands) -> None:
    """Add the command."""
    parser = arguments.add_command(
        commands,
        "doctor",
        summary="check what ticklake needs here, and say how to fix what is wrong",
        description="Looks at Python and its libraries, the memory limit of a step, the runner, "
        "the feeds and their connections, the free disk, and the rights below the root: there it "
        "writes, reads, lists and deletes one small object. Sends no request to a source unless "
        "asked to. Exits with 2 if anything fails, else with 0.",
        examples=["doctor", "doctor --root s3://bucket/lake --network", "doctor --airflow"],
    )
    parser.add_argument(
        "--network", action="store_true", help="also send one request to each feed's host"
    )
    parser.add_argument(
        "--airflow",
        action="store_true",
        help="look at an Airflow that is there already instead, with the environment and as the "
        "user of its scheduler: docs/how-to/existing-airflow.md",
    )
    parser.add_argument(
        "--python",
        default=sys.executable,
        metavar="PATH",
        help="with --airflow: the Python that Airflow runs in. Defaults to this one",
    )
    arguments.add_root(parser)
    arguments.add_base_url(parser)
    arguments.add_json(parser, of="all checks as one array")
    parser.set_defaults(run=run_doctor)


def run_doctor(args: argparse.Namespace) -> int:
    """Print each check as it ends; 2 if one failed."""
    if args.airflow:
        checks = airflow_doctor.check_airflow(args.python)
    elif args.python != sys.executable:
        raise UsageError("--python names Airflow's Python; add --airflow")
    else:
        checks = _checks(args)
    done: list[Diagnosis] = []
    for diagnosis in checks:
        done.append(diagnosis)
        if not args.json:
            print(_format(diagnosis), flush=True)
    if args.json:
        print_json([diagnosis.as_dict() for diagnosis in done])
    else:
        print(_summary(done))
    return UsageError.exit_code if any(each.state == "fail" for each in done) else 0


def _checks(args: argparse.Namespace) -> Iterator[Diagnosis]:
    from include.ticklake.doctor import lake_checks, machine_checks, source_checks

    yield from machine_checks.check_versions()
    yield from machine_checks.check_memory_limit(args.settings.cap_bytes)
    yield from machine_checks.check_runner(os.environ)
    feeds: list[Feed] = []
    yield from source_checks.check_feeds(feeds, os.environ)
    yield from source_checks.check_connections(feeds, os.environ)
    yield from lake_checks.check_lake(args.root, os.environ)
    yield lake_checks.check_disk(args.root)
    if args.network:
        yield from source_checks.check_network(
            feeds, lambda feed: arguments.base_url_for(args, feed)
        )


def _format(diagnosis: Diagnosis) -> str:
    state = paint(f"{diagnosis.state:<5}", _STYLES[diagnosis.state])
    text = diagnosis.text.replace("\n", "\n" + " " * (_NAME_WIDTH + 7))
    line = f"{state} {diagnosis.check:<{_NAME_WIDTH}} {text}"
    return f"{line}\n{'':6}{'':{_NAME_WIDTH}} fix: {diagnosis.fix}" if diagnosis.fix else line


def _summary(done: list[Diagnosis]) -> str:
    states = [each.state for each in done]
    if "fail" in states:
        return paint(f"{states.count('fail')} of {len(done)} checks failed", "red")
    if "warn" in states:
        return paint(f"nothing failed; {states.count('warn')} of {len(done)} warn", "yellow")
    return paint(f"all {len(done)} checks are ok", "green")
