"""A template of a chart and its values in, markup out: whatever the values are, it is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def draw(template: str, **values: object) -> Markup:
    """The markup of the chart *template*."""
    from markupsafe import Markup

    # Rendered with autoescape: what is marked safe here are the template's own tags.
    return Markup(_environment().get_template(f"charts/{template}").render(**values))  # noqa: S704


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parents[1] / "templates"
    return Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
