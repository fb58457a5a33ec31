"""The notebook of the docs runs from top to bottom over a lake, and shows tables and a chart."""

from __future__ import annotations

import ast
import json

from tests.conftest import REPOSITORY
from tests.contract.test_docs_blocks import filled, replay

__all__ = ["filled", "replay"]

NOTEBOOK = REPOSITORY / "docs" / "notebooks" / "lake.ipynb"


def shown(source: str, names: dict[str, object]) -> object:
    """What a notebook shows under a cell: the value of its last line."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, NOTEBOOK.name, "exec"), names)  # noqa: S102 - the documentation's own code
    return last and eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), names)  # noqa: S307


def test_the_notebook_runs_over_a_lake(filled, monkeypatch):
    """Every cell, one after the other; the prices in it are the lake's."""
    monkeypatch.setenv("LAKE", str(filled))
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names: dict[str, object] = {}
    values = [shown(source, names) for source in code]
    assert list(values[1]["symbol"]) == ["BTCUSDT", "ETHUSDT"]
    assert names["candles"].height == 60
    assert str(names["candles"].schema["close"]).startswith("Decimal")
    assert values[-1].svg.count(",") == 60


def test_the_notebook_is_stored_without_outputs():
    """So that a change of it can be read."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(not cell.get("outputs") for cell in cells)
