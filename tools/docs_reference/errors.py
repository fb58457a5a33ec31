"""``docs/reference/errors.md``: every error that the code raises, from its source."""

from __future__ import annotations

import ast
import inspect
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from include.ticklake import errors
from tools.docs_reference.markdown import escape, table

REPOSITORY = Path(__file__).parents[2]
FOLDERS = ("include/ticklake", "include/operators")
FILLED_IN = "…"
"""Stands for what a message fills in: a name, a number, a path."""

FROM_ELSEWHERE = "*what the source, the file or the check said*"

MADE_ELSEWHERE = {
    "RateLimitedError": "It reads `rate limited; retry in 30 s`, and a retry waits that long.",
    "OutOfMemoryError": "What it says, and what to change: "
    "[when the limit is reached](../explanation/memory.md#when-the-limit-is-reached).",
}
"""Classes whose whole text is filled in."""

OF_FEED_FILES = "ValueError"
OF_RECORDS = "InvalidValueError"


def messages() -> dict[str, list[str]]:
    """The texts that each class of error is raised with, in the order of the files."""
    texts: dict[str, list[str]] = defaultdict(list)
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for name, text in _raised_in(ast.parse(path.read_text(encoding="utf-8"))):
                if text not in texts[name]:
                    texts[name].append(text)
    return texts


def _raised_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The class and the text of every error that is made in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            text = _text(node.args[0])
            if node.func.id.endswith(("Error", "Exception")) and _says_something(text):
                yield node.func.id, text


def _text(node: ast.expr) -> str:
    """A message as it stands in the code; nothing where it comes from elsewhere."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else FILLED_IN for part in node.values
        )
    return ""


def _says_something(text: str) -> bool:
    return sum(character.isalpha() for character in text) > 8


def raised() -> list[type[errors.TicklakeError]]:
    """Every class of the tree in ``errors.py`` that is raised as itself, in its order."""
    return [
        one
        for _, one in sorted(
            inspect.getmembers(errors, inspect.isclass), key=lambda pair: _line(pair[1])
        )
        if issubclass(one, errors.TicklakeError)
    ]


def _line(one: type) -> int:
    return inspect.getsourcelines(one)[1] if one.__module__ == errors.__name__ else 0


def lines() -> Iterator[str]:
    """A section per class of error, then what is refused in feed files and in records."""
    texts = messages()
    for one in raised():
        known = texts.get(one.__name__, [])
        if not known and one.__subclasses__():
            continue
        yield f"## {one.__name__}"
        yield ""
        yield f"{escape(inspect.getdoc(one) or '')} Exit code {one.exit_code}; {reaction(one)}."
        yield MADE_ELSEWHERE.get(one.__name__, "")
        yield ""
        yield from _table(known)
    yield from _refused("In feed files", "FeedFileError: the file, the line and the key stand "
                        "before it.", [*texts["FieldError"], *texts[OF_FEED_FILES]])  # fmt: skip
    yield from _refused("In records", "The reason with which a record goes to the quarantine.",
                        texts[OF_RECORDS])  # fmt: skip


def reaction(one: type[errors.TicklakeError]) -> str:
    """What Airflow does about it."""
    if issubclass(one, errors.RetryableError):
        return "Airflow retries the task"
    return "Airflow fails the task without a retry"


def _refused(title: str, where: str, texts: list[str]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield where
    yield ""
    yield from _table(list(dict.fromkeys(texts)))


def _table(texts: list[str]) -> Iterator[str]:
    if texts:
        yield from table(("problem", "what to do"), map(_row, texts))


def _row(text: str) -> tuple[str, str]:
    """The problem and the advice: ``<where>: <problem>; <what to do>``."""
    problem, _, advice = text.partition("; ")
    problem = problem.removeprefix(f"{FILLED_IN}: ")
    return (
        escape(problem) if problem.strip(f"{FILLED_IN} ") else FROM_ELSEWHERE,
        escape(advice) if advice.strip(f"{FILLED_IN} ") else "",
    )
