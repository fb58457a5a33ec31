"""What an error advises exists: the options of a feed file, the commands and their options.

The texts are those of the core and of the operators, as they stand in the code; what a text fills
in is replaced by a name.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from include.operators.access.settings import ContainerSettings, OperatorSettings
from include.ticklake.cli.main import build_parser, main
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.model_options import all_models, options
from include.ticklake.lake import read
from include.ticklake.lake.storage import Storage
from include.ticklake.settings import Settings
from tests.conftest import REPOSITORY

FILLED_IN = "filled_in"
_OPTION = re.compile(r"(?<![\w./-])(?:limits|retention|source)(?:\.\w+)+")
_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*\w")
_VARIABLE = re.compile(r"\bTICKLAKE_[A-Z_]+\b")
_FILE = re.compile(r"\b(?:docs/[\w/-]+\.md|requirements[\w-]*\.txt)")
_QUOTED = re.compile(r"`([^`\n]+)`")
_OTHERS = {"--pdeathsig"}
"""Options of other programs."""


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the code but docstrings, and where it stands."""
    for folder in ("include/ticklake", "include/operators"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            inside = {
                id(part)
                for node in ast.walk(tree)
                if isinstance(node, ast.JoinedStr)
                for part in node.values
            }
            for node in ast.walk(tree):
                if id(node) in docs | inside:
                    continue
                where = f"{path.relative_to(REPOSITORY)}:{getattr(node, 'lineno', 0)}"
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield where, node.value
                elif isinstance(node, ast.JoinedStr):
                    yield where, "".join(map(_part, node.values))


def _part(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else FILLED_IN


TEXTS = list(texts())


@cache
def option_paths() -> frozenset[str]:
    """Every path of a feed file, ``source.paging.step`` of any kind of source and paging."""
    return frozenset(
        ".".join((*path, name)) for path, model in all_models(Feed) for name, _ in options(model)
    )


@cache
def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of every command."""
    [commands] = [
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    return dict(commands.choices)


def test_there_is_something_to_check():
    """Else the patterns here would have gone blind."""
    joined = "\n".join(text for _, text in TEXTS)
    for pattern, least in ((_OPTION, 20), (_FLAG, 20), (_VARIABLE, 20), (_FILE, 2)):
        assert len(set(pattern.findall(joined))) >= least, pattern


def test_every_option_of_a_feed_that_a_text_names_exists():
    """``limits.max_pages``, ``source.paging.after_last_page``."""
    unknown = [
        (where, name)
        for where, text in TEXTS
        for name in _OPTION.findall(text)
        if not _exists(name) and FILLED_IN not in name
        if not text.startswith(f"{name} ")  # an event of the log
        if "renamed_keys" not in where
    ]
    assert unknown == []


def _exists(path: str) -> bool:
    """Whether *path* is one of a feed file; below a mapping of names, any name is."""
    free = ("source.capture.", "source.params.", "source.headers.")
    return path in option_paths() or path.startswith(free)


def test_every_option_of_a_command_that_a_text_names_exists():
    """Of some command; a command in backquotes is checked as a whole."""
    known = {flag for parser in parsers().values() for flag in parser._option_string_actions}
    known |= {*build_parser()._option_string_actions, *_OTHERS}
    unknown = [
        (where, flag)
        for where, text in TEXTS
        for flag in _FLAG.findall(text)
        if flag not in known and not where.startswith("include/operators")
    ]
    assert unknown == []


def test_every_command_in_backquotes_can_be_run_as_it_is():
    """With its arguments where it shows any: what is missing would be an error of its own."""
    wrong = []
    for where, text in TEXTS:
        for quoted in _QUOTED.findall(text):
            name, _, rest = quoted.removeprefix("python -m include.ticklake ").partition(" ")
            if name not in parsers() or not (argv := shlex.split(rest)):
                continue
            try:
                parsers()[name].parse_args(_complete(argv))
            except SystemExit:
                wrong.append((where, quoted))
    assert wrong == []


def _complete(argv: list[str]) -> list[str]:
    """*argv*, where a unit's arguments that are filled in are written out."""
    is_unit = FILLED_IN in argv[1:] and not argv[argv.index(FILLED_IN, 1) - 1].startswith("--")
    at = argv.index(FILLED_IN, 1) if is_unit else len(argv)
    return [*argv[:at], *(["--start", "TIME", "--end", "TIME"] if is_unit else []), *argv[at + 1 :]]


def test_every_variable_that_a_text_names_is_a_setting():
    """With its description in the README."""
    known = {
        doc.variable
        for settings in (Settings, OperatorSettings, ContainerSettings)
        for doc in settings.documentation()
    }
    unknown = [
        (where, name)
        for where, text in TEXTS
        for name in _VARIABLE.findall(text)
        if name not in known
    ]
    assert unknown == []


@pytest.mark.parametrize("name", sorted({n for _, text in TEXTS for n in _FILE.findall(text)}))
def test_every_file_that_a_text_names_exists(name):
    """In the repository."""
    assert (REPOSITORY / name).is_file()


# ---- steps that a message names, done as it says

FEED = """\
source: {kind: http, base_url: "https://api.example.com", path: "/rows/{symbol}"}
slices: {symbol: [BTC]}
fields:
  id: {type: int64, key: true}
  price: {type: int64}
  at: {from: t, type: timestamp, unit: ms, event_time: true}
"""
HOUR = ("--start", "2026-11-22T05:00Z", "--end", "2026-11-22T06:00Z")
GOOD = b'{"id": %d, "price": 5, "t": 1795323600153, "fee": 1}'
BAD = b'{"id": %d, "price": "five", "t": 1795323600153}'


@pytest.fixture
def lake(tmp_path, monkeypatch, capsys, http_server):
    """A feed of one symbol, and commands over it: the exit code, the output, the errors."""

    class Lake:
        folder = tmp_path / "lake"
        feed = tmp_path / "feeds" / "rows.yaml"

        def answer(self, *records: bytes) -> None:
            """The source has these records."""
            body = b"[" + b",".join(text % number for number, text in enumerate(records)) + b"]"
            http_server.answer("/rows/BTC", body)

        def run(self, *argv: str) -> tuple[int, str, str]:
            capsys.readouterr()
            exit_code = main(list(argv))
            output = capsys.readouterr()
            return exit_code, output.out, output.err

        def ingest(self) -> tuple[int, str, str]:
            """Extract and convert the hour."""
            _, out, err = self.run("extract", "rows", *HOUR)
            return self.run("convert", json.loads(out)["manifest"]) if out else (3, out, err)

    (tmp_path / "feeds").mkdir()
    Lake.feed.write_text(FEED)
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    monkeypatch.setenv("TICKLAKE_BASE_URL", http_server.url)
    return Lake()


@pytest.mark.parametrize("share", ["2%", "0.02", "2.0%", "2 %"])
def test_the_limit_can_be_raised_as_the_message_says(lake, share):
    """Both ways of writing it, ``2%`` and ``0.02``."""
    lake.answer(*[GOOD] * 98, BAD, BAD)
    exit_code, _, err = lake.ingest()
    assert exit_code == 4
    assert "or allow more there (`limits: {max_bad_share: 2%}`)" in err
    lake.feed.write_text(f"{FEED}limits: {{max_bad_share: {share}}}\n")
    exit_code, out, _ = lake.run("rebuild", "rows", *HOUR)
    assert (exit_code, json.loads(out)["quarantined_rows"]) == (0, 2)


def test_after_the_source_is_corrected_its_records_are_fetched_again(lake):
    """``extract``, then ``convert``: nothing of the old answer is left."""
    lake.answer(*[GOOD] * 5, BAD)
    exit_code, _, err = lake.ingest()
    assert exit_code == 4
    assert "once the source is corrected, run `extract rows " in err
    lake.answer(*[GOOD] * 6)
    exit_code, out, _ = lake.ingest()
    assert (exit_code, json.loads(out)["rows"], json.loads(out)["quarantined_rows"]) == (0, 6, 0)


def test_after_a_field_was_added_new_fields_falls_silent(lake):
    """The message says to add it and to rebuild."""
    lake.answer(GOOD)
    _, out, _ = lake.ingest()
    assert json.loads(out)["new_fields"] == ["fee"]
    lake.feed.write_text(FEED.replace("  at:", "  fee: {type: int64}\n  at:"))
    exit_code, out, _ = lake.run("rebuild", "rows", *HOUR)
    assert (exit_code, "new_fields" in json.loads(out)) == (0, False)


def test_the_command_for_a_window_without_json_is_the_one_to_run(lake):
    """As the message has it, a slice and a window in one line."""
    lake.answer(GOOD)
    _, out, _ = lake.run("extract", "rows", *HOUR)
    uri = json.loads(out)["manifest"]
    shutil.rmtree(lake.folder)
    exit_code, _, err = lake.run("convert", uri)
    [command] = _QUOTED.findall(err)
    assert exit_code == 2
    assert lake.run(*shlex.split(command))[0] == 0
    assert lake.run("convert", uri)[0] == 0


def test_a_damaged_manifest_is_restored_by_the_command_of_its_message(lake):
    """As the message has it, and the unit can be extracted again as well."""
    lake.answer(GOOD)
    _, out, _ = lake.run("extract", "rows", *HOUR)
    uri = json.loads(out)["manifest"]
    Path(uri.removeprefix("file://")).write_text("{")
    exit_code, _, err = lake.run("convert", uri)
    [command] = set(_QUOTED.findall(err))
    assert exit_code == 4
    assert lake.run(*shlex.split(command))[0] == 0
    assert lake.run("convert", uri)[0] == 0
    assert lake.ingest()[0] == 0


@pytest.mark.parametrize("is_broken", [False, True], ids=["other types", "a broken history"])
def test_the_schema_can_be_replaced_as_the_message_says(lake, is_broken):
    """A history that is broken is deleted first."""
    lake.answer(GOOD)
    assert lake.ingest()[0] == 0
    [history] = (lake.folder / "schemas").iterdir()
    if is_broken:
        history.write_text("{")
    lake.feed.write_text(FEED.replace("price: {type: int64}", "price: {type: double}"))
    exit_code, _, err = lake.run("rebuild", "rows", *HOUR)
    assert exit_code == 2
    [command] = _QUOTED.findall(err)
    assert command == "rebuild rows --new-schema --start TIME --end TIME"
    if is_broken:
        assert "or delete it and rebuild all files" in err
        history.unlink()
    exit_code, _, err = lake.run("rebuild", "rows", "--new-schema", *HOUR)
    assert exit_code == 0, err
    assert read.table(loader.load("rows"), storage=Storage.open(f"file://{lake.folder}", {}))[
        "price"
    ].to_pylist() == [5.0]
