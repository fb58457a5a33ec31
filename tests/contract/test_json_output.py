"""docs/reference/json.md lists every command that prints JSON, with the names that are in it."""

from __future__ import annotations

import argparse
import re

from include.ticklake.cli.main import build_parser
from include.ticklake.model.messages import CompactDone, ConvertDone, ExtractDone, Message
from tests.conftest import REPOSITORY

_ROW = re.compile(r"^\| (`.*?) \| (.*?) \| (?:yes|) ?\|$", re.MULTILINE)
NO_RESULT = {"completion", "replay", "requarantine"}
"""Code for a shell, a server, and another name for a command."""


def rows() -> dict[str, str]:
    """Command -> what the page says that it prints."""
    page = (REPOSITORY / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
    return {
        name: text for names, text in _ROW.findall(page) for name in re.findall(r"`(.*?)`", names)
    }


def test_every_command_with_a_result_takes_json_and_is_on_the_page():
    """A new command has it from its first day."""
    [commands] = [
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    with_json = {
        name
        for name, parser in commands.choices.items()
        if "--json" in parser._option_string_actions
    }
    assert with_json - NO_RESULT == set(commands.choices) - NO_RESULT
    assert set(rows()) == set(commands.choices) - NO_RESULT


def test_the_fields_of_each_step_are_those_of_its_message():
    """Whoever reads them may rely on the page."""
    for command, message in (
        ("extract", ExtractDone),
        ("convert", ConvertDone),
        ("compact", CompactDone),
    ):
        names = [name for name in re.findall(r"`(\w+)`", rows()[command]) if name[0].islower()]
        assert names == ["type", *fields(message)], command


def fields(message: type[Message]) -> tuple[str, ...]:
    return message.__struct_fields__
