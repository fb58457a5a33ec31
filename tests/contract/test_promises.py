"""What the README promises has a test that says it in the same words."""

from __future__ import annotations

import ast
import re

from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text()


def one_line(text: str) -> str:
    return " ".join(text.split())


def promises() -> list[str]:
    """The list under the README's heading."""
    _, _, rest = README.partition("## What it promises\n")
    listed, _, _ = rest.partition("\n## ")
    return [one_line(item) for item in re.findall(r"^\* (.*(?:\n  .*)*)", listed, re.MULTILINE)]


def said_by_tests() -> set[str]:
    """The first paragraph of every test's docstring."""
    found = set()
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.add(one_line((ast.get_docstring(node) or "").partition("\n\n")[0]))
    return found


def test_every_promise_has_a_test_that_says_it():
    """A promise that is reworded, or whose test is gone, shows here."""
    assert len(promises()) > 8
    assert set(promises()) - said_by_tests() == set()
