"""Chaos: parts are killed and frozen at random, and their network fails, while customers buy: nothing may be lost.

Question: Does any kill, freeze or fault of the network at any moment lose an order, take money twice, or leave stock,
money and mail in disagreement?

Hypothesis: No, in either build. An order is down before anything is done for it, every call carries a key that makes it
safe to repeat, events leave in the transaction of their cause, and loops finish whatever a crash has left open.

Load: Open arrivals of a mix with many orders and cancels, with cards that are declined, that get no answer and whose
charge gets lost; the provider tells everything several times, late and out of order. An adversarial client asks for
what has to be refused, and repeats itself. Beside it one burst after the other, chosen by the seed, each at one to
three parts within half a second: kill -9 of an application, of a database, of the broker, or a freeze of up to two
seconds; or a part's connections to its database, the broker, the payment or identity provider or the mail server are
slow, narrow, reset, cut in the midst of an answer, or silent without a word, for up to four seconds. Charges are given
up soon, so that voids happen, and the services have a circuit breaker before each other.

What is held equal: The rate, the seed, the length and the rhythm of the faults, which come from decks of a fixed
mix; ten decks in eight minutes and a half come to 200 kills -9, 30 restarts of databases and 30 of the broker. Nobody's
speed is compared, so that both builds have all cores: a part that starts takes about a second of CPU from the others.
The services have more parts, so that a fault hits less of them; both builds have to keep every promise.

How to read it: Violations first: there must be none. Then how much was tried, and how soon after all was back that a
burst had hit the first order was good again; a breaker that is still open costs up to a second of that. The next
burst often falls before, so that the seconds in which something is down again are left out, and it is told how often
that was: without it the figure would tell how densely faults are dealt, and how slowly the machine starts a process.
How much is tried depends on the minutes; what is aimed at is named beside it. What was not met was not tried: a list
of refusals, replays, compensations, breaker states and failpoints has to be met at least once in each build, or the
run has failed ("sometimes"; the short form only says so).
A capture that comes after the rejection is no part of it: the ledger would have to be falsified under load, which is
what a planted bug's story does in tests/mutants.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from deploy.faults import connections, during
from deploy.model.errors import DeployError
from deploy.model.parts import VARIANT
from deploy.runner.interface import Runner
from loadtests.engine.arm import Arm, ArmSpec, arm_up, outside_up
from loadtests.engine.generator import Beside
from loadtests.engine.study import Study
from loadtests.engine.trial import Load, run_trial
from loadtests.experiments.chaos import findings, plots
from loadtests.experiments.chaos.adversarial_client import AdversarialClient
from loadtests.experiments.chaos.schedule import KILLS, ChaosSchedule, recoveries
from loadtests.load.generator.history import read_history
from loadtests.measure import sometimes
from loadtests.measure.verdict import NEVER_MET
from loadtests.report.result import Result

PLOTS = plots.PLOTS
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
    ArmSpec("monolith", "monolith", {"web": GIVE_UP}),
    ArmSpec("microservices", "microservices", {"orders": GIVE_UP | BREAKER, "payments": GIVE_UP}),
)


def run(study: Study) -> Result:
    """Break one build after the other while it is loaded, heal, reconcile."""
    minutes = _minutes(study)
    conditions = study.chosen("builds", BUILDS)
    lasts_s = max(SHORTEST_S, minutes * 60 / len(conditions) - AROUND_S)
    study.progress.plan(len(conditions))
    builds: list[dict[str, Any]] = []
    budget = replace(study.budget, build=None)
    study.notes.append("Builds were bound to no cores: parts that start again and again would starve on one.")
    with outside_up(budget):
        for condition in conditions:
            reached = study.folder / f"reached-{condition.name}.txt"
            with arm_up(condition, budget) as arm, _watched(arm.runner, reached):
                builds.append(_broken(study, arm, lasts_s, reached))
    never = [(one["build"], name) for one in builds for name in one["never"]]
    for one in builds:
        if one["never"]:
            study.notes.append(f"{one['build']} never met {'; '.join(one['never'])}: not tried there.")
    return study.result(
        answer=findings.answer(builds),
        comparison={},
        findings={},
        violations=[{"promise": NEVER_MET, "about": build, "seen": "never met", "expected": name}
                    for build, name in never if minutes >= MINUTES],
        next_command="" if minutes >= MINUTES else "make chaos MINUTES=5",
        details={"chaos": builds},
    )  # fmt: skip


def _minutes(study: Study) -> float:
    text = study.options.get("minutes", "")
    try:
        minutes = float(text) if text else QUICK_MINUTES if study.quick else MINUTES
    except ValueError as error:
        raise DeployError(f"minutes={text!r} is no number.") from error
    if not 0 < minutes <= 24 * 60:
        raise DeployError("Chaos wants more than 0 minutes, and at most a day.")
    return minutes


@contextmanager
def _watched(runner: Runner, reached: Path) -> Iterator[None]:
    """Let every application write down which failpoints it passes, and lead its connections through a proxy."""
    apps = [part.name for part in runner.stack.parts if part.kind == "app"]
    for name in apps:
        runner.configure(name, {"REACHED_FILE": str(reached.absolute())})
    try:
        with connections.redirected(runner, apps):
            yield
    finally:
        for name in apps:
            runner.configure(name, {"REACHED_FILE": None})


def _broken(study: Study, arm: Arm, lasts_s: float, reached: Path) -> dict[str, Any]:
    build, parties = arm.name, arm.parties
    schedule = ChaosSchedule(arm.runner, study.seed, lasts_s)
    client = AdversarialClient(parties, study.folder / f"adversarial-{build}.jsonl")

    def trouble(load: Beside) -> None:
        with client:
            schedule(load)

    def join_histories(orders: Path) -> None:
        """What the adversarial client bought is in the books, too."""
        with orders.open("a", encoding="utf-8") as history:
            history.write(client.history.read_text("utf-8") if client.history.exists() else "")

    rate = float(study.options.get("rate", RATE))
    load = Load(rate, lasts_s, WARM_UP_S, "cancelling", extra=("--payment-methods", CARDS, "--keep-reads"))
    with during(arm.runner, "provider-webhooks"):
        trial = run_trial(study, arm, load, pair=1, seed=study.seed, meanwhile=trouble, before_books=join_histories)
    assert trial.books is not None
    trial.drop_costs()
    faults, calls = schedule.faults, list(read_history(trial.folder / "orders.jsonl"))
    lines = "".join(f"{json.dumps(asdict(fault))}\n" for fault in faults)
    (study.folder / f"faults-{build}.jsonl").write_text(lines, "utf-8")  # which fault a slow recovery followed
    passed = sometimes.count_points(reached.read_text("ascii").split() if reached.exists() else ())
    met = sometimes.met(build, sometimes.Evidence(trial.books, passed, client.answers))
    recovered = recoveries(faults, calls)
    outcome = {
        "build": build,
        "run": trial.run["number"],
        "seconds": round(lasts_s, 1),
        "orders": sum(call.kind == "place" for call in calls),
        "cancels": sum(call.kind == "cancel" for call in calls),
        "unanswered": sum(not call.answered for call in calls),
        **findings.counts(faults),
        "back_s": findings.spread([one.back_at - one.at for one in faults if one.kind in KILLS and one.back_at]),
        "first_good_order_s": findings.spread([one.seconds for one in recovered]),
        "struck_again": sum(one.struck_again for one in recovered),
        "books_closed_s": round(trial.closed_at - schedule.healed_at, 1),
        "violations": len(trial.run["violations"]),
        "met": met,
        "never": sometimes.never(met),
    }
    study.progress.tell(findings.tell(outcome))
    return outcome
