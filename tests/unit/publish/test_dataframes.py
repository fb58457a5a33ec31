"""The lines of Python that open a feed's Parquet; ``test_ddl.py`` runs them for every feed."""

from __future__ import annotations

import ast

import pytest

from include.ticklake.feed import loader
from include.ticklake.publish import ddl
from tests.support.lake_factory import FEED

LIBRARIES = {"pandas": "pandas", "polars": "polars", "pyarrow": "pyarrow.dataset"}


@pytest.mark.parametrize("library", list(LIBRARIES))
def test_the_lines_are_python_that_opens_the_feed_s_folder(library):
    """They import the library and bind the feed's name."""
    tree = ast.parse(ddl.ddl(FEED, engine=library, root_uri="s3://bucket/lake"))
    imported = {a.name for node in tree.body if isinstance(node, ast.Import) for a in node.names}
    assert LIBRARIES[library] in imported
    bound = [node.targets[0].id for node in tree.body if isinstance(node, ast.Assign)]
    assert bound[-1] == "trades"
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert any(str(text).startswith("s3://bucket/lake/parquet/trades") for text in texts)


@pytest.mark.parametrize("library", list(LIBRARIES))
def test_a_folder_on_disk_is_named_without_its_scheme(library):
    """Quotes and backslashes in it are escaped."""
    code = ddl.ddl(FEED, engine=library, root_uri='file:///a "b"\\c')
    texts = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
    assert any(str(text).startswith('/a "b"\\c/parquet/trades') for text in texts)


@pytest.mark.parametrize("library", list(LIBRARIES))
def test_columns_and_folders_have_the_feed_s_types(library):
    """A reader would guess them from one file, and take a date for text."""
    code = ddl.ddl(loader.load("binance_klines"), engine=library, root_uri="s3://lake")
    decimal, text = ("pl.Decimal(18, 8)", "pl.String") if library == "polars" else (
        "pa.decimal128(18, 8)", "pa.string()")  # fmt: skip
    assert f'"close": {decimal}' in code
    assert f'"interval": {text}' in code
