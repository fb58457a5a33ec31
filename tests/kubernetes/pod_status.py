"""What the API server reports of a pod: its status in a kubelet's words, and its labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def container_status(spec: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
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
    return _status(spec, phase, now)


def waiting_status(
    spec: dict[str, Any], reason: str, message: str, *, is_scheduled: bool
) -> dict[str, Any]:
    """The status of a pod whose container does not start, or that no node takes."""
    told = {"reason": reason, "message": message}
    if is_scheduled:
        return _status(spec, "Pending", {"waiting": told})
    return {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", **told}],
    }


def _status(spec: dict[str, Any], phase: str, now: dict[str, Any]) -> dict[str, Any]:
    container = spec["containers"][0]
    is_ready = phase == "Running"
    status = {
        "name": container["name"],
        "state": now,
        "ready": is_ready,
        "restartCount": 0,
        "image": container["image"],
        "imageID": "",
    }
    conditions = [
        {"type": "PodScheduled", "status": "True"},
        {"type": "Ready", "status": str(is_ready)},
    ]
    return {"phase": phase, "conditions": conditions, "containerStatuses": [status]}


def is_selected(labels: Mapping[str, str], selector: str) -> bool:
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
