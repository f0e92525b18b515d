"""`docker compose` as people type it, on ports and under a name of our own."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.model.ports import PORTS

MAILPIT_PORT = 8025


@dataclass(frozen=True)
class ByHand:
    """One compose project."""

    folder: Path
    secrets: Path
    shift: int

    @property
    def project(self) -> str:
        """Its name."""
        return f"twinshop-by-hand-{self.shift}"

    def url(self, shop: str) -> str:
        """Return the public address of a shop."""
        return f"http://127.0.0.1:{PORTS[shop]['edge']['http'] + self.shift}"

    def run(self, *arguments: str, timeout_s: float = 180, **variables: str) -> subprocess.CompletedProcess[str]:
        """Type a command, and return what came of it."""
        outside = {f"{name.upper()}_PORT": numbers["http"] for name, numbers in PORTS["outside"].items()}
        shops = {f"{shop.upper()}_PORT": PORTS[shop]["edge"]["http"] for shop in ("monolith", "microservices")}
        ports = {**outside, **shops, "MAILPIT_PORT": MAILPIT_PORT}
        own = {
            "COMPOSE_PROJECT_NAME": self.project,
            "TWINSHOP_SECRETS": str(self.secrets),
            **{name: str(port + self.shift) for name, port in ports.items()},
            **variables,
        }
        return subprocess.run(
            ["docker", "compose", *arguments], cwd=self.folder, env={**os.environ, **own}, timeout=timeout_s,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def containers(self) -> list[dict[str, Any]]:
        """Return what `docker compose ps --all` lists."""
        lines = self.run("--profile", "*", "ps", "--all", "--format", "json").stdout.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]
