"""A conversion in a pod: as restricted as a container gets, deferred while it runs, cleaned up."""

import asyncio
import json
import threading

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from include.ticklake.errors import DataError, OutOfMemoryError, RetryableError, UsageError
from tests.containers.task import CAP_BYTES, ROOT, SECRET, TaskInstance, context, uris
from tests.kubernetes.tasks import first_event, operator, run

pytestmark = [
    pytest.mark.containers,
    # kubernetes_asyncio leaves a connection to the garbage collector when a trigger hangs up.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_counts_are_pushed_without_a_sidecar(cluster, stand_in, deferrable):
    """One container a pod; what was committed is counted from the manifests."""
    instance = TaskInstance()
    run("ok", "ok", image=stand_in, instance=instance, deferrable=deferrable)
    assert instance.pushed["return_value"]["manifests"] == 2
    assert instance.pushed["return_value"]["peak_bytes"] == 7
    assert [len(pod["spec"]["containers"]) for pod in cluster.created] == [1]


def test_a_pod_is_deleted_with_its_task(cluster, stand_in, deferrable):
    """Also after a failure."""
    run("ok", image=stand_in, deferrable=deferrable)
    with pytest.raises(DataError):
        run("exit-4", image=stand_in, deferrable=deferrable)
    assert cluster.pods == {}


def test_the_pod_meets_the_restricted_standard(cluster, stand_in):
    """Every demand of the pod security standard "restricted", by its own field."""
    run("ok", image=stand_in)
    (pod,) = cluster.created
    (container,) = pod["spec"]["containers"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_requests_are_limits(cluster, stand_in):
    """The pod is ``Guaranteed``: the kernel of a node without memory ends it last."""
    run("ok", image=stand_in)
    resources = cluster.created[0]["spec"]["containers"][0]["resources"]
    assert resources["requests"] == resources["limits"] == {"memory": str(CAP_BYTES), "cpu": "1"}


@pytest.mark.usefixtures("cluster")
def test_the_limit_and_the_secret_arrive_in_the_container(stand_in, caplog):
    """Seen from inside: the engine's limit, the Secret's entries, the argv."""
    caplog.set_level("INFO")
    run("facts", image=stand_in)
    line = next(text for text in caplog.messages if text.startswith("facts "))
    found = json.loads(line.removeprefix("facts "))
    assert found["memory"] == found["environment"]["TICKLAKE_CAP"] == str(CAP_BYTES)
    assert found["environment"]["AWS_SECRET_ACCESS_KEY"] == SECRET
    assert found["argv"] == ["convert", *uris("facts"), "--root", ROOT]


def test_no_secret_is_in_the_pod(cluster, stand_in):
    """It names the Secret; who may read pods may not thereby read the storage."""
    run("ok", image=stand_in)
    assert SECRET not in json.dumps(cluster.created)


def test_out_of_memory_is_explained_and_not_retried(cluster, stand_in, deferrable):
    """``OOMKilled`` becomes limit, peak, sizes, largest record and the setting to change."""
    with pytest.raises(AirflowFailException) as ended:
        run("large-41", "hold-200", image=stand_in, deferrable=deferrable)
    message = str(ended.value)
    assert "convert binance_klines: out of memory at its limit of 96 MiB (kubernetes" in message
    assert "peak 96 MiB" in message
    assert "blocks of 512 KiB, row groups of 65,536 rows" in message
    assert "largest record so far 41 MiB (at byte 7 of json/x)" in message
    assert "raise TICKLAKE_CAP, or `cap` in the feed's file" in message
    assert cluster.pods == {}


@pytest.mark.parametrize(
    ("exit_code", "error"),
    [
        pytest.param(2, UsageError, id="the call is wrong"),
        pytest.param(4, DataError, id="the data was refused"),
        pytest.param(137, OutOfMemoryError, id="reported in the log only"),
    ],
)
@pytest.mark.usefixtures("cluster")
def test_other_ends_are_the_errors_they_stand_for(stand_in, exit_code, error):
    """With the message of the command line."""
    with pytest.raises(error) as ended:
        run(f"exit-{exit_code}", image=stand_in)
    assert "the stand-in was asked to fail" in str(ended.value).splitlines()[-1]
    assert ended.value.__suppress_context__  # the last line of the log is ours


def test_a_kill_from_outside_is_not_out_of_memory(cluster, stand_in):
    """Another process's SIGKILL has the same exit code, and is retried."""
    task = operator("sleep-600", image=stand_in)
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context())
    (pod,) = cluster.pods.values()
    threading.Timer(0.5, pod.kill).start()
    event = asyncio.run(first_event(deferred.value.trigger))
    with pytest.raises(RetryableError, match="signal 9"):
        operator("sleep-600", image=stand_in).trigger_reentry(context(), event.payload)


def test_a_second_try_finds_the_pod_of_the_first(cluster, stand_in):
    """A worker that died while its pod ran: the next one waits for the same pod."""
    instance = TaskInstance()
    with pytest.raises(TaskDeferred):
        operator("sleep-2", image=stand_in).execute(context(instance))
    instance.try_number = 2
    run("sleep-2", image=stand_in, instance=instance)
    assert len(cluster.created) == 1
    assert instance.pushed["return_value"]["manifests"] == 1


def test_a_killed_task_takes_its_pod_along(cluster, stand_in):
    """What Airflow calls when a user or the scheduler ends the task."""
    task = operator("sleep-600", image=stand_in)
    with pytest.raises(TaskDeferred):
        task.execute(context())
    task.on_kill()
    assert cluster.pods == {}


def test_settings_choose_where_pods_run(cluster, stand_in, monkeypatch):
    """Node selector, tolerations, priority and service account of the environment."""
    monkeypatch.setenv("TICKLAKE_KUBERNETES_NODE_SELECTOR", "disktype=ssd,zone=a")
    monkeypatch.setenv(
        "TICKLAKE_KUBERNETES_TOLERATIONS",
        '[{"key": "batch", "operator": "Exists", "effect": "NoSchedule"}]',
    )
    monkeypatch.setenv("TICKLAKE_KUBERNETES_PRIORITY_CLASS", "batch-low")
    monkeypatch.setenv("TICKLAKE_KUBERNETES_SERVICE_ACCOUNT", "lake-writer")
    run("ok", image=stand_in)
    spec = cluster.created[0]["spec"]
    assert spec["nodeSelector"] == {"disktype": "ssd", "zone": "a"}
    assert spec["tolerations"] == [{"key": "batch", "operator": "Exists", "effect": "NoSchedule"}]
    assert spec["priorityClassName"] == "batch-low"
    assert spec["serviceAccountName"] == "lake-writer"


def test_a_pod_template_adds_what_it_says(cluster, stand_in, tmp_path, monkeypatch):
    """The template's own fields stay; limit and hardening are still ours."""
    template = tmp_path / "pod.yaml"
    template.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {team: quant}}\n"
        "spec: {hostAliases: [{ip: 10.0.0.1, hostnames: [minio]}], containers: [{name: base}]}\n"
    )
    monkeypatch.setenv("TICKLAKE_KUBERNETES_POD_TEMPLATE", str(template))
    run("ok", image=stand_in)
    (pod,) = cluster.created
    assert pod["metadata"]["annotations"] == {"team": "quant"}
    assert pod["spec"]["hostAliases"] == [{"ip": "10.0.0.1", "hostnames": ["minio"]}]
    limits = pod["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"memory": str(CAP_BYTES), "cpu": "1"}


def test_a_lake_of_files_is_refused(monkeypatch):
    """No pod can see the worker's disk; the message says what to set."""
    monkeypatch.setenv("TICKLAKE_ROOT", "file:///var/lake")
    with pytest.raises(UsageError, match="TICKLAKE_ROOT to an object store"):
        operator("ok", image="none").execute(context())


def test_a_pod_that_goes_well_has_no_events_read(cluster, stand_in):
    """Each look would cost the API server a read of the whole namespace."""
    run("ok", image=stand_in)
    assert cluster.asked
    assert not any("/events" in path for path in cluster.asked)
    with pytest.raises(DataError):
        run("exit-4", image=stand_in)
    assert any("/events" in path for path in cluster.asked)


def test_a_connection_that_names_a_cluster_wins_over_kubeconfig(
    cluster, stand_in, tmp_path, monkeypatch
):
    """In the worker and in the triggerer alike."""
    other = tmp_path / "config"
    other.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "none"}))
    monkeypatch.setenv("KUBECONFIG", str(other))
    run("ok", image=stand_in)
    assert len(cluster.created) == 1


def test_kubeconfig_counts_where_the_connection_names_no_cluster(
    cluster, stand_in, tmp_path, monkeypatch
):
    """The triggerer gets what the worker reads."""
    own = tmp_path / "config"
    own.write_text(json.dumps(cluster.config))
    monkeypatch.setenv("KUBECONFIG", str(own))
    monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", '{"conn_type": "kubernetes"}')
    with pytest.raises(TaskDeferred) as deferred:
        operator("ok", image=stand_in, config_file=str(own)).execute(context())
    assert deferred.value.trigger.config_dict == cluster.config
