"""The command line: parses the arguments, runs one command, and ends with its exit code."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from include.ticklake import __version__
from include.ticklake.cli import (
    arguments,
    bar,
    completion,
    doctor,
    feeds,
    history,
    maintenance,
    pipeline,
    publish,
    rebuild,
    regrid,
    replay,
    retention,
    slices,
)
from include.ticklake.convert.budget import budget_for
from include.ticklake.errors import OutOfMemoryError, TicklakeError
from include.ticklake.memory import sigterm
from include.ticklake.memory.own_limit import limit_this_process
from include.ticklake.redaction.masking import mask
from include.ticklake.redaction.output import MaskingFormatter, remember_environment
from include.ticklake.settings import Settings

log = logging.getLogger("include.ticklake")

_NO_THREAD = "can't start new thread"

_GROUPS = (
    feeds,
    slices,
    pipeline,
    rebuild,
    publish,
    maintenance,
    retention,
    history,
    regrid,
    doctor,
    replay,
    completion,
)
"""In the order of the help."""

DESCRIPTION = """\
Stream paged HTTP APIs and SQL queries into exact JSON and Parquet.
`COMMAND --help` describes a command. Settings are environment variables; see
docs/reference/settings.md."""

EXIT_CODES = """\
exit codes:
  0    done
  1    the storage failed, or ticklake did
  2    an argument, a setting or a feed file is wrong
  3    the source refused or failed
  4    data was refused, or an audit found something
  137  the memory limit was reached
A unit that fails does not stop the others, unless its error concerns them, too. The
command ends with a list of what failed, and with 4 rather than 3."""


def main(argv: Sequence[str] | None = None, *, is_own_process: bool = False) -> int:
    """Run one command and return its exit code.

    In a process of its own a command with ``--cap`` runs under that limit, and a terminal shows
    how far a long one is.
    """
    try:
        return _run(argv, is_own_process=is_own_process)
    finally:
        bar.finish()


def _run(argv: Sequence[str] | None, *, is_own_process: bool) -> int:
    try:
        args = _parse(argv)
        if is_own_process:
            cap_bytes = getattr(args, "cap", None)
            if getattr(args, "bar", False):
                bar.start(_title(args), cap_bytes=cap_bytes)
            if cap_bytes:
                _limit(args)
            sigterm.exit_cleanly()
            if not args.verbose:
                bar.move_log_into_bar()
        exit_code: int = args.run(args) or 0
        sys.stdout.flush()  # here, where a closed pipe can still be handled
        return exit_code
    except TicklakeError as error:
        print(f"ticklake: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("ticklake: interrupted; what was committed stays", file=sys.stderr)
        return 128 + signal.SIGINT
    except MemoryError as error:
        return _out_of_memory(mask(str(error)))
    except RuntimeError as error:
        if _NO_THREAD not in str(error):
            raise
        return _out_of_memory(_NO_THREAD)  # its stack counts
    except BrokenPipeError:  # `| head` has read enough, which is not a failure of the storage
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python's own last flush would complain
        return 128 + signal.SIGPIPE
    except OSError as error:
        log.debug("storage.failed", exc_info=True)
        # The system's own errors, such as a full disk, do not say what to do.
        todo = "; correct that and run this again: what was committed stays" if error.errno else ""
        print(f"ticklake: storage: {mask(str(error))}{todo}", file=sys.stderr)
        return TicklakeError.exit_code


def _limit(args: argparse.Namespace) -> None:
    """Put the command under ``--cap``; say so where that is impossible."""
    budget = budget_for(args.cap)  # refuses a limit that nothing fits in
    warning = limit_this_process(args.cap, command=_title(args), in_force=str(budget))
    if warning:
        print(f"ticklake: warning: {warning}", file=sys.stderr)


def _title(args: argparse.Namespace) -> str:
    return " ".join(filter(None, [args.command, getattr(args, "feed", None)]))


def _out_of_memory(reason: str) -> int:
    print(
        f"ticklake: out of memory: {reason}; raise --cap or TICKLAKE_CAP: every size follows "
        "from it",
        file=sys.stderr,
    )
    return OutOfMemoryError.exit_code


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments, completed from the settings; logging is set up as they say."""
    parser = build_parser()
    completion.answer(parser, os.environ)
    args, options = parser.parse_known_args(argv)
    if options and args.run is not replay.run_replay:  # which parses its own
        parser.error(f"unknown arguments: {' '.join(options)}")
    args.options = options
    remember_environment(os.environ)
    # After parsing: a wrong setting must not stop `--help` and `--version`.
    arguments.apply_settings(args, Settings.from_env(os.environ))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    if args.verbose:
        # Ours only: the libraries would log addresses and headers with their secrets.
        log.setLevel(logging.DEBUG)
    return args


class _Parser(argparse.ArgumentParser):
    """A parser that repeats no secret of an argument that it refuses."""

    def error(self, message: str) -> NoReturn:
        super().error(mask(message))


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command."""
    parser = _Parser(
        prog=arguments.program(),
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=arguments.HelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=__version__, help="print the version and exit"
    )
    parser.add_argument("--verbose", action="store_true", help="log every page")
    commands = parser.add_subparsers(
        title="commands", required=True, metavar="COMMAND", dest="command"
    )
    for group in _GROUPS:
        group.add_parsers(commands)
    return parser
