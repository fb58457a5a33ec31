"""A stand-in for the part of the Kubernetes API that ``KubernetesPodOperator`` uses.

It speaks HTTP on loopback: create, read, list by labels, patch labels, delete, log and
events of pods. A pod's body is checked against the client library's own models: a field
that the models do not know, or one they require and the body lacks, is a 422, as a real
API server's strict validation would have it. The pod's first container then runs on the
Docker engine with the pod's own limits, user, root, capabilities and memory volumes; its
end is reported as a kubelet does, ``OOMKilled`` with exit code 137 included.

A pod that names a Secret, a node or an image which is not there stays ``Pending`` with the
words of a kubelet or the scheduler, and a node may be lost with its pods.

What it does not cover: more than one node (tolerations and priorities are checked for form
only), admission (pod security, defaults), RBAC, service accounts and workload identity, pod
networks and policies (containers use the host's network), init containers and sidecars,
volumes other than ``emptyDir``, watches that resume, restarts (``restartPolicy: Never`` is
required), other API versions.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import docker
from docker.models.containers import Container
from kubernetes.client.models import V1Pod

from tests.kubernetes.pod_check import RefusedByClusterError, check, quantity
from tests.kubernetes.pod_status import is_selected
from tests.kubernetes.pods import Pod, StuckContainer
from tests.support.servers.loopback import LoopbackServer, QuietHandler

_PODS = re.compile(
    r"/api/v1/namespaces/(?P<namespace>[^/]+)/pods(?:/(?P<name>[^/]+))?(?P<log>/log)?"
)
NODE_LABELS = {"disktype": "ssd", "zone": "a"}

_EVENTS = re.compile(r"/api/v1/namespaces/(?P<namespace>[^/]+)/events")


class Cluster(LoopbackServer):
    """A running stand-in: ``with Cluster(engine, secrets={...}) as cluster: cluster.config``."""

    def __init__(
        self, engine: docker.DockerClient, *, secrets: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self._engine = engine
        self._secrets = dict(secrets or {})
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self.pods: dict[str, Pod] = {}
        self.refusal: RefusedByClusterError | None = None
        """What the next pod is answered, where it is not taken."""
        self.created: list[dict[str, Any]] = []
        """The body of every pod that was ever created, as it was sent."""
        self.asked: list[str] = []
        """Method and path of every request."""
        super().__init__(type("Handler", (KubernetesHandler,), {"cluster": self}))

    def close(self) -> None:
        self.closing.set()
        super().close()
        for pod in self.pods.values():
            pod.remove()

    @property
    def config(self) -> dict[str, Any]:
        """A kubeconfig that leads here."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "stand-in", "cluster": {"server": self.url}}],
            "users": [{"name": "tests", "user": {"token": "none"}}],
            "contexts": [{"name": "tests", "context": {"cluster": "stand-in", "user": "tests"}}],
            "current-context": "tests",
        }

    def create(self, body: dict[str, Any], *, namespace: str) -> dict[str, Any]:
        """Check the pod, start its container."""
        checked = check(body, V1Pod)
        name = body["metadata"]["name"]
        with self._lock:
            if name in self.pods:
                raise RefusedByClusterError(409, f'pods "{name}" already exists')
            if self.refusal is not None:
                raise self.refusal
            self.created.append(json.loads(json.dumps(body)))
            container = self._start(checked)
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            body["metadata"] |= {
                "namespace": namespace,
                "uid": str(uuid.uuid4()),
                "creationTimestamp": now,
                "resourceVersion": "1",
            }
            self.pods[name] = Pod(body, container)
        return self.pods[name].read()

    def find(self, name: str) -> Pod:
        """The pod of that name."""
        try:
            return self.pods[name]
        except KeyError:
            raise RefusedByClusterError(404, f'pods "{name}" not found') from None

    def delete(self, name: str) -> dict[str, Any]:
        """Kill the pod and forget it; one of a lost node stays, for nobody confirms its end."""
        pod = self.find(name)
        body = pod.read()
        if pod.is_node_lost:
            pod.mark_deleted()
            return body
        pod.remove()
        del self.pods[name]
        return body

    def _start(self, pod: V1Pod) -> Container | StuckContainer:
        if (stuck := self._problem(pod)) is not None:
            return stuck
        return self._engine.containers.run(**self._options(pod), detach=True)

    def _problem(self, pod: V1Pod) -> StuckContainer | None:
        """Why the pod cannot start."""
        container = pod.spec.containers[0]
        if not (pod.spec.node_selector or {}).items() <= NODE_LABELS.items():
            message = (
                "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
            )
            return StuckContainer(reason="Unschedulable", message=message, is_scheduled=False)
        for source in container.env_from or []:
            if (name := source.secret_ref.name) not in self._secrets:
                message = f'secret "{name}" not found'
                return StuckContainer(reason="CreateContainerConfigError", message=message)
        try:
            self._engine.images.get(container.image)
        except docker.errors.ImageNotFound:
            message = f'failed to pull and unpack image "{container.image}": not found'
            return StuckContainer(reason="ErrImagePull", message=message)
        return None

    def _options(self, pod: V1Pod) -> dict[str, Any]:
        """What Docker is to be told, so that the container is what the pod describes."""
        spec, container = pod.spec, pod.spec.containers[0]
        if spec.restart_policy != "Never" or len(spec.containers) != 1:
            raise RefusedByClusterError(
                422, "the stand-in runs pods of one container that is never restarted"
            )
        memory_bytes = quantity(container.resources.limits["memory"])
        security = container.security_context
        volumes = {volume.name: volume.empty_dir for volume in spec.volumes or []}
        return {
            "image": container.image,
            "entrypoint": container.command or None,
            "command": container.args,
            "environment": self._environment(container),
            "mem_limit": memory_bytes,
            "memswap_limit": memory_bytes,
            "user": f"{spec.security_context.run_as_user}:{spec.security_context.run_as_group}",
            "read_only": bool(security.read_only_root_filesystem),
            "cap_drop": security.capabilities.drop,
            "security_opt": ["no-new-privileges:true"] * (not security.allow_privilege_escalation),
            "tmpfs": {
                mount.mount_path: f"size={quantity(volumes[mount.name].size_limit)}"
                for mount in container.volume_mounts or []
            },
            "network_mode": "host",
            "labels": {"ticklake.stand-in": "pod"},
        }

    def _environment(self, container: Any) -> dict[str, str]:
        found: dict[str, str] = {}
        for source in container.env_from or []:
            found |= self._secrets[source.secret_ref.name]
        return found | {one.name: one.value for one in container.env or []}


