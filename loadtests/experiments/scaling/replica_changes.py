"""Adds and takes replicas while customers are served, and counts what failed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.model.errors import DeployError
from loadtests.engine import generator
from loadtests.engine.arm import Arm
from loadtests.engine.generator import LoadSpec
from loadtests.load.generator.record import FAILED, read_rows

ROUND_TRIP = (2, 3, 2, 1)
FAR_S = 180.0


@dataclass
class Changes:
    """What changing the number of replicas did to the load. `failed` are errors and unanswered requests."""

    done: int = 0
    requests: int = 0
    failed: int = 0
    took_s: list[float] = field(default_factory=list)
    void: bool = False
    failures: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return it as it stands in result.json."""
        took = sorted(self.took_s)
        median = took[len(took) // 2] if took else None
        return {
            "done": self.done, "requests": self.requests, "failed": self.failed, "median_s": median,
            "failures": self.failures[:20],
        }  # fmt: skip


def targets(parts: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield (part, replicas) for ever: each part in turn goes 2, 3, 2 and back to 1."""
    for part in itertools.cycle(parts):
        for replicas in ROUND_TRIP:
            yield part, replicas


def change_under_load(
    arm: Arm, parts: Sequence[str], count: int, folder: Path, *, rate: float, stretch_s: float, seed: int,
    tell: Callable[[str], None],
) -> Changes:  # fmt: skip
    """Make `count` changes, all of them while requests arrive; what is changed is brought back to one replica."""
    changes = Changes()
    plan = targets(parts)
    give_up_at = time.monotonic() + FAR_S
    stretch = 0
    while changes.done < count and time.monotonic() < give_up_at:
        stretch += 1
        place = folder / f"stretch-{stretch}"
        profile = f"{rate:g}x{stretch_s:g}"
        spec = arm.open_arrivals(
            place, profile=profile, duration_s=stretch_s, mix="shopping", seed=seed + stretch, warm_up_s=0.5
        )
        _one_stretch(arm, spec, stretch_s, plan, count, changes, tell)
    for part in parts:
        arm.runner.scale(part, 1)
    return changes


def _one_stretch(
    arm: Arm, spec: LoadSpec, stretch_s: float, plan: Iterator[tuple[str, int]], count: int, changes: Changes,
    tell: Callable[[str], None],
) -> None:  # fmt: skip
    """Run one stretch of load, and change replicas from its start until shortly before its end."""
    with generator.beside(spec) as load:
        ends_at = load.began_at + stretch_s
        longest = 1.0
        while changes.done < count and time.monotonic() + longest < ends_at:
            part, replicas = next(plan)
            began = time.monotonic()
            try:
                arm.runner.scale(part, replicas)
            except DeployError as error:
                changes.failures.append(f"scale {part} {replicas}: {error}")
                changes.failed += 1
            took_s = time.monotonic() - began
            longest = max(longest, took_s)
            if time.monotonic() > ends_at:
                break  # the load was over before the change was: it proves nothing
            changes.done += 1
            changes.took_s.append(took_s)
            tell(f"{arm.name:<14} change {changes.done:>2}: {part} to {replicas} in {took_s:.1f} s")
        changes.requests += load.finish()["requests"]
    for row in read_rows(spec.out / "requests.csv.gz"):
        if row.outcome in FAILED:
            changes.failed += 1
            changes.failures.append(f"{row.journey} at {row.due_s:.2f} s: {row.outcome} {row.status}")
