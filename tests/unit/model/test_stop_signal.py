"""Who works side by side ends where it is safe, as soon as that is asked for."""

from __future__ import annotations

import threading

import pytest

from include.ticklake.model.stop_signal import StopSignal, StopWork


def test_it_raises_from_when_it_is_set_on():
    """Also in who waits by then, and never as an error that a unit could have."""
    stop = StopSignal()
    stop.check()
    stop.sleep(0)
    timer = threading.Timer(0, stop.set)
    timer.start()
    with pytest.raises(StopWork):
        stop.sleep(60)
    with pytest.raises(StopWork):
        stop.check()
    assert not issubclass(StopWork, Exception)
