"""A pod that is lost or cannot start ends its task with the reason as its last line."""

import asyncio

import pytest
from airflow.sdk.exceptions import TaskDeferred

from include.operators.runners import pod_watch
from include.operators.runners.pod_trigger import StepPodTrigger
from include.ticklake.errors import RetryableError, UsageError
from tests.containers.task import TaskInstance, context
from tests.kubernetes.pod_check import RefusedByClusterError
from tests.kubernetes.tasks import first_event, operator, run

pytestmark = [
    pytest.mark.containers,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def lines(error: BaseException) -> list[str]:
    """What the log of the failed task ends with: nothing of the provider's own errors."""
    assert error.__cause__ is None
    assert error.__suppress_context__
    return str(error).splitlines()


def begin(instance: TaskInstance, *, image: str, does: str = "sleep-600") -> StepPodTrigger:
    """The trigger that a task leaves behind."""
    with pytest.raises(TaskDeferred) as deferred:
        operator(does, image=image).execute(context(instance))
    return deferred.value.trigger


def test_a_pod_of_a_dead_node_does_not_hold_its_task(cluster, stand_in, monkeypatch):
    """Marked for deletion, it stays: the node that would confirm its end is gone."""
    monkeypatch.setattr(pod_watch, "DELETED_AFTER_S", -60.0)
    trigger = begin(TaskInstance(), image=stand_in)
    (pod,) = cluster.pods.values()
    pod.lose_node()
    pod.mark_deleted("DeletionByTaintManager")
    event = asyncio.run(first_event(trigger))
    with pytest.raises(RetryableError) as lost:
        operator("sleep-600", image=stand_in).trigger_reentry(context(), event.payload)
    (line,) = lines(lost.value)
    assert "on node node-1 is being deleted (DeletionByTaintManager: gone)" in line
    assert line.endswith("the next try starts another")


@pytest.mark.parametrize("is_marked", [True, False], ids=["being deleted", "node not ready"])
def test_a_lost_pod_is_not_found_again(cluster, stand_in, caplog, is_marked):
    """A second try starts a pod of its own, and says why."""
    instance = TaskInstance()
    begin(instance, image=stand_in)
    (lost,) = cluster.pods.values()
    lost.lose_node()
    if is_marked:
        lost.mark_deleted()
    instance.try_number = 2
    run("ok", image=stand_in, instance=instance)
    assert len(cluster.created) == 2
    assert list(cluster.pods.values()) == [lost]
    assert "deletionTimestamp" in lost.body["metadata"]
    assert any("kubernetes.abandoned" in line for line in caplog.messages)


@pytest.mark.usefixtures("cluster")
def test_the_log_says_what_a_trigger_waits_for(stand_in):
    """Once, and again when it changes."""
    trigger = begin(TaskInstance(), image=stand_in, does="sleep-1")
    said: list[str] = []
    trigger.log.info = lambda template, *values: said.append(template % values)
    asyncio.run(first_event(trigger))
    assert said[-1] == f"kubernetes.wait pod={trigger.pod_name}: it runs, on node node-1"
    assert len(set(said)) == len(said)


def test_a_pod_has_the_time_of_its_task(cluster, stand_in):
    """It ends by itself where neither worker nor triggerer is left to end it."""
    task = operator("ok", image=stand_in)
    task.pre_execute(context())
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context())
    limit_s = task.execution_timeout.total_seconds()
    assert cluster.created[0]["spec"]["activeDeadlineSeconds"] == limit_s
    assert deferred.value.trigger.trigger_kwargs["_execution_deadline"] > 0


def test_a_pod_has_a_short_grace_period(cluster, stand_in):
    """Its process ends at SIGTERM; waiting for 30 s would bring nothing."""
    run("ok", image=stand_in)
    assert cluster.created[0]["spec"]["terminationGracePeriodSeconds"] == 5


def test_a_pod_that_vanished_is_tried_again(cluster, stand_in):
    """A drained node takes its pods along, their ends and their logs."""
    trigger = begin(TaskInstance(), image=stand_in)
    (name,) = cluster.pods
    cluster.delete(name)
    event = asyncio.run(first_event(trigger))
    with pytest.raises(RetryableError) as lost:
        operator("sleep-600", image=stand_in).trigger_reentry(context(), event.payload)
    assert lines(lost.value) == [f"pod {name}: it is gone; the next try starts another"]


def test_a_missing_secret_is_the_error(cluster, stand_in, monkeypatch, deferrable):
    """At once, in the cluster's words, and without a retry."""
    monkeypatch.setenv("TICKLAKE_KUBERNETES_SECRET", "nowhere")
    with pytest.raises(UsageError) as refused:
        run("ok", image=stand_in, deferrable=deferrable)
    (line,) = lines(refused.value)
    assert 'cannot start: CreateContainerConfigError: secret "nowhere" not found' in line
    assert line.endswith("change what it names, then clear the task")
    assert cluster.pods == {}


@pytest.mark.usefixtures("cluster")
def test_an_image_that_is_nowhere_is_the_error(deferrable):
    """At once, and without a retry."""
    with pytest.raises(UsageError) as refused:
        run("ok", image="registry.invalid/none:1", deferrable=deferrable)
    (line,) = lines(refused.value)
    assert 'ErrImagePull: failed to pull and unpack image "registry.invalid/none:1"' in line


def test_a_node_selector_that_matches_nothing_is_the_error(
    cluster, stand_in, monkeypatch, deferrable
):
    """After the time that a cluster has to grow, which is a setting."""
    monkeypatch.setenv("TICKLAKE_KUBERNETES_NODE_SELECTOR", "disktype=gold")
    monkeypatch.setenv("TICKLAKE_KUBERNETES_START_TIMEOUT_S", "1")
    with pytest.raises(UsageError) as refused:
        run("ok", image=stand_in, deferrable=deferrable)
    (line,) = lines(refused.value)
    assert "has not started in 1 s: Unschedulable: 0/1 nodes are available" in line
    assert cluster.pods == {}


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        pytest.param(403, "pods is forbidden: exceeded quota: q", RetryableError, id="quota"),
        pytest.param(403, "pods is forbidden: User cannot create", UsageError, id="rights"),
        pytest.param(404, 'namespaces "x" not found', UsageError, id="namespace"),
        pytest.param(404, 'pods "x" not found', RetryableError, id="a pod that is gone"),
    ],
)
def test_what_the_cluster_refuses_is_the_error(cluster, stand_in, status, message, error):
    """In its own words; what more room may cure is retried."""
    cluster.refusal = RefusedByClusterError(status, message)
    with pytest.raises(error) as refused:
        run("ok", image=stand_in)
    (line,) = lines(refused.value)
    assert message in line


def test_a_feed_that_the_image_lacks_names_the_image(cluster, stand_in):
    """The feed is there on the worker: what lacks it is the image."""
    with pytest.raises(UsageError) as refused:
        run("unknown-2", image=stand_in)
    (line,) = lines(refused.value)
    assert line.startswith(
        f"image {stand_in}: the conversion failed with exit code 2: unknown feed"
    )
    assert line.endswith("build an image that has your feeds, and name it in TICKLAKE_IMAGE")
    assert cluster.pods == {}
