"""Canary: a new version of the catalogue gets a tenth of the customers, and is taken back if it does worse.

Question: A new version is bad. How soon is that known, and how many customers have met it by then? Is it easier where
the version is one service, and not the whole shop?

Hypothesis: The same guard, on the same figures of the edge, finds a slow and a failing version within seconds in both
builds, and leaves alone one that is as good as the first. In the services a customer meets the new version only where
he asks the catalog, and what runs twice is the catalog; in the monolith all that a tenth of the customers do goes to a
second whole shop, where what is slow in one module keeps the others waiting.

Load: Open arrivals (Poisson) of the mix `shopping`, everybody signed in. Some seconds into it the new version gets 10 %
of the customers, each of whom stays with his version. It is as good as the first, or each list of products in it burns
100 ms of CPU (slow), or half of them are answered 500 (failing). It is watched, and taken back at an alarm.

What is held equal: Rate, seed, products, customers, cores and length; the share, the planted defect and its place, the
guard and its chance of a false alarm (1 % over the whole watch). Nothing is known to it but what Envoy counts of each
version. Both versions work on the same database.

How to read it: `found after` counts from the moment at which the version got its share to the one at which it had none.
Customers who met it were answered by it once at least. Bad answers failed or took 100 ms or more. A version that is
good and was taken back is a false alarm; watched for longer, or at a lower rate, the guard needs as many answers and
more time.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.envoy.cluster_stats import ClusterStats
from deploy.faults import injected_faults
from deploy.model.home import write_atomically
from deploy.routing import Routing
from loadtests.engine.arm import BUILDS, Arm, ArmSpec, arm_up, outside_up
from loadtests.engine.generator import Beside
from loadtests.engine.study import Study
from loadtests.engine.trial import Load, run_trial
from loadtests.experiments.canary import findings, plots
from loadtests.load.generator import answering_versions
from loadtests.load.generator.answering_versions import AnsweringVersion, read_versions
from loadtests.load.generator.record import FAILED
from loadtests.measure import accounting
from loadtests.measure.canary_analysis import CanaryAnalysis, Regression
from loadtests.report.result import Result

PLOTS = plots.PLOTS
HEADLINES = {"C11": findings.headline}
RATE = 50.0
WARM_UP_S = 3.0
PERCENT = 10
HOG_MS = 100
NEW = "v2"


@dataclass(frozen=True)
class Kind:
    """What is planted in the new version's catalogue."""

    name: str
    defect: Mapping[str, float]

    @property
    def is_bad(self) -> bool:
        """Whether it ought to be taken back."""
        return bool(self.defect)


KINDS = (Kind("good", {}), Kind("slow", {"hog_ms": HOG_MS}), Kind("failing", {"fail_share": 0.5}))
PART = {"monolith": "web", "microservices": "catalog"}


@dataclass(frozen=True)
class Form:
    """How much is tried; seconds."""

    rounds: int = 5
    calm_s: float = 6.0
    watch_s: float = 20.0
    after_s: float = 4.0


QUICK = Form(rounds=1, calm_s=4.0, watch_s=16.0, after_s=3.0)


@dataclass
class Attempt:
    """Gives a version its share beside a load, watches it and takes it back. Times in s from the measured start."""

    routing: Routing
    form: Form
    odds: list[tuple[float, float]] = field(default_factory=list)  # (s since it got its share, that it does worse)
    routed_s: float = 0.0
    back_s: float = 0.0
    alarm: dict[str, Any] | None = None

    def __call__(self, load: Beside) -> None:
        """Try it once. Raises DeployError."""

        analysis = CanaryAnalysis()

        def look(first: ClusterStats, new: ClusterStats) -> Regression | None:
            regression = analysis.look(first, new)
            self.odds.append((load.now_s - self.routed_s, analysis.odds))
            return regression

        load.wait_until(self.form.calm_s)
        self.routing.set_weights({NEW: PERCENT}, sticky=True)
        self.routed_s = load.now_s
        alarm = self.routing.watch(NEW, self.form.watch_s, look)
        if alarm is None:
            self.routing.roll_back()
        else:
            self.alarm = {"what": alarm.what, "told": alarm.message(), "odds": alarm.odds}
        self.back_s = load.now_s


