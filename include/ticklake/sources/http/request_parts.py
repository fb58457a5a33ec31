"""What a request sends besides its address: a feed's parameters and body, and those of a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.paging import PageRequest
from include.ticklake.feed.paging.json_text import JsonText
from include.ticklake.feed.sent_values import render_body, render_param
from include.ticklake.model.param_values import SentValue, put
from include.ticklake.sources.http.request import QueryParams


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestParts:
    """Parameters, and a body of one kind or none."""

    params: QueryParams
    body: Any = None
    form: QueryParams | None = None


class PartsOfUnit:
    """The parts of each request of one unit: what is of the feed is filled once."""

    def __init__(self, source: HttpSource, values: Mapping[str, str]) -> None:
        self._source, self._values = source, values
        self._params = self._filled(source.params)
        self._form = None if source.form is None else self._filled(source.form)
        self._body = None if source.body is None else render_body(source.body, values)

    def of_page(self, page: PageRequest) -> RequestParts:
        """The parts of the request for *page*: its own parameters replace those of the feed."""
        params, form, body = dict(self._params), self._form, self._body
        for name, value in [*page.params.items(), *page.source_params.items()]:
            is_source_value = name in page.source_params
            if self._source.pages_in_body(name):
                body = put(body, name, self._in_body(value, is_source_value=is_source_value))
                continue
            texts = value if is_source_value else self._filled({name: value}).get(name)
            if self._source.pages_in_form(name):
                form = _with(form or {}, name, texts)
            else:
                params = _with(params, name, texts)
        return RequestParts(params=params, body=body, form=form)

    def of_url(self) -> RequestParts:
        """The parts of a request for a whole address, which has its parameters."""
        return RequestParts(params={}, body=self._body, form=self._form)

    def _filled(self, params: Mapping[str, SentValue]) -> dict[str, str | list[str]]:
        filled = {name: render_param(value, self._values) for name, value in params.items()}
        return {name: text for name, text in filled.items() if text is not None}

    def _in_body(self, value: SentValue, *, is_source_value: bool) -> object:
        if is_source_value:
            return value.value if isinstance(value, JsonText) else value
        return render_body([value], self._values)[0]


def _with(params: QueryParams, name: str, texts: Any) -> dict[str, str | list[str]]:  # noqa: ANN401
    """*params* with the parameter *name*, or without it where there is none."""
    others = {key: value for key, value in params.items() if key != name}
    return others if texts is None else others | {name: texts}
