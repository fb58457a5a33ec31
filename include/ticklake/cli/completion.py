"""``completion``: what a shell needs to complete commands, options, feeds and slices with TAB.

The shell asks this command line itself (argcomplete), so a feed of your own is completed, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from include.ticklake.errors import TicklakeError, UsageError

if TYPE_CHECKING:
    from include.ticklake.cli.arguments import Commands

SHELLS = ("bash", "fish", "tcsh", "zsh")
_ASKED = "_ARGCOMPLETE"

Complete = Callable[..., Iterable[str]]
"""The words that may stand for an argument; it gets what was parsed so far as *parsed_args*."""


def add_parsers(commands: Commands) -> None:
    """Add the command."""
    from include.ticklake.cli import arguments

    parser = arguments.add_command(
        commands,
        "completion",
        summary="print what makes a shell complete this command with TAB",
        description="For the command `ticklake`, which `make install` writes. Add the line of the "
        "example to the file that your shell starts with.",
        examples=['completion bash    # in ~/.bashrc: eval "$(ticklake completion bash)"'],
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    parser.set_defaults(run=run_completion)


def run_completion(args: argparse.Namespace) -> None:
    """Print the shell's code."""
    try:
        from argcomplete.shell_integration import shellcode
    except ModuleNotFoundError:
        raise UsageError(
            "completion: argcomplete is not installed here; install requirements.txt"
        ) from None
    from include.ticklake.cli.arguments import COMMAND

    print(shellcode([COMMAND], shell=args.shell))


def answer(parser: argparse.ArgumentParser, env: Mapping[str, str]) -> None:
    """Answer a shell that asks for completions, and end; return where none does."""
    if _ASKED not in env:
        return
    import argcomplete

    argcomplete.autocomplete(parser, always_complete_options="long")


def complete(action: argparse.Action, choose: Complete) -> None:
    """Have the values of *action* completed by what *choose* returns."""
    action.completer = choose  # type: ignore[attr-defined]  # the name that argcomplete looks for


def feed_names(**_: object) -> Iterable[str]:
    """Every feed, also one whose file is not valid."""
    from include.ticklake.feed import loader

    try:
        return list(loader.feed_paths())
    except TicklakeError:  # a wrong setting: the command itself says so
        return []


def slice_values(*, parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    """``symbol=BTCUSDT`` for each value that the feed's file lists."""
    from include.ticklake.feed import loader
    from include.ticklake.feed.slice_values import known_values

    try:
        feed = loader.load(parsed_args.feed)
    except (TicklakeError, AttributeError):
        return []
    return [
        f"{name}={value}" for name, values in feed.slices.items() for value in known_values(values)
    ]