def run(study: Study) -> Result:
    """Try each kind of version in each build, and take it back."""
    form = QUICK if study.quick else Form(rounds=int(study.options.get("rounds", Form.rounds)))
    kinds: list[Kind] = study.chosen("kinds", KINDS)
    builds: list[ArmSpec] = study.chosen("builds", BUILDS)
    study.progress.plan(form.rounds * len(kinds) * len(builds))
    attempts: list[dict[str, Any]] = []
    with outside_up(study.budget):
        for condition in builds:
            with arm_up(condition, study.budget) as arm:
                for round_ in range(1, form.rounds + 1):
                    attempts += [_try(study, arm, kind, form, round_) for kind in kinds]
    study.notes.append(
        "Latencies and CPU by build are of all its runs together, with both versions in them: the table of the "
        "attempts is what counts here."
    )
    return study.result(
        answer=findings.answer(attempts),
        comparison={},
        findings={"C11": findings.verdict(attempts)},
        next_command="make experiment NAME=canary" if study.quick else "",
        details={"canary": attempts},
    )


def _try(study: Study, arm: Arm, kind: Kind, form: Form, round_: int) -> dict[str, Any]:
    """Start a version with this defect, give it its share under load, and see what becomes of it."""
    routing = Routing(arm.runner, PART[arm.name])
    planted = Path(arm.runner.site.data) / arm.name / "canary.json"
    write_atomically(planted, json.dumps({"catalog": dict(kind.defect)} if kind.is_bad else {}))
    began = time.monotonic()
    version = routing.add(NEW, {injected_faults.SETTING: str(planted)})
    start_s = time.monotonic() - began
    started = next(part for part in arm.runner.stats() if part.part == version.cluster)
    attempt = Attempt(routing, form)
    try:
        rate = float(study.options.get("rate", RATE))
        load = Load(rate, form.calm_s + form.watch_s + form.after_s, WARM_UP_S, extra=("--by-version",))
        trial = run_trial(study, arm, load, pair=round_, seed=study.seed + round_, meanwhile=attempt)
        memory = next(part for part in arm.runner.stats() if part.part == version.cluster).memory_bytes
    finally:
        routing.reset()
        planted.unlink(missing_ok=True)
    waits = {row.arrival: (row.journey, row.latency_ms) for row in trial.rows()}
    outcome = {
        "build": arm.name, "kind": kind.name, "is_bad": kind.is_bad, "run": trial.run["number"],
        "alarm": attempt.alarm, "share_lasted_s": attempt.back_s - attempt.routed_s, "odds": attempt.odds,
        "start_s": start_s, "start_cpu_s": started.cpu_s, "memory_mb": memory / accounting.MB,
        "reconciled": trial.run["reconciled"], "void": trial.run["void"],
        **met(
            read_versions(trial.folder / answering_versions.FILE),
            waits, version.cluster, attempt.routed_s, attempt.back_s,
        ),
    }  # fmt: skip
    study.progress.tell(findings.tell(outcome))
    return outcome


def met(
    rows: Sequence[AnsweringVersion], waits: Mapping[int, tuple[str, float]], cluster: str, from_s: float, to_s: float
) -> dict[str, Any]:
    """Return who met the new version while it had its share, and how it went with both. `waits`: by arrival."""
    during = [row for row in rows if from_s <= row.due_s < to_s]
    new = [row for row in rows if row.version == cluster]
    bad = [row for row in new if row.outcome in FAILED or waits[row.arrival][1] >= HOG_MS]
    first = [row for row in during if row.version != cluster]
    bad_at_first = [row for row in first if row.outcome in FAILED or waits[row.arrival][1] >= HOG_MS]
    return {
        "customers": len({row.customer for row in during}),
        "customers_met": len({row.customer for row in new}),
        "customers_hurt": len({row.customer for row in bad}),
        "requests": len(during),
        "requests_met": len(new),
        "bad_answers": len(bad),
        "bad_by_journey": dict(Counter(waits[row.arrival][0] for row in bad)),
        "bad_share_first": len(bad_at_first) / len(first) if first else None,
        "late_strays": sum(row.due_s > to_s + 0.5 for row in new),
    }
