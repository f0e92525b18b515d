"""A build's CPU under a steady load of one unit of work: by part as accounted, within a part as sampled."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from deploy.model.errors import DeployError
from loadtests.engine.arm import Arm
from loadtests.profiling import sampler
from loadtests.profiling.flames import Frame, Stack, flame

WARM_UP_S = 2.0
DONE_SHARE = 0.9  # of what was sent: a shop that is sold out refuses cheaply, and its profile would be another one


@dataclass(frozen=True)
class Work:
    """A unit of work alone, at a steady rate: low enough that requests seldom wait for each other."""

    unit: str
    mix: str
    rate: float


WORKS = (Work("order", "orders-only", 40.0), Work("list", "lists-only", 200.0))


@dataclass(frozen=True)
class Profile:
    """Where a unit of work spends its CPU in a build."""

    build: str
    unit: str
    units: int
    samples: int
    flame: Frame


def profile(arm: Arm, work: Work, seconds: int, folder: Path, seed: int) -> Profile:
    """Load an arm with one unit of work and sample it meanwhile. Raises DeployError, GeneratorFailed."""
    stacks: dict[str, Counter[Stack]] = {}
    spec = arm.open_arrivals(
        folder, profile=f"{work.rate:g}x{seconds}", duration_s=seconds, mix=work.mix, seed=seed, warm_up_s=WARM_UP_S,
        extra=("--arrivals", "constant"),
    )  # fmt: skip
    measured = arm.load(
        spec, memory=False, meanwhile=lambda _: stacks.update(sampler.sample(arm.runner, folder, seconds))
    )
    requests, units = measured.summary["requests"], measured.summary["outcomes"].get("ok", 0)
    if units < requests * DONE_SHARE:
        raise DeployError(
            f"{arm.name}: only {units} of {requests} requests were done. Give the shop fresh data: `twinshop reset`."
        )
    cpu_ms = {part: spent_ms / units for part, spent_ms in measured.spent.cpu_ms.items()}
    samples = sum(counts.total() for counts in stacks.values())
    return Profile(arm.name, work.unit, units, samples, flame(arm.name, cpu_ms, stacks))
