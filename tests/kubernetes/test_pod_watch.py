"""When the wait for a pod ends, judged on what a kubelet and the scheduler report."""

from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes.client import models as k8s

from include.operators.runners.pod_watch import (
    DELETED_AFTER_S,
    NODE_LOST_S,
    PodWatch,
    is_abandoned,
    waits_for,
)

RUNNING = k8s.V1ContainerState(running=k8s.V1ContainerStateRunning())


def pod(
    phase: str = "Running",
    *,
    state: k8s.V1ContainerState | None = RUNNING,
    is_ready: bool = True,
    scheduled: tuple[str, str] | None = None,
    **status: Any,
) -> k8s.V1Pod:
    """A pod on a node; *scheduled* is why no node takes it."""
    conditions = [k8s.V1PodCondition(type="Ready", status=str(is_ready))]
    if scheduled:
        reason, message = scheduled
        conditions.append(
            k8s.V1PodCondition(type="PodScheduled", status="False", reason=reason, message=message)
        )
    container = k8s.V1ContainerStatus(
        name="base", ready=state is RUNNING, state=state, image="x", image_id="", restart_count=0
    )
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="convert-1"),
        spec=k8s.V1PodSpec(
            containers=[k8s.V1Container(name="base")], node_name=None if scheduled else "node-1"
        ),
        status=k8s.V1PodStatus(
            phase=phase,
            conditions=conditions,
            container_statuses=None if state is None else [container],
            **status,
        ),
    )


def deleted(found: k8s.V1Pod) -> k8s.V1Pod:
    """The pod, marked for deletion with a grace period of 5 seconds."""
    found.metadata.deletion_timestamp = datetime(2026, 11, 22, tzinfo=UTC)
    found.metadata.deletion_grace_period_seconds = 5
    return found


def waiting(reason: str, message: str = "") -> k8s.V1Pod:
    """A pod whose container does not start."""
    state = k8s.V1ContainerState(
        waiting=k8s.V1ContainerStateWaiting(reason=reason, message=message)
    )
    return pod("Pending", state=state, is_ready=False)


def watch() -> PodWatch:
    """One with an hour for a node, and a minute for a start."""
    return PodWatch(container="base", schedule_timeout_s=3600, startup_timeout_s=60)


def ended(exit_code: int) -> k8s.V1ContainerState:
    """The state of a container that has ended."""
    return k8s.V1ContainerState(terminated=k8s.V1ContainerStateTerminated(exit_code=exit_code))


@pytest.mark.parametrize(
    ("found", "status"),
    [
        pytest.param(pod("Succeeded", state=ended(0)), "success", id="succeeded"),
        pytest.param(pod("Failed", state=ended(4)), "failed", id="failed"),
        pytest.param(pod(state=ended(0)), "success", id="only its container succeeded"),
        pytest.param(pod(state=ended(1)), "failed", id="only its container failed"),
        pytest.param(pod("Failed", state=None, reason="Evicted"), "failed", id="evicted"),
        pytest.param(deleted(pod("Failed", state=ended(143))), "failed", id="deleted, and ended"),
    ],
)
def test_an_end_is_seen_at_once(found, status):
    """Whatever else is true of the pod."""
    assert watch().look(found, now_s=0).status == status


@pytest.mark.parametrize(
    ("found", "after_s", "message"),
    [
        pytest.param(
            deleted(pod()),
            5 + DELETED_AFTER_S,
            "on node node-1 is being deleted, and its node has not confirmed its end",
            id="deleted",
        ),
        pytest.param(
            pod(is_ready=False),
            NODE_LOST_S,
            "on node node-1 runs on a node that is not ready",
            id="its node is not ready",
        ),
        pytest.param(
            pod("Pending", state=None, scheduled=("Unschedulable", "Insufficient memory")),
            3600,
            "has not started in 3600 s: Unschedulable: Insufficient memory",
            id="no node has room",
        ),
        pytest.param(
            waiting("ContainerCreating"),
            60,
            "has not started in 60 s: is Pending",
            id="a volume is not there",
        ),
        pytest.param(
            waiting("ErrImagePull", "dial tcp: connection refused"),
            60,
            "has not started in 60 s: ErrImagePull: dial tcp: connection refused",
            id="the registry does not answer",
        ),
    ],
)
def test_a_wait_that_brings_nothing_has_an_end(found, after_s, message):
    """Each with its own time; the next pod may meet something else."""
    looks = watch()
    assert looks.look(found, now_s=100) is None
    assert looks.look(found, now_s=99.9 + after_s) is None
    end = looks.look(found, now_s=100.1 + after_s)
    assert (end.status, end.message, end.is_final) == ("timeout", message, False)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(waiting("CreateContainerConfigError", 'secret "x" not found'), id="secret"),
        pytest.param(waiting("InvalidImageName", "invalid"), id="no name of an image"),
        pytest.param(waiting("ErrImagePull", "x: not found"), id="no such image"),
        pytest.param(waiting("ImagePullBackOff", "401 Unauthorized"), id="no right to the image"),
    ],
)
def test_what_cannot_start_is_given_up_at_once(found):
    """The next pod would meet the same."""
    end = watch().look(found, now_s=0)
    assert (end.status, end.is_final) == ("timeout", True)


@pytest.mark.parametrize(
    ("message", "is_final"),
    [
        pytest.param("1 node(s) didn't match Pod's node affinity/selector.", True, id="no node"),
        pytest.param(
            "1 Insufficient memory, 1 node(s) didn't match Pod's node affinity/selector.",
            False,
            id="no room",
        ),
    ],
)
def test_a_pod_that_matches_no_node_is_not_tried_again(message, is_final):
    """After the wait, in which a cluster may grow."""
    found = pod("Pending", state=None, scheduled=("Unschedulable", message))
    looks = watch()
    assert looks.look(found, now_s=0) is None
    assert looks.look(found, now_s=3600).is_final is is_final


def test_a_node_that_comes_back_is_waited_for_anew():
    """Its time counts from the last moment that it was seen ready."""
    looks = watch()
    assert looks.look(pod(is_ready=False), now_s=0) is None
    assert looks.look(pod(), now_s=NODE_LOST_S) is None
    assert looks.look(pod(is_ready=False), now_s=NODE_LOST_S + 1) is None
    assert looks.look(pod(is_ready=False), now_s=2 * NODE_LOST_S) is None


@pytest.mark.parametrize(
    ("found", "expected", "abandoned"),
    [
        pytest.param(pod(), "runs", False, id="running"),
        pytest.param(pod(is_ready=False), "runs on a node that is not ready", True, id="lost"),
        pytest.param(
            waiting("ErrImagePull", "x"), "has not started: ErrImagePull: x", False, id="waiting"
        ),
    ],
)
def test_the_log_says_what_is_waited_for(found, expected, abandoned):
    """In the words that tell a reader where to look."""
    assert (waits_for(found), is_abandoned(found)) == (expected, abandoned)
