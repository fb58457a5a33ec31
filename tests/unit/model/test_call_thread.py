"""A call is waited for as long as its owner likes, and no longer."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from include.ticklake.model.call_thread import CallThread, CallTimeoutError


def test_a_call_returns_or_raises_as_it_does():
    """Also a timeout of its own, which is not that of the caller."""
    thread = CallThread()
    assert thread.call(lambda: 7, timeout_s=10) == 7
    with pytest.raises(TimeoutError, match="its own"):
        thread.call(lambda: _raise(TimeoutError("its own")), timeout_s=10)
    assert thread.call(threading.get_ident, timeout_s=10) == thread.call(
        threading.get_ident, timeout_s=float("inf")
    )
    thread.close()


def _raise(error: Exception) -> None:
    raise error


def test_a_call_that_does_not_return_is_left():
    """Its thread is busy until it does."""
    thread, end = CallThread(), threading.Event()
    with pytest.raises(CallTimeoutError):
        thread.call(end.wait, timeout_s=0.01)
    assert not thread.is_idle()
    end.set()
    assert thread.is_idle(within_s=10)
    thread.close()


def test_what_a_call_returned_is_the_callers_alone():
    """It may be a page."""
    thread = CallThread()
    page = thread.call(threading.Event, timeout_s=10)
    is_gone = weakref.ref(page)
    thread.call(lambda: None, timeout_s=10)
    del page
    gc.collect()
    assert is_gone() is None
    thread.close()