class KubernetesHandler(QuietHandler, BaseHTTPRequestHandler):
    cluster: Cluster

    def handle(self) -> None:
        with suppress(ConnectionError):  # a trigger that has seen enough hangs up
            super().handle()

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(lambda path, body: self.cluster.create(body, namespace=path["namespace"]))

    def do_PATCH(self) -> None:
        self._answer(self._patch)

    def do_DELETE(self) -> None:
        self._answer(lambda path, _: self.cluster.delete(path["name"]))

    def _get(self, path: Mapping[str, str], _: object) -> dict[str, Any] | bytes:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if path.get("log"):
            return self.cluster.find(path["name"]).log()
        if path.get("name"):
            return self.cluster.find(path["name"]).read()
        if "name" not in path:  # events: one says that the pod was scheduled
            return self._events(query)
        found = [pod.read() for pod in list(self.cluster.pods.values())]
        selector = query.get("labelSelector", "")
        return _list(
            "PodList", [p for p in found if is_selected(p["metadata"]["labels"], selector)]
        )

    def _events(self, query: Mapping[str, str]) -> dict[str, Any] | bytes:
        selector = query.get("fieldSelector", "")
        pods = list(self.cluster.pods.items())
        found = [pod.event() for name, pod in pods if name in selector]
        if not query.get("watch"):
            return _list("EventList", found)
        # A watch stays open for its time; here that is never long.
        self.cluster.closing.wait(min(float(query.get("timeoutSeconds", 1)), 1.0))
        news = [] if query.get("resourceVersion") else found
        return b"".join(
            json.dumps({"type": "ADDED", "object": one}).encode() + b"\n" for one in news
        )

    def _patch(self, path: Mapping[str, str], body: dict[str, Any]) -> dict[str, Any]:
        pod = self.cluster.find(path["name"])
        pod.body["metadata"]["labels"] |= body["metadata"]["labels"]
        return pod.read()

    def _answer(self, how: Any) -> None:
        """Call *how* with the path's parts and the body, and send what it gives."""
        sent = self.body()
        path = urlsplit(self.path).path
        self.cluster.asked.append(f"{self.command} {path}")
        match = _PODS.fullmatch(path) or _EVENTS.fullmatch(path)
        try:
            if match is None:
                raise RefusedByClusterError(
                    404, f"the stand-in does not know {self.command} {path}"
                )
            answer, status = how(match.groupdict(), json.loads(sent) if sent else None), 200
        except RefusedByClusterError as refused:
            status = refused.status
            answer = {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "code": status,
                "message": str(refused),
            }
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        kind = "text/plain" if isinstance(answer, bytes) else "application/json"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _list(kind: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}
