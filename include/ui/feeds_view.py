"""The first page: every feed, how far it is, and what to click where there is nothing yet."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from include.ui.access import ViewerDep
from include.ui.rendering import render
from include.ui.routes import add_page


def add_routes(app: FastAPI) -> None:
    """Serve the page at the root."""
    add_page(app, "/", feeds)


def feeds(viewer: ViewerDep) -> HTMLResponse:
    """All feeds that the viewer may see."""
    return render("feeds.html", viewer, view="feeds")
