"""Two versions of a part behind one route: how requests are shared out between them, and what each does with them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from deploy.envoy import cluster_stats, traffic_split
from deploy.envoy.cluster_stats import ClusterStats
from deploy.envoy.routes import INNER_PREFIX, SERVICE_OF_PREFIX, owner_of
from deploy.envoy.traffic_split import WHOLE, TrafficSplit
from deploy.local.runner import LocalRunner
from deploy.model import versions
from deploy.model.errors import DeployError, Unsupported
from deploy.model.home import read_json, write_atomically
from deploy.model.parts import Stack
from deploy.model.versions import FIRST, Version
from deploy.runner.interface import Runner

FILE = "counted.json"  # what Envoy had counted when the shares were last changed
CUSTOMER_HEADER = "authorization"  # a customer is known by the token; who has none is drawn anew for each request
LOOK_EVERY_S = 0.5
GRACE_S = 1.0  # a version's first connections are opened: that is not held against it

T = TypeVar("T")


@dataclass(frozen=True)
class VersionFigures:
    """What a version got and did since the shares were last changed. Times are Envoy's, from request to answer."""

    version: str
    percent: int
    requests: int
    failed: int
    p50_ms: float | None
    p99_ms: float | None


class Routing:
    """The versions of one part of one stack of local processes."""

    def __init__(self, runner: Runner, part: str) -> None:
        """Raises Unsupported in containers, UnknownTarget."""
        if not isinstance(runner, LocalRunner):
            raise Unsupported(
                "Versions are for local processes. In containers Envoy finds replicas by name; its routes are fixed."
            )
        self.runner = runner
        self.part = runner.stack.part(part).name
        self._folder = Path(runner.site.data) / runner.stack.name
        self._owner = Version(self.part, FIRST).owner

    @property
    def known(self) -> list[Version]:
        """The versions beside the first one."""
        return [version for version in self.runner.versions if version.part == self.part]

    @property
    def percent(self) -> dict[str, int]:
        """How many per cent of the requests each version gets."""
        ours = traffic_split.of(self._folder / "envoy", self._owner)
        weights = dict(ours[0].weights) if ours else {self.part: WHOLE}
        return {FIRST: weights.get(self.part, 0)} | {one.name: weights.get(one.cluster, 0) for one in self.known}

    @property
    def is_sticky(self) -> bool:
        """Whether a customer stays with one version."""
        return any(share.sticky for share in traffic_split.of(self._folder / "envoy", self._owner))

    def add(self, name: str, settings: Mapping[str, str]) -> Version:
        """Start a version; returns when it is ready. It gets no request yet. Raises DeployError, StartFailed."""
        own = {**self._common_settings(), **settings}
        version = versions.new(self.runner.stack, self.runner.versions, self.part, name, own)
        self.runner.add_version(version)
        return version

    def set_weights(self, percent: Mapping[str, int], *, sticky: bool = False) -> None:
        """Give each version its share of the requests; the first one gets what is left. Raises DeployError.

        Of what customers send, and of what other services ask for; the latter is never sticky.
        """
        by_name = {version.name: version for version in self.known}
        if unknown := set(percent) - set(by_name):
            raise DeployError(f"{self.part} has no version {', '.join(sorted(unknown))}.")
        shares = {name: percent.get(name, self.percent[name]) for name in by_name}
        rest = WHOLE - sum(shares.values())
        weights = {self.part: rest} | {by_name[name].cluster: share for name, share in shares.items()}
        routes = [
            TrafficSplit(prefix, weights, sticky=CUSTOMER_HEADER if sticky else "") for prefix in self._prefixes()
        ]
        if self.part in self.runner.stack.part("edge").ports:
            routes.append(TrafficSplit(INNER_PREFIX, weights, inner=self.part))
        self.runner.set_weights(self._owner, routes)
        self._remember(self.read())

    def reset(self) -> None:
        """Send everything to the first version again, and stop the others once their last requests are answered."""
        self.roll_back()
        for version in self.known:
            self.runner.remove_version(version)

    def roll_back(self) -> None:
        """Send everything to the first version again, at once. The others go on running."""
        self.runner.set_weights(self._owner, [])

    def read(self) -> dict[str, ClusterStats]:
        """Return what Envoy has counted of each version, by name. Raises NotRunning."""
        clusters = {FIRST: self.part} | {version.name: version.cluster for version in self.known}
        stats = cluster_stats.read(self.runner.stack.part("edge").admin, clusters.values())
        return {name: stats[cluster] for name, cluster in clusters.items()}

    def figures(self) -> list[VersionFigures]:
        """Return what each version did since the shares were last changed."""
        before, percent = self._remembered(), self.percent
        rows = []
        for name, now in self.read().items():
            since = now.since(before.get(name, ClusterStats()))
            waits = since.percentile_ms(50), since.percentile_ms(99)
            rows.append(VersionFigures(name, percent[name], since.answered, since.failed, *waits))
        return rows

    def watch(self, name: str, seconds: float, look: Callable[[ClusterStats, ClusterStats], T | None]) -> T | None:
        """Watch a version for so long, and take it back once `look` returns why; return that, or None.

        `look` is shown again and again what the first version and this one did since. Raises NotRunning.
        """
        ends_at = time.monotonic() + seconds
        time.sleep(min(GRACE_S, seconds))
        before = self.read()
        while time.monotonic() < ends_at:
            time.sleep(LOOK_EVERY_S)
            now = self.read()
            if regression := look(now[FIRST].since(before[FIRST]), now[name].since(before[name])):
                self.roll_back()
                return regression
        return None

    def _prefixes(self) -> list[str]:
        stack: Stack = self.runner.stack
        return [prefix for prefix, service in SERVICE_OF_PREFIX.items() if owner_of(stack, service) == self.part]

    def _common_settings(self) -> dict[str, str]:
        """Return what the part is configured with beyond the topology: a version differs by its own settings only."""
        settings = self.runner.status().environment
        return {**settings.get("*", {}), **settings.get(self.part, {})}

    def _remember(self, stats: Mapping[str, ClusterStats]) -> None:
        remembered = self._all_remembered() | {self.part: {name: one.encode() for name, one in stats.items()}}
        write_atomically(self._folder / FILE, json.dumps(remembered))

    def _remembered(self) -> dict[str, ClusterStats]:
        return {name: ClusterStats.decode(one) for name, one in self._all_remembered().get(self.part, {}).items()}

    def _all_remembered(self) -> dict[str, dict[str, dict[str, object]]]:
        return read_json(self._folder / FILE) or {}
