"""Texts that users and developers read are plain English: the worst idioms are refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

IDIOMS = {
    r"told": "reported, named, passed",
    r"mend(?:ed|s|ing)?": "fix",
    r"anew": "again",
    r"begun": "started",
    r"gone on": "resumed",
    r"nought": "0",
    r"whoever": "the caller, whichever program",
    r"there twice": "duplicate",
    r"wants": "needs, requires",
    r"lies under": "is below",
    r"at hand": "available",
    r"whom": "which, for",
    r"for ever": "forever",
    r"(?:is|are) no(?! (?:longer|more|less|other|such|better|worse|larger|smaller)\b)":
        "is not a, there is no",
}  # fmt: skip
REFUSED = re.compile(
    "|".join(rf"\b(?:{idiom})" + r"\b" for idiom in IDIOMS),
    re.IGNORECASE,
)
THERE_IS_NO = re.compile(r"\bthere (?:is|are) no ", re.IGNORECASE)

PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
CODE = ["dags", "include/operators", "include/ticklake", "include/ui", "include/replay", "tools"]


def pages() -> Iterator[Path]:
    """Every page for people, but for the decisions, which are of their day."""
    yield from (REPOSITORY / name for name in PAGES)
    docs = REPOSITORY / "docs"
    yield from (page for page in docs.rglob("*.md") if page.parent.name != "decisions")
    yield REPOSITORY / "include" / "feeds" / "feed.schema.json"


def modules() -> Iterator[Path]:
    for folder in CODE:
        yield from (REPOSITORY / folder).rglob("*.py")


def findings(text: str) -> list[str]:
    """The refused words of *text*."""
    return [match[0].strip() for match in REFUSED.finditer(THERE_IS_NO.sub("", text))]


def strings(module: Path) -> Iterator[tuple[int, str]]:
    """Every string of a module with its line: docstrings, help, descriptions, errors."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def test_pages_and_the_schema_are_plain_english():
    """Each finding is named with its file and line."""
    wrong = [
        f"{page.relative_to(REPOSITORY)}:{number}: {words}"
        for page in pages()
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
        if (words := findings(line))
    ]
    assert wrong == []


def test_docstrings_help_and_errors_are_plain_english():
    """Every string of the code, whatever it is for."""
    wrong = [
        f"{module.relative_to(REPOSITORY)}:{line}: {words}"
        for module in modules()
        for line, text in strings(module)
        if (words := findings(text))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("A window that was mended", ["mended"], id="idiom"),
        pytest.param("Recommended: fold and amend", [], id="part of a word"),
        pytest.param("This is no object", ["is no"], id="is no"),
        pytest.param("There is no index", [], id="there is no"),
        pytest.param("It is no longer read", [], id="no longer"),
    ],
)
def test_the_refused_words(text, expected):
    """Whole words only, and not the ones that are right."""
    assert findings(text) == expected
