"""Which share of a route's requests goes to which cluster: for moving a part out, and for trying a new version of one.

Shares are kept in a file beside Envoy's configuration, by who set them (`migration`, `canary`), so that two who steer
different routes do not undo each other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deploy.model.errors import DeployError
from deploy.model.home import read_json, write_atomically

FILE = "shares.json"
WHOLE = 100


@dataclass(frozen=True)
class TrafficSplit:
    """How the requests of one route are shared out. What no share names goes where the topology says.

    `weights`: percent by cluster, 100 in sum. `methods`: none means all. `anonymous`: only requests without a token.
    `sticky`: a header; requests with the same value of it always go to the same cluster, as long as weights stay.
    `mirror` gets a copy of `mirror_percent` of the requests, and nobody waits for its answers. `inner`: of the calls
    of other services to this one, instead of customers' requests; there a caller has no header to be known by.
    """

    prefix: str
    weights: Mapping[str, int]
    methods: tuple[str, ...] = ()
    anonymous: bool = False
    sticky: str = ""
    mirror: str = ""
    mirror_percent: int = field(default=0)
    inner: str = ""

    def __post_init__(self) -> None:
        """Raise DeployError for percentages that cannot be meant."""
        total = sum(self.weights.values())
        if total != WHOLE or min(self.weights.values()) < 0:
            raise DeployError(f"The shares of {self.prefix} are {dict(self.weights)}: they must be {WHOLE} in sum.")
        if self.inner and self.sticky:
            raise DeployError("Calls between services carry no customer's header: they cannot be sticky.")
        if not 0 <= self.mirror_percent <= WHOLE:
            raise DeployError(f"{self.mirror_percent} % of {self.prefix} cannot be mirrored.")

    def match(self) -> dict[str, Any]:
        """Return Envoy's route match."""
        headers: list[dict[str, Any]] = []
        if self.methods:
            any_of = {"safe_regex": {"regex": "|".join(self.methods)}}
            headers.append({"name": ":method", "string_match": any_of})
        if self.anonymous:
            headers.append({"name": "authorization", "present_match": True, "invert_match": True})
        condition: dict[str, Any] = {"path_separated_prefix": self.prefix}
        return condition | {"headers": headers} if headers else condition


def read(envoy_folder: Path) -> list[TrafficSplit]:
    """Return all shares that are set, whoever set them."""
    return [share for shares in _by_owner(envoy_folder).values() for share in shares]


def of(envoy_folder: Path, owner: str) -> list[TrafficSplit]:
    """Return the shares that one of them has set."""
    return _by_owner(envoy_folder).get(owner, [])


def replace(envoy_folder: Path, owner: str, shares: Sequence[TrafficSplit]) -> list[TrafficSplit]:
    """Put these in place of what `owner` has set before; none takes them back. Returns all that are set now."""
    by_owner = _by_owner(envoy_folder) | {owner: list(shares)}
    write_atomically(
        envoy_folder / FILE,
        json.dumps({name: [asdict(share) for share in owned] for name, owned in by_owner.items() if owned}, indent=1),
    )
    return read(envoy_folder)


def _by_owner(envoy_folder: Path) -> dict[str, list[TrafficSplit]]:
    return {
        owner: [TrafficSplit(**item | {"methods": tuple(item["methods"])}) for item in shares]
        for owner, shares in (read_json(envoy_folder / FILE) or {}).items()
    }
