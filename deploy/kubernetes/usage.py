"""CPU and memory of Pods, from the kubelets that run them: the source of the metrics API, which has rates only.

An experiment needs CPU seconds that only grow, so the kubelet's own summary is read, through the API server.
"""

from __future__ import annotations

import json

from deploy.kubernetes.cluster import Cluster
from deploy.runner.interface import Usage

KIND = "cgroup"


def usage_by_pod(cluster: Cluster) -> dict[str, Usage]:
    """Return what each Pod of the namespace has used since it started. Raises DeployError where we may not ask."""
    nodes = json.loads(cluster.ask("get", "nodes", "--output", "json"))["items"]
    usage = {}
    for node in nodes:
        path = f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary"
        for pod in json.loads(cluster.ask("get", "--raw", path))["pods"]:
            if pod["podRef"]["namespace"] == cluster.namespace:
                cpu_s = pod.get("cpu", {}).get("usageCoreNanoSeconds", 0) / 1e9
                memory = pod.get("memory", {}).get("workingSetBytes", 0)
                processes = pod.get("process_stats", {}).get("process_count", 1)
                usage[pod["podRef"]["name"]] = Usage(cpu_s, memory, KIND, processes)
    return usage
