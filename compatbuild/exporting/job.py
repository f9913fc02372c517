"""A Job that lets NFD's own client judge one node of a cluster.

Source: node-feature-discovery v0.19.0 ``docs/usage/image-compatibility.md`` ("Validate the k8s cluster node"), and
``deployment/components/common/worker-mounts.yaml`` for the feature files, which the former leaves out.
"""

from typing import Any

NFD_IMAGE = "registry.k8s.io/nfd/node-feature-discovery:v0.19.0"
"""NFD's image holds the client too (its ``Dockerfile``)."""
CERTIFICATES = "/etc/ssl/certs"
FEATURE_FILES = "/etc/kubernetes/node-feature-discovery/features.d/"
_MOUNTS = (
    ("host-boot", "/boot", "/host-boot"),
    ("host-os-release", "/etc/os-release", "/host-etc/os-release"),
    ("host-sys", "/sys", "/host-sys"),
    ("host-usr-lib", "/usr/lib", "/host-usr/lib"),
    ("host-lib", "/lib", "/host-lib"),
    ("host-proc", "/proc", "/host-proc"),
    ("features-d", FEATURE_FILES, FEATURE_FILES),
    ("certificates", CERTIFICATES, CERTIFICATES),
)
"""Volumes, where they are on the node, and where NFD's image looks for them."""

REMARKS = (
    "NFD's client ends with 0 whatever it finds, so the Job completes on any node: read its log",
    "the client reads no registry credentials of the cluster: the image must be readable by anyone",
    f"{CERTIFICATES} of the node is mounted, as NFD's image trusts nobody; where it links elsewhere, mount that too",
)


def job(reference: str, name: str, namespace: str = "", node: str = "", nfd_image: str = NFD_IMAGE) -> dict[str, Any]:
    """Return the Job for an image (a reference with a digest); without ``node`` the scheduler picks where it runs."""
    container = {
        "name": "image-compatibility",
        "image": nfd_image,
        "command": ["nfd", "compat", "validate-node", "--image", reference, "--output-json"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        },
        "volumeMounts": [{"name": one, "mountPath": inside, "readOnly": True} for one, _, inside in _MOUNTS],
    }
    pod = {
        **({"nodeName": node} if node else {}),
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [{"name": one, "hostPath": {"path": path, "type": ""}} for one, path, _ in _MOUNTS],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "spec": {"backoffLimit": 1, "template": {"spec": pod}},
    }
