"""How many verdicts a second: every specification on every host profile that is shipped."""

import time
from typing import Any

from compatbuild.checking.evaluate import Judge
from compatbuild.hosts.catalogue import profiles
from compatbuild.nfd.decode import decode

RULES = {
    "a kernel range": """
    - feature: "kernel.version"
      matchExpressions:
        "full":
          op: "InRegexp"
          value: ["^(5\\\\.1[0-9]|6\\\\.[0-9]+)"]""",
    "kernel options": """
    - feature: "kernel.config"
      matchExpressions:
        "FUSE_FS": {op: "In", value: ["y", "m"]}
        "OVERLAY_FS": {op: "In", value: ["y", "m"]}
        "CGROUPS": {op: "In", value: ["y"]}""",
    "CPU flags": """
    - feature: "cpu.cpuid"
      matchExpressions:
        "AVX2": {op: "Exists"}
        "FMA3": {op: "Exists"}
        "AVX512F": {op: "DoesNotExist"}""",
    "a PCI device": """
    - feature: "pci.device"
      matchExpressions:
        "vendor": {op: "In", value: ["10de"]}
        "class": {op: "In", value: ["0300", "0302"]}""",
    "modules": """
    - feature: "kernel.loadedmodule"
      matchExpressions:
        "nvidia": {op: "Exists"}
        "nvidia_uvm": {op: "Exists"}""",
}
HEAD = 'version: "v1alpha1"\ncompatibilities:\n- tag: "required"\n  rules:\n  - name: "required"\n    matchFeatures:'
LEAST_SECONDS = 2.0


def measured(seconds: float = LEAST_SECONDS) -> dict[str, Any]:
    """Return how many specifications and profiles there are, and how many verdicts came of a second of processor."""
    specs = [decode((HEAD + rule + "\n").encode()) for rule in RULES.values()]
    specs.append(decode((HEAD + "".join(RULES.values()) + "\n").encode()))
    judges = [Judge(host) for host in profiles("all")]
    verdicts, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        for judge in judges:
            for spec in specs:
                judge.judge(spec)
        verdicts += len(judges) * len(specs)
    spent = time.process_time() - began
    return {"specs": len(specs), "profiles": len(judges), "verdicts_per_second": round(verdicts / spent)}
