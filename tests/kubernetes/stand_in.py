"""A stand-in for the part of the Kubernetes API that ``KubernetesPodOperator`` uses.

It speaks HTTP on loopback: create, read, list by labels, patch labels, delete, log and
events of pods. A pod's body is checked against the client library's own models: a field
that the models do not know, or one they require and the body lacks, is a 422, as a real
API server's strict validation would have it. The pod's first container then runs on the
Docker engine with the pod's own limits, user, root, capabilities and memory volumes; its
end is reported as a kubelet does, ``OOMKilled`` with exit code 137 included.

What it does not cover: scheduling (nodes, selectors, tolerations, priorities are checked
for form only), admission (quotas, pod security, defaults), RBAC, service accounts and
workload identity, pod networks and policies (containers use the host's network), init
containers and sidecars, volumes other than ``emptyDir``, image pulls, evictions, watches
that resume, restarts (``restartPolicy: Never`` is required), other API versions. A pod that
names a Secret which is not there is refused at once; a real one waits for it and times out.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import docker
from docker.models.containers import Container
from kubernetes.client import ApiClient
from kubernetes.client.models import V1Pod

_PODS = re.compile(
    r"/api/v1/namespaces/(?P<namespace>[^/]+)/pods(?:/(?P<name>[^/]+))?(?P<log>/log)?"
)
_EVENTS = re.compile(r"/api/v1/namespaces/(?P<namespace>[^/]+)/events")
_UNITS = {"": 1, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}


class RefusedByClusterError(Exception):
    """The API's answer to a request it does not take."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Pod:
    """One pod and the container that stands for it."""

    def __init__(self, body: dict[str, Any], container: Container) -> None:
        self.body = body
        self._container = container

    def read(self) -> dict[str, Any]:
        """The pod as the API shows it now."""
        self._container.reload()
        self.body["status"] = _status(self.body["spec"], self._container.attrs["State"])
        return self.body

    def log(self) -> bytes:
        """All that the container wrote."""
        return self._container.logs()

    def kill(self) -> None:
        """End its container from outside, as a node's administrator might."""
        self._container.kill(signal="SIGKILL")

    def remove(self) -> None:
        """Kill and forget it."""
        self._container.remove(force=True)


class Cluster:
    """A running stand-in: ``with Cluster(engine, secrets={...}) as cluster: cluster.config``."""

    def __init__(
        self, engine: docker.DockerClient, *, secrets: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self._engine = engine
        self._secrets = dict(secrets or {})
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self.pods: dict[str, Pod] = {}
        self.created: list[dict[str, Any]] = []
        """The body of every pod that was ever created, as it was sent."""
        self.asked: list[str] = []
        """Method and path of every request."""
        handler = type("Handler", (KubernetesHandler,), {"cluster": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    def __enter__(self) -> Cluster:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        for name in list(self.pods):
            self.delete(name)

    @property
    def config(self) -> dict[str, Any]:
        """A kubeconfig that leads here."""
        address = f"http://127.0.0.1:{self._server.server_port}"
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "stand-in", "cluster": {"server": address}}],
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
            self.created.append(json.loads(json.dumps(body)))
            container = self._engine.containers.run(**self._options(checked), detach=True)
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
        """Kill the pod and forget it."""
        pod = self.find(name)
        body = pod.read()
        pod.remove()
        del self.pods[name]
        return body

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
            name = source.secret_ref.name
            if name not in self._secrets:
                raise RefusedByClusterError(422, f'secret "{name}" not found')
            found |= self._secrets[name]
        return found | {one.name: one.value for one in container.env or []}


def check(body: dict[str, Any], model: type) -> Any:
    """*body* as the client library's *model*, refused where the two do not agree."""

    class Response:
        data = json.dumps(body)

    client = ApiClient()
    try:
        found = client.deserialize(Response, model)
    except ValueError as wrong:
        raise RefusedByClusterError(422, f"{model.__name__}: {wrong}") from None
    # The models drop what they do not know, so it is missing when they are written again.
    if unknown := _missing(body, client.sanitize_for_serialization(found)):
        raise RefusedByClusterError(422, f"{model.__name__}: unknown field {unknown}")
    return found


def quantity(text: str) -> int:
    """A quantity of Kubernetes (``134217728``, ``128Mi``) in bytes."""
    number, unit = re.fullmatch(r"(\d+)(\D*)", text).groups()
    return int(number) * _UNITS[unit]


def _missing(sent: Any, known: Any, path: str = "") -> str | None:
    """The first field of *sent* that *known* does not have; empty ones are left out of both."""
    if isinstance(sent, dict) and isinstance(known, dict):
        for name, value in sent.items():
            if name not in known and value not in (None, {}, []):
                return f"{path}.{name}"
            if name in known and (found := _missing(value, known[name], f"{path}.{name}")):
                return found
    if isinstance(sent, list) and isinstance(known, list):
        for at, (one, other) in enumerate(zip(sent, known, strict=True)):
            if found := _missing(one, other, f"{path}[{at}]"):
                return found
    return None


def _status(spec: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """A pod's status from its container's state, in a kubelet's words."""
    if state["Status"] == "created":
        phase, now = "Pending", {"waiting": {"reason": "ContainerCreating"}}
    elif state["Running"]:
        phase, now = "Running", {"running": {"startedAt": state["StartedAt"]}}
    else:
        failed = state["ExitCode"] != 0
        reason = "OOMKilled" if state["OOMKilled"] else "Error" if failed else "Completed"
        phase = "Failed" if failed else "Succeeded"
        now = {
            "terminated": {
                "exitCode": state["ExitCode"],
                "reason": reason,
                "startedAt": state["StartedAt"],
                "finishedAt": state["FinishedAt"],
            }
        }
    container = spec["containers"][0]
    status = {
        "name": container["name"],
        "state": now,
        "ready": phase == "Running",
        "restartCount": 0,
        "image": container["image"],
        "imageID": "",
    }
    conditions = [{"type": "PodScheduled", "status": "True"}]
    return {"phase": phase, "conditions": conditions, "containerStatuses": [status]}


def _selected(labels: Mapping[str, str], selector: str) -> bool:
    """Whether *labels* meet every part of *selector*: ``a=b``, ``a!=b``, ``a``, ``!a``."""
    for part in filter(None, selector.split(",")):
        name, sign, value = re.fullmatch(r"(!?[^!=]+)(!=|==?|)(.*)", part).groups()
        if not sign:
            met = name.removeprefix("!") in labels
            met = not met if name.startswith("!") else met
        else:
            met = (labels.get(name) == value) == (sign != "!=")
        if not met:
            return False
    return True


class KubernetesHandler(BaseHTTPRequestHandler):
    cluster: Cluster
    protocol_version = "HTTP/1.1"

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

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests look at what happened."""

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
        return _list("PodList", [p for p in found if _selected(p["metadata"]["labels"], selector)])

    def _events(self, query: Mapping[str, str]) -> dict[str, Any] | bytes:
        selector = query.get("fieldSelector", "")
        found = [_scheduled(name) for name in list(self.cluster.pods) if name in selector]
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
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
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


def _scheduled(pod: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{pod}.scheduled", "uid": pod, "resourceVersion": "2"},
        "involvedObject": {"kind": "Pod", "name": pod},
        "type": "Normal",
        "reason": "Scheduled",
        "message": f"the stand-in runs {pod} on the Docker engine",
    }


def _list(kind: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}
