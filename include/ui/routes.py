"""Pages and files of ours: each answers GET and HEAD, and nothing changes what is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

METHODS = ["GET", "HEAD"]


def add_page(app: FastAPI, path: str, endpoint: Callable[..., Any]) -> None:
    """Serve the HTML that *endpoint* returns at *path*."""
    app.api_route(path, methods=METHODS, response_class=HTMLResponse)(endpoint)
