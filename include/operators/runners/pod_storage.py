"""The object store that a pod asks: the one that the plan asked, or the pod is not started.

A container's own variables win over those of a Secret, so that what stands here decides. Keys are
not here: everybody who may read pods would read them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from kubernetes.client import models as k8s

from include.operators.access.connections import storage_address
from include.operators.access.settings import OperatorSettings
from include.ticklake.errors import UsageError
from include.ticklake.lake.cloud_stores import endpoint_url
from include.ticklake.redaction.addresses import mask_addresses


def store_env(
    settings: OperatorSettings,
    environ: Mapping[str, str],
    *,
    mounts: Iterable[k8s.V1VolumeMount],
    is_host_network: bool,
) -> dict[str, str]:
    """Return endpoint, region, style and certificates of the plan's S3; nothing for other stores.

    ``UsageError`` where a pod cannot have them: *mounts* are what it sees of other files.
    """
    address = storage_address(settings, environ)
    if not address:
        return {}
    endpoint = endpoint_url(address)
    if mask_addresses(endpoint) != endpoint:
        raise UsageError(
            f"the endpoint {mask_addresses(endpoint)} holds a login, which a pod's description "
            "would show; put the keys into the Secret that TICKLAKE_KUBERNETES_SECRET names"
        )
    if _is_loopback(urlsplit(endpoint).hostname or "") and not is_host_network:
        raise UsageError(
            f"a pod cannot reach {endpoint}, which is this worker itself; name an endpoint that "
            "worker and pods can reach"
        )
    bundle = address.get("AWS_CA_BUNDLE", "")
    if bundle and not any(_holds(mount.mount_path, bundle) for mount in mounts):
        raise UsageError(
            f"a pod has no file {bundle}, which AWS_CA_BUNDLE names; mount a ConfigMap with it at "
            "that path by TICKLAKE_KUBERNETES_POD_TEMPLATE, or unset it where the image's own "
            "certificates will do"
        )
    style = address.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST") or "false"
    # Both names, also empty: a Secret's entry of either would lead to another store.
    both = {"AWS_ENDPOINT_URL": endpoint, "AWS_ENDPOINT_URL_S3": endpoint}
    return address | both | {"AWS_VIRTUAL_HOSTED_STYLE_REQUEST": style}


def check_same(ours: Mapping[str, str], theirs: Iterable[k8s.V1EnvVar], *, where: str) -> None:
    """``UsageError`` where *theirs*, which would win, differ from *ours*."""
    for variable in theirs:
        if variable.name in ours and variable.value != ours[variable.name]:
            raise UsageError(
                f"{where}: {variable.name} is not that of the plan, so the pod would ask another "
                "store; remove it, and set it in the Airflow connection or for the worker"
            )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _holds(folder: str, path: str) -> bool:
    return os.path.commonpath([folder, path]) == os.path.normpath(folder)
