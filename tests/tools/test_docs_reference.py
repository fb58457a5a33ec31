"""The reference pages say what the code says."""

from __future__ import annotations

import json
import re

import pytest

from include.ticklake import errors
from include.ticklake.feed import loader
from tools.docs_reference import __main__ as docs_reference
from tools.docs_reference import commands
from tools.docs_reference.errors import messages
from tools.docs_reference.markdown import escape

REFERENCE = docs_reference.REPOSITORY / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def test_the_pages_are_up_to_date(capsys):
    """`python -m tools.docs_reference --write` updates them."""
    assert docs_reference.main([]) == 0, capsys.readouterr().out


def test_every_key_of_a_feed_file_has_a_row():
    """Those of the file, of its sources, and of each kind of paging."""
    schema, text = json.loads(loader.json_schema()), page("feed-format")
    models = [schema, *schema["$defs"].values()]
    rows = re.findall(r"^\| `(\w+)`", text, re.MULTILINE)
    assert sorted(rows) == sorted(key for model in models for key in model["properties"])
    assert text.count("`source.paging`, `kind: ") > 10


def test_every_command_has_a_section_and_a_row_about_its_memory():
    """The row says whether it has ``--cap``."""
    parsers = commands.parsers()
    assert re.findall(r"^## (\S+)$", page("commands"), re.MULTILINE) == list(parsers)
    rows = dict(
        re.findall(r"^\| `([\w-]+)` \| ([^|]+) \|", page("memory-of-commands"), re.MULTILINE)
    )
    assert rows.keys() == parsers.keys()
    for name, parser in parsers.items():
        assert ("`--cap`" in rows[name]) == ("--cap" in parser.format_usage()), name


def test_every_class_of_error_that_is_raised_has_a_section():
    """With its exit code, and each of its messages in a row."""
    text, texts = page("errors"), messages()
    sections = dict(re.findall(r"^## (\w+Error)\n\n(.*)$", text, re.MULTILINE))
    known = {one.__name__: one for one in vars(errors).values() if isinstance(one, type)}
    assert {name for name in texts if name in known} <= sections.keys()
    for name, says in sections.items():
        assert f"Exit code {known[name].exit_code};" in says
    assert sum(map(len, texts.values())) > 250
    assert "did not commit this window | retry the task |" in text


def test_every_class_of_error_is_in_the_runbook():
    """What somebody sees first is the class in a task's log."""
    runbook = (REFERENCE.parent / "how-to" / "when-a-run-fails.md").read_text(encoding="utf-8")
    names = re.findall(r"^## (\w+Error)$", page("errors"), re.MULTILINE)
    assert len(names) > 15
    assert [name for name in names if f"`{name}`" not in runbook] == []


def test_every_exit_code_of_the_errors_has_a_row():
    """Beside 0, and 130 of an interrupt."""
    rows = re.findall(r"^\| `(\d+)` \|", page("exit-codes"), re.MULTILINE)
    classes = [one for one in vars(errors).values() if isinstance(one, type)]
    codes = {one.exit_code for one in classes if issubclass(one, errors.TicklakeError)}
    assert {int(row) for row in rows} == codes | {0}


def test_a_page_that_is_out_of_date_is_named_and_can_be_written(tmp_path, monkeypatch, capsys):
    """What stands around the markers stays."""
    name, stale = "page.md", f"before\n{docs_reference.BEGIN}\nstale\n{docs_reference.END}\n"
    (tmp_path / name).write_text(stale)
    monkeypatch.setattr(docs_reference, "REPOSITORY", tmp_path)
    monkeypatch.setattr(docs_reference, "PAGES", {name: lambda: ["one", "", "two"]})
    assert docs_reference.main([]) == 1
    assert f"{name}: out of date; run: " in capsys.readouterr().out
    docs_reference.main(["--write"])
    assert docs_reference.main([]) == 0
    assert (tmp_path / name).read_text() == stale.replace("\nstale\n", "\n\none\n\ntwo\n\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a|b\nc", r"a\|b c", id="one cell"),
        pytest.param("`a_b` c_d <e>", r"`a_b` c\_d \<e\>", id="code"),
        pytest.param("``a`` `b", "'a' 'b", id="odd"),
    ],
)
def test_a_text_is_shown_as_it_is(text, shown):
    """In a cell of a table."""
    assert escape(text) == shown
