"""The application that the plugin mounts in Airflow's API server, under ``/ticklake``.

Every route is a GET: what changes anything is a POST of the viewer's own browser to Airflow's API.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from include.ticklake.errors import TicklakeError
from include.ui import (
    coverage_view,
    data_view,
    feeds_view,
    memory_view,
    quarantine_view,
    unit_view,
)
from include.ui.rendering import render_error

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

log = logging.getLogger(__name__)

STATIC = Path(__file__).with_name("static")

SECURITY_HEADERS = {
    # Nothing inline, nothing of another host; Airflow shows the pages in a frame of its own.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_NOT_STORED = {"Cache-Control": "no-store"}
_CHECKED_AGAIN = {"Cache-Control": "no-cache"}


def application() -> Any:  # noqa: ANN401 - any ASGI application
    """Our pages, each answer with the security headers, whatever its status."""
    app = FastAPI(title="ticklake", openapi_url=None, docs_url=None, redoc_url=None)
    views = (feeds_view, coverage_view, unit_view, memory_view, data_view, quarantine_view)
    for view in views:
        view.add_routes(app)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_exception_handler(HTTPException, _error_page)
    app.add_exception_handler(404, _error_page)
    app.add_exception_handler(RequestValidationError, _invalid_page)
    app.add_exception_handler(TicklakeError, _unavailable_page)
    app.add_exception_handler(OSError, _unavailable_page)
    app.add_exception_handler(Exception, _failure_page)
    return SecurityHeaders(app)


class SecurityHeaders:
    """Adds the headers outside of everything, so that an answer of status 500 has them, too."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                is_file = "/static/" in scope["path"]
                added = SECURITY_HEADERS | (_CHECKED_AGAIN if is_file else _NOT_STORED)
                pairs = [(name.lower().encode(), value.encode()) for name, value in added.items()]
                message["headers"] = [*message.get("headers", ()), *pairs]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _error_page(request: Request, error: Exception) -> Response:  # noqa: ARG001 - FastAPI's form
    if not isinstance(error, HTTPException):  # Starlette's own, for a path that is not ours
        return render_error(getattr(error, "status_code", 404), "There is no such page.")
    return render_error(error.status_code, str(error.detail))


def _invalid_page(request: Request, error: Exception) -> HTMLResponse:  # noqa: ARG001
    return render_error(422, "The address of this page is not valid: follow a link to it.")


def _unavailable_page(request: Request, error: Exception) -> HTMLResponse:  # noqa: ARG001
    """A setting is wrong, or the storage does not answer: our own messages say what to do."""
    log.warning("page.unavailable %s", error)
    ours = isinstance(error, TicklakeError)
    return render_error(503, str(error) if ours else "The lake's storage does not answer.")


def _failure_page(request: Request, error: Exception) -> HTMLResponse:  # noqa: ARG001
    # The message may name what this viewer must not see: it is in the API server's log.
    return render_error(500, f"{type(error).__name__}: the API server's log says more.")
