"""``docs/reference/commands.md``: every command and option, from the parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from include.ticklake.cli.main import build_parser
from tools.docs_reference.markdown import escape, table

REPLAY = "replay"
"""Has a parser of its own, in a program of its own."""


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of every command, by its first name, in the order of ``--help``."""
    [commands] = [
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    first: dict[int, str] = {}
    for name, parser in commands.choices.items():
        first.setdefault(id(parser), name)
    return {name: commands.choices[name] for name in first.values()}


def lines() -> Iterator[str]:
    """A section per command."""
    for name, parser in parsers().items():
        yield f"## {name}"
        yield ""
        if name == REPLAY:
            yield "Serve a local stand-in for every shipped feed's API. `python -m include.replay"
            yield "--help` lists its options."
            yield ""
            continue
        yield escape(parser.description or "")
        yield ""
        yield from table(("argument", "meaning"), _rows(parser))
        if parser.epilog:
            yield from ("```console", *_examples(parser.epilog), "```", "")


def _rows(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction) and action.help != argparse.SUPPRESS:
            yield _shown(action), escape(action.help or "")


def _shown(action: argparse.Action) -> str:
    """The option with its value, as it is typed."""
    names = list(action.option_strings)
    metavar = str(action.metavar or (action.dest.upper() if action.nargs != 0 else ""))
    if action.choices:
        metavar = "/".join(map(str, action.choices))
    if action.nargs == "+":
        metavar = f"{metavar} ..."
    elif action.nargs == "*":
        metavar = f"[{metavar} ...]"
    required = " (required)" if names and action.required else ""
    return f"`{' '.join([*names[-1:], metavar]).strip()}`{required}"


def _examples(epilog: str) -> Iterator[str]:
    for line in epilog.splitlines()[1:]:
        text = line.removeprefix("  ")
        yield f"$ {text}" if text.startswith("python") else text


def exit_codes() -> Iterator[str]:
    """The table of exit codes, from the end of ``--help``."""
    text = (build_parser().epilog or "").partition("exit codes:\n")[2]
    codes = [line.split(maxsplit=1) for line in text.splitlines() if line.startswith("  ")]
    yield from table(("code", "meaning"), ((f"`{code}`", escape(says)) for code, says in codes))
    yield escape(" ".join(line for line in text.splitlines() if not line.startswith("  ")))
    yield ""
