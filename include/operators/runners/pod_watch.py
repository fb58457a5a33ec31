"""What a pod is waiting for, and when that has an end: the judgement on each look at a pod.

It knows no clock and asks no API, so the trigger and a waiting worker judge alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

NODE_LOST_S = 300.0
"""As long as Kubernetes itself tolerates a node that does not answer before it replaces pods."""

DELETED_AFTER_S = 15.0
"""How much longer than its grace period a pod may take to go away."""

_WRONG_SPEC = {
    "CreateContainerConfigError", "InvalidImageName", "ErrImageNeverPull", "RunContainerError",
}  # fmt: skip
_ON_THE_WAY = {None, "ContainerCreating", "PodInitializing"}
_NO_IMAGE = {"ErrImagePull", "ImagePullBackOff"}
_NO_SUCH_IMAGE = ("not found", "manifest unknown", "denied", "unauthorized", "invalid reference")
_NO_SUCH_NODE = "didn't match Pod's node affinity/selector"
_MAY_CHANGE = ("Insufficient", "not-ready", "unreachable", "unschedulable")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodEnd:
    """Why a pod is waited for no longer."""

    status: Literal["success", "failed", "timeout"]
    """As the provider's trigger has it: its operator waits for the end of a pod that ``failed``,
    and does not for one that is given up with ``timeout``."""
    message: str
    is_final: bool = False
    """Whether the next pod would meet the same."""


@dataclass(slots=True, kw_only=True)
class PodWatch:
    """Judges one pod, look by look."""

    container: str
    schedule_timeout_s: float
    startup_timeout_s: float
    _since_s: dict[str, float] = field(default_factory=dict)

    def look(self, pod: Any, *, now_s: float) -> PodEnd | None:
        """Return how the wait for *pod* has ended, or None; *now_s* never goes back."""
        if pod.status.phase == "Succeeded":
            return PodEnd(status="success", message="succeeded")
        if pod.status.phase == "Failed":
            return PodEnd(status="failed", message=failure_of(pod) or "failed")
        if (terminated := _state(pod, self.container, "terminated")) is not None:
            is_success = terminated.exit_code == 0
            return PodEnd(status="success" if is_success else "failed", message="has ended")
        return self._given_up(pod, now_s)

    def _given_up(self, pod: Any, now_s: float) -> PodEnd | None:
        if pod.metadata.deletion_timestamp is not None:
            grace_s = pod.metadata.deletion_grace_period_seconds or 0
            if self._lasts_s("deleted", now_s) > grace_s + DELETED_AFTER_S:
                return PodEnd(status="timeout", message=f"{where(pod)} {waits_for(pod)}")
            return None
        if is_node_lost(pod):
            if self._lasts_s("node lost", now_s) > NODE_LOST_S:
                return PodEnd(status="timeout", message=f"{where(pod)} {waits_for(pod)}")
            return None
        self._since_s.pop("node lost", None)
        if _state(pod, self.container, "running") is not None:
            return None
        reason = start_problem(pod)
        if reason is not None and _is_wrong(reason):
            return PodEnd(status="timeout", message=f"cannot start: {reason}", is_final=True)
        stage, longest_s = ("start", self.startup_timeout_s)
        if not is_scheduled(pod):
            stage, longest_s = ("schedule", self.schedule_timeout_s)
        if self._lasts_s(stage, now_s) < longest_s:
            return None
        return PodEnd(
            status="timeout",
            message=f"has not started in {longest_s:g} s: {reason or waits_for(pod)}",
            is_final=bool(reason) and _matches_no_node(str(reason)),
        )

    def _lasts_s(self, what: str, now_s: float) -> float:
        return now_s - self._since_s.setdefault(what, now_s)


def where(pod: Any) -> str:
    """Return the pod's node, in words."""
    return f"on node {pod.spec.node_name}" if pod.spec.node_name else "on no node"


def waits_for(pod: Any) -> str:
    """Return what the end of a pod waits for, for the log."""
    if pod.metadata.deletion_timestamp is not None:
        by = _condition(pod, "DisruptionTarget")
        because = f" ({by.reason}: {by.message})" if by is not None else ""
        return f"is being deleted{because}, and its node has not confirmed its end"
    if is_node_lost(pod):
        return "runs on a node that is not ready"
    if (reason := start_problem(pod)) is not None:
        return f"has not started: {reason}"
    return "runs" if pod.status.phase == "Running" else f"is {pod.status.phase}"


def is_abandoned(pod: Any) -> bool:
    """Whether a pod will not bring its step to an end: it is being deleted, or its node is gone."""
    return pod.metadata.deletion_timestamp is not None or is_node_lost(pod)


def is_node_lost(pod: Any) -> bool:
    """Whether its node does not answer.

    Kubernetes then takes ``Ready`` from the pod, while the node's last report of its containers
    stays; what nodes themselves report, only those with rights over the whole cluster may read.
    """
    ready = _condition(pod, "Ready")
    containers = pod.status.container_statuses or []
    return (
        pod.status.phase == "Running"
        and ready is not None
        and ready.status != "True"
        and bool(containers)
        and all(container.ready for container in containers)
    )


def is_scheduled(pod: Any) -> bool:
    """Whether a node was found for it."""
    scheduled = _condition(pod, "PodScheduled")
    return bool(pod.spec.node_name) or (scheduled is not None and scheduled.status == "True")


def start_problem(pod: Any) -> str | None:
    """Return what keeps a pod from starting, in Kubernetes's own words; None if nothing does."""
    scheduled = _condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        return _joined(scheduled.reason, scheduled.message)
    for status in [
        *(pod.status.init_container_statuses or []), *(pod.status.container_statuses or []),
    ]:  # fmt: skip
        waiting = status.state.waiting if status.state else None
        if waiting is not None and waiting.reason not in (
            None,
            "ContainerCreating",
            "PodInitializing",
        ):
            return _joined(waiting.reason, waiting.message)
    return None


def failure_of(pod: Any) -> str | None:
    """Return why Kubernetes itself ended a pod: an eviction, a deadline, a node's shutdown."""
    return _joined(pod.status.reason, pod.status.message) or None


def _is_wrong(reason: str) -> bool:
    name, _, message = reason.partition(": ")
    has_no_image = any(words in message.lower() for words in _NO_SUCH_IMAGE)
    return name in _WRONG_SPEC or (name in _NO_IMAGE and has_no_image)


def _matches_no_node(reason: str) -> bool:
    return _NO_SUCH_NODE in reason and not any(words in reason for words in _MAY_CHANGE)


def _condition(pod: Any, kind: str) -> Any:
    return next((each for each in pod.status.conditions or [] if each.type == kind), None)


def _state(pod: Any, container: str, kind: str) -> Any:
    for status in pod.status.container_statuses or []:
        if status.name == container and status.state is not None:
            return getattr(status.state, kind)
    return None


def _joined(reason: str | None, message: str | None) -> str:
    return ": ".join(filter(None, [reason, message]))
