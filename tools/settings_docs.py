"""Writes what the models of settings say into the documents that list them, or checks those.

``python -m tools.settings_docs`` exits with 1 if a file is out of date; ``--write`` updates it.
Each file has a pair of marker lines; the text between them is generated.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from include.operators.access.settings import ContainerSettings, OperatorSettings
from include.ticklake.settings import EnvironmentSettings, SettingDoc

REPOSITORY = Path(__file__).parents[1]
BEGIN = "settings, written by `python -m tools.settings_docs --write`"
END = "end of settings"

COMPOSE_VALUES = {
    "TICKLAKE_ROOT": "s3://ticklake/lake",
    "TICKLAKE_BASE_URL": "http://replay:8900",
}
"""What differs from the defaults where everything runs in containers."""


def markdown_table(docs: Sequence[SettingDoc]) -> Iterator[str]:
    """A table with a row per setting."""
    yield "| variable | meaning | default |"
    yield "| --- | --- | --- |"
    for doc in docs:
        default = f"`{doc.default}`" if doc.default else ""
        yield f"| `{doc.variable}` | {doc.description.removesuffix('.')} | {default} |"


def env_lines(docs: Sequence[SettingDoc]) -> Iterator[str]:
    """A commented variable per setting; one without a value is commented out."""
    for doc in docs:
        value = COMPOSE_VALUES.get(doc.variable, doc.default)
        yield f"# {doc.description.replace('`', '')}"
        yield f"{'' if value else '# '}{doc.variable}={value}"


def compose_lines(docs: Sequence[SettingDoc]) -> Iterator[str]:
    """A variable per setting, passed on to every service of Airflow."""
    for doc in docs:
        value = COMPOSE_VALUES.get(doc.variable, doc.default)
        # An empty base URL means the real APIs, so it must be possible to empty it.
        default = f":-{value}" if value and doc.variable != "TICKLAKE_BASE_URL" else "-"
        yield f"    {doc.variable}: ${{{doc.variable}{default}}}"


Render = Callable[[Sequence[SettingDoc]], Iterator[str]]
TARGETS: dict[str, tuple[type[EnvironmentSettings], Render]] = {
    "docs/reference/settings.md": (OperatorSettings, markdown_table),
    ".env.example": (OperatorSettings, env_lines),
    "docker-compose.yaml": (OperatorSettings, compose_lines),
    "docs/reference/container-settings.md": (ContainerSettings, markdown_table),
}


def updated(path: Path, lines: Iterator[str]) -> str:
    """The text of *path* with *lines* between its markers."""
    text = path.read_text(encoding="utf-8").splitlines(keepends=True)
    [first] = (number for number, line in enumerate(text) if BEGIN in line)
    [last] = (number for number, line in enumerate(text) if END in line)
    return "".join([*text[: first + 1], *(f"{line}\n" for line in lines), *text[last:]])


def main(argv: Sequence[str] | None = None) -> int:
    """Check or write every file; 1 where one was out of date and not written."""
    parser = argparse.ArgumentParser(prog="python -m tools.settings_docs", description=__doc__)
    parser.add_argument("--write", action="store_true", help="update the files")
    args = parser.parse_args(argv)
    outdated = 0
    for name, (model, render) in TARGETS.items():
        path = REPOSITORY / name
        text = updated(path, render(model.documentation()))
        if text == path.read_text(encoding="utf-8"):
            continue
        if args.write:
            path.write_text(text, encoding="utf-8")
        else:
            outdated = 1
            print(
                f"{name}: the settings are out of date; run: python -m tools.settings_docs --write"
            )
    return outdated


if __name__ == "__main__":
    sys.exit(main())
