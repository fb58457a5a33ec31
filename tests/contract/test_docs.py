"""The pages that show commands are right: what they show is run, and compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from include.ticklake.__main__ import main
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "how-to" / "add-a-source.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAVED = re.compile(r"Save this as `([^`]+)`:\n\n$")
SERVER = "python -m include.replay"
COMMAND = "python -m include.ticklake"


@pytest.fixture
def stand_in() -> Iterator[int]:
    """The port of the stand-in that the page starts in a second terminal."""
    command = next(block for kind, block in blocks() if kind == "sh" and block.startswith(SERVER))
    argv = command.replace("8900", "0").split()[1:]
    with subprocess.Popen(
        [sys.executable, *argv], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as server:
        yield int(server.stdout.readline().rpartition(":")[2])
        server.terminate()
        server.stdout.read()


def blocks() -> list[tuple[str, str]]:
    """Kind and text of every block of the page, in order; a file's kind is its path."""
    page, found = PAGE.read_text(encoding="utf-8"), []
    for block in BLOCK.finditer(page):
        saved = SAVED.search(page, 0, block.start())
        found.append((saved[1] if saved else block[1], block[2]))
    return found


def pattern(shown: str) -> re.Pattern[str]:
    """What is shown of an output; ``...`` is any text, and blanks are any number of them."""
    lines = [
        r"[^\n]*".join(re.escape(part) for part in re.sub(" +", " ", line).split("..."))
        for line in shown.splitlines()
    ]
    return re.compile("".join(rf"{line}\n" if line != r"[^\n]*" else r"(?s:.*)" for line in lines))


def test_adding_a_source_does_what_the_page_says(tmp_path, stand_in):
    """Its files are written, its commands run one after the other, its outputs compared."""
    said = ""
    session = [f"cd {tmp_path}"]
    for kind, block in blocks():
        block = block.replace("127.0.0.1:8900", f"127.0.0.1:{stand_in}")
        if kind == "sh" and not block.startswith(SERVER):
            said = ran(session, block, folder=tmp_path)
            session += [line for line in block.splitlines() if line.startswith("export ")]
        elif "/" in kind:
            (tmp_path / kind).write_text(block)
        elif kind in ("text", "yaml"):
            assert pattern(block).fullmatch(re.sub(" +", " ", said)), f"{block}\nbut was\n{said}"
    manifests = list((tmp_path / "lake" / "parquet").rglob("*.parquet"))
    assert len(manifests) == 3


def test_the_commands_of_the_readme_are_right(tmp_path, stand_in):
    """Without Airflow: an hour is fetched, converted, and found to be complete."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    [block] = [text for kind, text in BLOCK.findall(readme) if kind == "sh" and "extract" in text]
    block = block.replace("127.0.0.1:8900", f"127.0.0.1:{stand_in}")
    block = block.replace(". .venv/bin/activate\n", "").replace("ticklake ", f"{COMMAND} ")
    said = ran([], block, folder=tmp_path)
    assert said.count("ExtractDone") == said.count("ConvertDone") == 1
    assert len(list((tmp_path / "lake" / "parquet").rglob("*.parquet"))) == 1
    [query] = [text for kind, text in BLOCK.findall(readme) if kind == "sql"]
    [(date, price)] = duckdb.sql(
        query.replace("lake/parquet", f"{tmp_path}/lake/parquet")
    ).fetchall()
    assert (str(date), price > 0) == ("2026-01-02", True)


def ran(session: list[str], block: str, *, folder: Path) -> str:
    """What a block prints; it must end well."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join([*session, block])],
        cwd=folder,
        env={
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TICKLAKE_", "AIRFLOW_"))
        }
        | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{block}\n{done.stderr}"
    return done.stdout


def test_every_decision_has_a_number_of_its_own():
    """A reference to a decision is its number."""
    paths = sorted((REPOSITORY / "docs" / "decisions").glob("0*.md"))
    numbers = [int(path.name[:4]) for path in paths]
    assert len(set(numbers)) == len(numbers)
    for number, path in zip(numbers, paths, strict=True):
        assert path.read_text(encoding="utf-8").startswith(f"# {number}. ")


def test_every_finding_of_an_audit_is_in_the_glossary():
    """With what a repair does about it."""
    from include.ticklake.maintain import audit
    from include.ticklake.maintain.safe_repair import REPAIRS

    glossary = (REPOSITORY / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| ([\w, ]*?) ?\|$", glossary, re.MULTILINE))
    kinds = re.findall(r"^(\w+) +\w.*", (audit.__doc__ or "").partition("kind  ")[2], re.MULTILINE)
    assert kinds
    assert rows == {kind: ", ".join(REPAIRS[kind]) for kind in kinds}


def test_every_paging_kind_is_on_the_page():
    """A kind that the page does not name is one that nobody finds; so is an option it needs."""
    from typing import get_args

    from include.ticklake.feed.paging import AnyPaging

    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*)\|$", PAGE.read_text("utf-8"), re.MULTILINE))
    for model in get_args(get_args(AnyPaging)[0]):
        [kind] = get_args(model.model_fields["kind"].annotation)
        needed = [
            field.alias or name for name, field in model.model_fields.items() if field.is_required()
        ]
        assert re.findall(r"`(\w+)`", rows.get(kind, "not on the page")) == [
            name for name in needed if name != "kind"
        ], kind


@pytest.mark.parametrize("command", ["probe", "preview", "extract", "rebuild"])
def test_every_command_of_the_page_has_a_help(command, capsys):
    """And says in it what it needs."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out
