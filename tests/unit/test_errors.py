"""Errors are grouped by what the caller does, and travel between processes whole."""

from __future__ import annotations

import inspect
import pickle

import pytest

from include.ticklake import errors
from include.ticklake.errors import RateLimitedError, TicklakeError, did_you_mean

CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, TicklakeError)
]


@pytest.mark.parametrize(
    ("name", "exit_code", "is_retryable"),
    [
        ("RateLimitedError", 3, True),
        ("SourceUnavailableError", 3, True),
        ("MalformedPageError", 3, True),
        ("SourceRefusedError", 3, False),
        ("FeedFileError", 2, False),
        ("UsageError", 2, False),
        ("TooManyBadRecordsError", 4, False),
        ("TimeUnitError", 4, False),
        ("OutsideWindowError", 4, False),
        ("CorruptManifestError", 4, False),
        ("CorruptParquetError", 4, False),
        ("ParityError", 4, False),
        ("OutOfMemoryError", 137, False),
    ],
)
def test_each_error_says_what_to_do(name, exit_code, is_retryable):
    """The exit code of the command line, and whether trying again may help."""
    kind = getattr(errors, name)
    assert kind.exit_code == exit_code
    assert issubclass(kind, errors.RetryableError) is is_retryable


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_in_the_tree_that_the_module_shows(kind):
    """The docstring is the first thing that is read."""
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__doc__


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_crosses_processes(kind):
    """Airflow and pools of processes pickle them."""
    error = (
        kind("x", retry_after_s=7) if issubclass(kind, RateLimitedError) else kind("where: what")
    )
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy), vars(copy)) == (kind, str(error), vars(error))


def test_a_rate_limit_says_how_long_to_wait():
    """For people in the message, for the scheduler as a number."""
    error = RateLimitedError("https://api.example.com/x", retry_after_s=90)
    assert str(error) == "https://api.example.com/x: rate limited; retry in 90 s"
    assert error.retry_after_s == 90


@pytest.mark.parametrize(
    ("asked_s", "wait_s"),
    [(-5, 0), (0, 0), (3 * 86_400, 3 * 86_400), (10**9, 7 * 86_400), (float("inf"), 7 * 86_400)],
)
def test_every_wait_is_bounded(asked_s, wait_s):
    """A source may send any number; no task waits longer than a week for it."""
    assert RateLimitedError("x", retry_after_s=asked_s).retry_after_s == wait_s


@pytest.mark.parametrize(
    ("name", "names", "hint"),
    [
        ("symbl", ["symbol", "interval"], "; did you mean 'symbol'?"),
        ("pageRows", ["page", "page_rows"], "; did you mean 'page_rows'?"),
        ("PAGE-ROWS", ["page", "page_rows"], "; did you mean 'page_rows'?"),
        ("symbol", ["symbol"], ""),
        ("x", ["symbol"], ""),
        ("x", [], ""),
    ],
)
def test_a_close_name_is_suggested(name, names, hint):
    """But not the very name that was passed, nor one that is not close."""
    assert did_you_mean(name, names) == hint
