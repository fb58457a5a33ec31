"""The source that an endpoint's list is read from: the feed's own API, or another one."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.request_texts import check_request
from include.ticklake.feed.slice_list import ListingEndpoint
from include.ticklake.feed.slice_values import AnySliceValues
from include.ticklake.model.strict import FieldError, StrictModel

_OF_THE_API = ("base_url", "headers", "errors", "ban_statuses", "rate_limit", "auth")
"""What an API's endpoints share."""


def list_source(source: StrictModel, slice_name: str, listed: ListingEndpoint) -> HttpSource:
    """What answers with the list of *slice_name*; of the API of *source* unless it says another.

    ``FieldError`` where there is none, or its options contradict each other.
    """
    is_own = isinstance(source, HttpSource) and listed.base_url in (None, source.base_url)
    if not is_own and listed.base_url is None:
        raise FieldError(
            "the feed's source is not an API; name the one that lists the values: base_url: "
            "https://api.example.com",
            path=("path",),
        )
    shared = {name: getattr(source, name) for name in _OF_THE_API} if is_own else {}
    options = {"kind": "http", **shared, **listed.request}
    column = listed.column_of(slice_name)
    if listed.shape == "array" and listed.columns is None and "." not in column:
        options["columns"] = [column]  # the name of records that are plain values
    try:
        return HttpSource.model_validate(options)
    except ValidationError as error:
        raise _first_mistake(error) from None


def check_lists(source: StrictModel, slices: Mapping[str, AnySliceValues]) -> None:
    """Raise ``FieldError`` where an endpoint that lists values could not be asked."""
    for name, listed in slices.items():
        if not isinstance(listed, ListingEndpoint):
            continue
        try:
            check_request(list_source(source, name, listed), {})
        except FieldError as error:
            inside = error.path[1:] if error.path[:1] == ("source",) else error.path
            raise FieldError(str(error), path=("slices", name, *inside)) from None


def _first_mistake(error: ValidationError) -> FieldError:
    details = error.errors()[0]
    raised = details.get("ctx", {}).get("error")
    path = (*details["loc"], *getattr(raised, "path", ()))
    return FieldError(
        str(raised or details["msg"]), path=path[1:] if path[:1] == ("http",) else path
    )
