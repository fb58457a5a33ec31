"""The pods of the stand-in: one that runs as a container, and one that cannot start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from docker.models.containers import Container

from tests.kubernetes.pod_status import container_status, waiting_status

NODE = "node-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckContainer:
    """Why a pod does not start, as a kubelet or the scheduler reports it."""

    reason: str
    message: str
    is_scheduled: bool = True

    @property
    def attrs(self) -> dict[str, Any]:
        """Nothing of an engine: there is no container."""
        return {}

    def reload(self) -> None:
        """Nothing changes by itself."""

    def logs(self) -> bytes:
        """It wrote nothing."""
        return b""

    def kill(self, **_: Any) -> None:
        """There is nothing to kill."""

    def remove(self, **_: Any) -> None:
        """There is nothing to remove."""


class Pod:
    """One pod and the container that stands for it."""

    def __init__(self, body: dict[str, Any], container: Container | StuckContainer) -> None:
        self.body = body
        self.is_node_lost = False
        self._container = container
        if not isinstance(container, StuckContainer) or container.is_scheduled:
            body["spec"]["nodeName"] = NODE

    def read(self) -> dict[str, Any]:
        """The pod as the API shows it now; of a lost node the last report stays."""
        if not self.is_node_lost:
            self._container.reload()
            self.body["status"] = self._status()
        return self.body

    def lose_node(self) -> None:
        """Its node answers no longer: the container ends, and nobody reports it."""
        self.read()
        self.is_node_lost = True
        for condition in self.body["status"]["conditions"]:
            if condition["type"] == "Ready":
                condition["status"] = "False"
        self.kill()

    def mark_deleted(self, reason: str = "") -> None:
        """Somebody deleted it; *reason* is that of a disruption."""
        self.body["metadata"] |= {
            "deletionTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "deletionGracePeriodSeconds": self.body["spec"]["terminationGracePeriodSeconds"],
        }
        if reason:
            self.body["status"]["conditions"].append(
                {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "gone"}
            )

    def log(self) -> bytes:
        """All that the container wrote."""
        return self._container.logs()

    def kill(self) -> None:
        """End its container from outside, as a node's administrator might."""
        self._container.kill(signal="SIGKILL")

    def remove(self) -> None:
        """Kill and forget it."""
        self._container.remove(force=True)

    def event(self) -> dict[str, Any]:
        """The last that happened to it."""
        if isinstance(self._container, StuckContainer):
            kind, reason, message = "Warning", self._container.reason, self._container.message
        else:
            kind, reason, message = "Normal", "Scheduled", "the stand-in runs it on the engine"
        name = self.body["metadata"]["name"]
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.{reason}", "uid": name, "resourceVersion": "2"},
            "involvedObject": {"kind": "Pod", "name": name},
            "type": kind,
            "reason": reason,
            "message": message,
        }

    def _status(self) -> dict[str, Any]:
        stuck = self._container
        if isinstance(stuck, StuckContainer):
            return waiting_status(
                self.body["spec"], stuck.reason, stuck.message, is_scheduled=stuck.is_scheduled
            )
        return container_status(self.body["spec"], stuck.attrs["State"])
