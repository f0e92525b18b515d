"""Resilience knobs: what each does to a shop that has been in trouble for a moment.

Question: A part is slow for a few seconds. Which settings let the shop come back, and which keep it down?

Hypothesis: Naive retries turn a short trigger into a lasting failure: work that nobody waits for any more keeps
payments so busy that new orders time out too, and are tried again (a metastable failure). A retry budget with jitter,
or a circuit breaker, brings goodput back; a fallback does not heal anything, but tells the customer the truth.

Load: Open arrivals of orders only, at 20 % of what a closed loop brought through a moment before. Each call that enters
payments costs 60 ms of CPU, so that payments is what saturates. For some seconds each costs many times that (the
trigger), and then 60 ms as before. Orders wait one second for an answer of payments.

What is held equal: The same services, rate, seed, trigger, cores and length; between two arms one knob is turned.
Retries are set in both layers, orders to payments and payments to the provider. The books are reconciled after each.

How to read it: Goodput is orders confirmed at once (201), second by second; the shaded band is the trigger. What
matters is the line after the band: does it come back? Calls per order say what an order cost those who were in
trouble. Nothing is ever retried in the shop as it is shipped, but by its loops, seconds later.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.faults import injected_faults
from deploy.model.parts import VARIANT
from loadtests.engine import generator
from loadtests.engine.arm import Arm, ArmSpec, arm_up, outside_up
from loadtests.engine.study import Study
from loadtests.engine.timeline import Episode, Timeline
from loadtests.engine.trial import Load, run_trial
from loadtests.experiments.resilience import findings, plots
from loadtests.report.result import Result

PLOTS = plots.PLOTS
HEADLINES = {"C9": findings.headline}
MIX = "orders-only"
SHARE_OF_CAPACITY = 0.2
WARM_UP_S = 3.0
WORK_MS = 60.0
TRIGGER_MS = 400.0
CALIBRATION_CLIENTS, CALIBRATION_S = 4, 8.0
LOWEST_RATE = 1.0
NAIVE, BUDGETED, BREAKER = "naive:6", "budgeted:6", "5:2"
NO_DEADLINE_S = "20"


def _knobs(name: str, *, retries: str = "", breaker: str = "", deadline_s: str = "", fallback: bool = True) -> ArmSpec:
    both = {VARIANT: "retries", "RETRIES": retries, "CIRCUIT_BREAKER": breaker} if retries else {}
    orders = {"INNER_TIMEOUT_S": deadline_s or "1"} | ({} if fallback else {VARIANT: "resilience_off"})
    payments = {"PROVIDER_TIMEOUT_S": deadline_s or "0.8"}
    return ArmSpec(name, "microservices", {"orders": orders | both, "payments": payments | both})


ARMS = (
    _knobs("no-retries"),
    _knobs("naive-retries", retries=NAIVE),
    _knobs("budgeted-retries", retries=BUDGETED),
    _knobs("naive-with-breaker", retries=NAIVE, breaker=BREAKER),
    _knobs("no-deadlines", deadline_s=NO_DEADLINE_S),
    _knobs("no-fallback", fallback=False),
)
QUICK_ARMS = ("naive-retries", "budgeted-retries")


def run(study: Study) -> Result:
    """Trigger every arm once, and say which came back."""
    conditions = study.chosen("arms", ARMS, QUICK_ARMS)
    study.progress.plan(1 + len(conditions))
    arms: list[dict[str, Any]] = []
    with outside_up(study.budget):
        rate = float(study.options.get("rate") or _calibrated(study))
        for condition in conditions:
            with _working(study, condition) as arm:
                arms.append(_triggered(study, arm, rate))
    study.notes.append(
        "Orders that are not confirmed at once are accepted (202) and confirmed later, or unknown (504) where the "
        "fallback is off; the loops finish all of them, and the books say so. After the load of `naive-retries` the "
        "retries were turned off: the knob that brings it back, without which its books may stay open."
    )
    return study.result(
        answer=findings.answer(arms),
        comparison={},
        findings={"C9": findings.verdict(arms)},
        next_command=f"make experiment NAME={'resilience' if study.quick else 'deploy'}",
        details={"goodput": arms},
    )


@contextmanager
def _working(study: Study, condition: ArmSpec) -> Iterator[Arm]:
    """Have an arm whose payments has work to do for each call."""
    with arm_up(condition, study.budget, armed=True) as arm:
        injected_faults.set_fault(arm.runner, "payments", {"hog_ms": WORK_MS})
        yield arm


def _calibrated(study: Study) -> float:
    """Return the rate of all arms: a share of what a closed loop brings through, without retries."""
    study.progress.doing("Measuring how much payments can take")
    with _working(study, _knobs("calibration", deadline_s=NO_DEADLINE_S)) as arm:
        spec = arm.closed_loop(
            study.folder / "calibration", mix=MIX, seed=study.seed, clients=CALIBRATION_CLIENTS,
            duration_s=CALIBRATION_S,
        )  # fmt: skip
        summary = generator.run(spec, lambda: None)
    capacity: float = summary["requests"] / summary["duration_s"]
    rate = max(LOWEST_RATE, SHARE_OF_CAPACITY * capacity)
    study.progress.done(f"a closed loop brought {capacity:.1f} orders/s through: {rate:.1f}/s for all arms")
    study.notes.append(f"A closed loop of {CALIBRATION_CLIENTS} brought {capacity:.1f} orders/s through.")
    return rate


def _triggered(study: Study, arm: Arm, rate: float) -> dict[str, Any]:
    calm_s, trigger_s, after_s = (6.0, 6.0, 14.0) if study.quick else (10.0, 8.0, 36.0)
    slow = Episode("payments-slow", "cpu-hog", calm_s, trigger_s, "payments", {"ms": TRIGGER_MS})
    timeline = Timeline(arm.runner, [slow])

    def turn_retries_off(_: Path) -> None:
        """What an operator would do: the books are to be closed, and naive retries may keep them open for ever."""
        for part in ("orders", "payments") if arm.name == "naive-retries" else ():
            arm.runner.configure(part, {"RETRIES": ""})

    load = Load(rate, calm_s + trigger_s + after_s, WARM_UP_S, MIX)
    trial = run_trial(study, arm, load, pair=1, seed=study.seed, meanwhile=timeline, before_books=turn_retries_off)
    trial.drop_costs(latencies=True)
    run, window = trial.run, timeline.windows[0]
    calls = trial.measured.counted.get("orders", {}).get("calls to payments")
    attempts = attempts_at_provider(arm.parties.provider, arm.parties.merchant)
    outcome = findings.goodput(trial.rows(), window.broken_s, window.healed_s, load.duration_s) | {
        "arm": arm.name, "run": run["number"], "trigger": [window.broken_s, window.healed_s],
        "calls_to_payments_per_order": calls / run["units"] if calls is not None and run["units"] else None,
        "provider_attempts_per_order": attempts[0], "provider_attempts_most": attempts[1],
        "books_closed_s": trial.closed_at - timeline.healed_at, "reconciled": run["reconciled"], "void": run["void"],
    }  # fmt: skip
    study.progress.tell(findings.tell(outcome))
    return outcome


def attempts_at_provider(provider: str, merchant: str) -> tuple[float | None, int]:
    """Return how often each charge was sent to the provider, on average and at most, by the provider's ledger."""
    with urllib.request.urlopen(f"{provider}/control/{merchant}/ledger", timeout=30) as answer:  # noqa: S310
        attempts = [charge["attempts"] for charge in json.load(answer)["charges"]]
    return (sum(attempts) / len(attempts), max(attempts)) if attempts else (None, 0)
