"""Ways from this machine to a stack's parts: `kubectl port-forward`, begun again when its Pod is gone."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from deploy.compose.site import PORTS as INSIDE
from deploy.kubernetes.cluster import Cluster
from deploy.model.home import read_json, write_atomically, writing
from deploy.model.parts import Stack
from deploy.runner.port_check import is_taken

# Its words are the command; it ends with its session.
AGAIN_AND_AGAIN = 'while :; do "$@"; sleep 0.3; done'
NAME = "twinshop-forward"


class Forwards:
    """Those of one stack. A port on which somebody listens already is left alone: kind leads there by itself."""

    def __init__(self, stack: Stack, cluster: Cluster, folder: Path) -> None:
        self._stack, self._cluster = stack, cluster
        self._path = folder / f"{stack.name}.forwards.json"
        self._started: list[subprocess.Popen[bytes]] = []  # Python warns about a child that it forgets while it runs

    def begin(self) -> None:
        """Have a way to each part, on the ports that it has as a local process. Raises FolderTrouble."""
        if any(self._running()):
            return
        with writing(self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            pids = [self._start(name, ports) for name, ports in self._free_ports() if ports]
            write_atomically(self._path, f"{pids}")

    def end(self) -> None:
        """Close them all."""
        for process in self._running():
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(5)
        for one in self._started:
            one.wait(5)
        self._path.unlink(missing_ok=True)

    def _free_ports(self) -> Iterator[tuple[str, list[str]]]:
        for part in self._stack.parts:
            inside = {**INSIDE, **({"http": 8080} if part.kind == "envoy" else {})}
            ports = {name: port for name, port in part.ports.items() if part.kind != "envoy" or name == "http"}
            free = [f"{port}:{inside[name]}" for name, port in ports.items() if not is_taken(port)]
            yield self._cluster.service(part), free

    def _start(self, service: str, ports: list[str]) -> int:
        command = ["kubectl", *self._cluster.options, "port-forward", f"service/{service}", *ports]
        with self._path.with_suffix(".log").open("ab") as log:
            process = subprocess.Popen(
                ["bash", "-c", AGAIN_AND_AGAIN, NAME, *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._started.append(process)
        return process.pid

    def _running(self) -> Iterator[psutil.Process]:
        for pid in read_json(self._path) or ():
            try:
                process = psutil.Process(pid)
                if NAME in process.cmdline():
                    yield process
            except psutil.Error:
                continue
