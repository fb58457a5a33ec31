"""The error that a pod's end stands for, in one sentence: the last line of a failed task."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from kubernetes.client import ApiException

from include.operators.runners.pod_watch import failure_of, start_problem
from include.ticklake.errors import RetryableError, TicklakeError, UsageError

_WRONG_REQUEST = (400, 403, 404, 422)
_NOT_FOUND = 404
_QUOTA = "exceeded quota"


def last_warning(events: Iterable[Any]) -> str | None:
    """Return the newest warning of *events* in the cluster's words; None if there is none."""
    warnings = [event for event in events if event.type == "Warning"]
    newest = max(warnings, key=lambda e: str(e.last_timestamp or e.event_time), default=None)
    return f"{newest.reason}: {newest.message}" if newest else None


def refusal_error(error: ApiException) -> TicklakeError:
    """Return the error for a request that the cluster refused, with the cluster's own words."""
    try:
        words = str(json.loads(error.body)["message"])
    except (KeyError, TypeError, ValueError):
        words = str(error.reason)
    is_gone = error.status == _NOT_FOUND and words.startswith("pods ")
    if error.status in _WRONG_REQUEST and _QUOTA not in words and not is_gone:
        return UsageError(
            f"the cluster refused with {error.status}: {words}; change what it names, "
            "then clear the task"
        )
    return RetryableError(f"the cluster answered {error.status}: {words}; retry the task")


def step_error(error: Exception, *, image: str) -> Exception:
    """Return the *error* of a step; where it does not know its feed, one that names the *image*."""
    if isinstance(error, UsageError) and "unknown feed" in str(error):
        return UsageError(
            f"image {image}: {error}; build an image that has your feeds, and name it in "
            "TICKLAKE_IMAGE"
        )
    return error


def given_up_error(name: str, *, message: str, is_final: bool, event: str | None) -> TicklakeError:
    """Return the error for a pod that is waited for no longer; *event* is its last warning."""
    because = f" ({event})" if event and event not in message else ""
    if is_final:
        return UsageError(
            f"pod {name}: it {message}{because}; change what it names, then clear the task"
        )
    return RetryableError(f"pod {name}: it {message}{because}; the next try starts another")


def ended_error(pod: Any, *, event: str | None) -> RetryableError:
    """Return the error for a pod that was ended before its container could say why."""
    reason = failure_of(pod) or start_problem(pod) or event or "no reason given"
    return RetryableError(
        f"pod {pod.metadata.name}: ended by the cluster: {reason}; the next try starts another"
    )
