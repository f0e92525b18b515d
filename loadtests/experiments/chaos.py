"""Chaos: processes, databases and the broker are killed at random while customers buy, and nothing may be lost.

Question: Does any kill at any moment lose an order, take money twice, or leave stock, money and mail in disagreement?

Hypothesis: No, in either build. An order is down before anything is done for it, every call carries a key that makes it
safe to repeat, events leave in the transaction of their cause, and loops finish whatever a crash has left open.

Load: Open arrivals of a mix with many orders and cancels, with cards that are declined, that get no answer and whose
charge gets lost; the provider tells everything several times, late and out of order. Awkward customers ask for what has
to be refused, and repeat themselves. Beside it one volley after the other, chosen by the seed, each at one to three
parts within half a second or so: kill -9 of an application, of a database, of the broker, or a freeze of up to two
seconds. Charges are given up soon, so that voids happen, and the services have a circuit breaker before each other.

What is held equal: The rate, the seed, the length and the rhythm of the blows, which are dealt from decks of a fixed
mix; ten decks in seven and a half minutes come to 200 kills -9, 30 restarts of databases and 30 of the broker. Nobody's
speed is compared, so that both builds have all cores: a part that starts takes about a second of CPU from the others.
The services have more parts, so that a blow strikes less of them; both builds have to keep every promise.

How to read it: Violations first: there must be none. Then how much was tried, and how soon after all was back that a
volley had struck the first order was good again; a breaker that is still open costs up to a second of that, and the
next volley may fall before. How much is tried depends on the minutes; what is aimed at is named beside it. What was not
met was not tried: a list of refusals, replays, compensations, breaker states and failpoints has to be met at least once
in each build, or the run has failed ("sometimes"; the short form only says so).
A capture that comes after the rejection is no part of it: the ledger would have to be falsified under load, which is
what a planted bug's story does in tests/mutants.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy.faults import during
from deploy.model.errors import DeployError
from deploy.model.parts import VARIANT
from deploy.runner.interface import Runner
from loadtests.engine.arm import Measured
from loadtests.engine.budgets import Budget
from loadtests.engine.conditions import Condition, outside_up, stack_up
from loadtests.engine.generator import Order
from loadtests.engine.study import Study
from loadtests.engine.timeline import StruckArm
from loadtests.engine.trial import Load, run_trial
from loadtests.experiments import chaos_plots
from loadtests.experiments.awkward import AwkwardCustomers
from loadtests.experiments.blast_radius import chosen
from loadtests.experiments.blows import Blows, first_good_orders
from loadtests.experiments.chaos_findings import answer, dealt, spread, tell
from loadtests.load.generator.history import read_history
from loadtests.measure import sometimes
from loadtests.measure.books import Books
from loadtests.measure.parties import Parties
from loadtests.measure.reconcile import Reconciliation
from loadtests.measure.verdict import NEVER_MET
from loadtests.report.result import Result

PLOTS = chaos_plots.PLOTS

MINUTES = 5.0
QUICK_MINUTES = 1.5
RATE = 50.0  # two fifths of it are orders
WARM_UP_S = 2.0
AROUND_S = 35.0  # start, fresh data, books: what a build takes of the time besides the load
SHORTEST_S = 10.0
CARDS = "pm_ok:80,pm_declined:6,pm_timeout:5,pm_timeout_silent:3,pm_lost:3,pm_late_decline:3"
# Recovery looks at a charge without an answer after 10 s, every second: about half of them are given up and voided.
GIVE_UP = {"PAYMENT_GIVE_UP_S": "10.6"}
BREAKER = {VARIANT: "retries", "CIRCUIT_BREAKER": "3:1"}  # so that it is tried, too
BUILDS = (
    Condition("monolith", "monolith", {"web": GIVE_UP}),
    Condition("microservices", "microservices", {"orders": GIVE_UP | BREAKER, "payments": GIVE_UP}),
)


@dataclass(frozen=True)
class ChaoticArm(StruckArm):
    """A struck arm that awkward customers visit. What they bought is in the books, too."""

    awkward: AwkwardCustomers | None = None
    theirs: Path = Path()

    def load(self, order: Order, *, memory: bool = True) -> Measured:
        """Load it, with blows and visitors."""
        assert self.awkward is not None
        self.awkward.start()
        try:
            return super().load(order, memory=memory)
        finally:
            self.awkward.finish()

    def reconcile(self, orders: Path | None) -> tuple[Reconciliation, Books]:
        """Check the books with both histories."""
        assert orders is not None
        with orders.open("a", encoding="utf-8") as history:
            history.write(self.theirs.read_text("utf-8") if self.theirs.exists() else "")
        return super().reconcile(orders)


def run(study: Study) -> Result:
    """Strike one build after the other while it is loaded, heal, reconcile."""
    minutes = _minutes(study)
    builds = chosen(study, "builds", BUILDS, [one.name for one in BUILDS])
    lasts_s = max(SHORTEST_S, minutes * 60 / len(builds) - AROUND_S)
    study.narrator.plan(len(builds))
    found: list[dict[str, Any]] = []
    budget = replace(study.budget, build=None)
    study.notes.append("Builds were bound to no cores: parts that start again and again would starve on one.")
    with outside_up(budget):
        for condition in builds:
            reached = study.folder / f"reached-{condition.name}.txt"
            with stack_up(condition, budget) as runner, _watched(runner, reached):
                found.append(_struck(study, runner, budget, lasts_s, reached))
    for one in found:
        if one["never"]:
            study.notes.append(f"{one['build']} never met {'; '.join(one['never'])}: not tried there.")
    return study.result(
        answer=answer(found),
        comparison={},
        findings={},
        violations=[]
        if minutes < MINUTES
        else [
            {"promise": NEVER_MET, "about": one["build"], "seen": "never met", "expected": name}
            for one in found
            for name in one["never"]
        ],
        next_command="" if minutes >= MINUTES else "make chaos MINUTES=5",
        details={"chaos": found},
    )


def _minutes(study: Study) -> float:
    given = study.options.get("minutes", "")
    try:
        minutes = float(given) if given else QUICK_MINUTES if study.quick else MINUTES
    except ValueError as error:
        raise DeployError(f"minutes={given!r} is no number.") from error
    if not 0 < minutes <= 24 * 60:
        raise DeployError("Chaos wants more than 0 minutes, and at most a day.")
    return minutes


@contextlib.contextmanager
def _watched(runner: Runner, reached: Path) -> Iterator[None]:
    """Let every application write down which failpoints it passes."""
    apps = [part.name for part in runner.stack.parts if part.kind == "app"]
    for name in apps:
        runner.configure(name, {"REACHED_FILE": str(reached.absolute())})
    try:
        yield
    finally:
        for name in apps:
            runner.configure(name, {"REACHED_FILE": None})


def _struck(study: Study, runner: Runner, budget: Budget, lasts_s: float, reached: Path) -> dict[str, Any]:
    build = runner.stack.name
    blows = Blows(runner, study.seed, lasts_s)
    parties, theirs = Parties.of(runner), study.folder / f"awkward-{build}.jsonl"
    awkward = AwkwardCustomers(parties, theirs)
    arm = ChaoticArm(build, runner, parties, budget, blows, awkward=awkward, theirs=theirs)
    rate = float(study.options.get("rate", RATE))
    load = Load(rate, lasts_s, WARM_UP_S, "cancelling", extra=("--payment-methods", CARDS, "--keep-reads"))
    with during(runner, "provider-webhooks"):
        trial = run_trial(study, arm, load, pair=1, seed=study.seed)
    run = trial.run
    assert trial.books is not None
    # Parts were restarted, so that what their counters say of CPU is of their last lives only.
    run.update({"cpu_ms_by_part": {}, "cpu_ms_per_order": None, "cpu_ms_per_unit": None})
    calls = list(read_history(study.folder / run["raw"] / "orders.jsonl"))
    passed = sometimes.count_points(reached.read_text("ascii").split() if reached.exists() else ())
    met = sometimes.met(build, sometimes.Seen(trial.books, passed, awkward.told))
    found = {
        "build": build,
        "run": run["number"],
        "seconds": round(lasts_s, 1),
        "orders": sum(call.kind == "place" for call in calls),
        "cancels": sum(call.kind == "cancel" for call in calls),
        "unanswered": sum(not call.answered for call in calls),
        **dealt(blows.dealt),
        "back_s": spread([blow.back_at - blow.at for blow in blows.dealt if blow.kind != "pause" and blow.back_at]),
        "first_good_order_s": spread(first_good_orders(blows.dealt, calls)),
        "books_closed_s": round(arm.seen["books_closed_s"], 1),
        "violations": len(run["violations"]),
        "met": met,
        "never": sometimes.never(met),
    }
    study.narrator.tell(tell(found))
    return found
