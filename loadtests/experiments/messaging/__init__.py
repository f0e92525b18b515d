"""Messaging: an order's news as an event that nobody waits for, or as a call that its customer waits for.

Question: Catalog and notifications must hear of a confirmed order. What does it change whether they hear of it by a
synchronous call or by a message?

Hypothesis: While all is well a call buys certainty: stock and mail agree when the customer has the answer, for a few
milliseconds more of waiting. With the mail server slow the caller inherits the slowness: every order takes as long as
a mail, and in the monolith waiting orders hold the threads that everybody needs. With messages nobody who buys or
browses notices, and the mails come late. Neither way loses an order, its stock or its mail.

Load: First, without other load, one customer buys five times a second and looks when each part agrees. Then open
arrivals (Poisson) of the mix `faults` (25 % orders, 5 % cancels, the rest browsing): calm, then the mail server takes
2 s over each mail, then calm again.

What is held equal: Rate, seed, products, cores, length, mail server and its slowness. Whether events or calls tell of
an order (variants/direct_notification) is all that differs between two arms of a build, all of which are restarted.
A call sends the same body as the event would. The monolith confirms stock in its transaction either way; the variant
makes it send the mail before it answers.

How to read it: Compare `event` with `call` within a build, before and while the mail server is slow. CPU and the
figures of the comparison are those of the calm before it. A failed call fails no order: the event or the queued mail
stays as its fallback, and the books, checked after each run, say whether that held.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploy.model.parts import VARIANT
from loadtests.engine import pairing
from loadtests.engine.arm import Arm, ArmSpec, arm_up, outside_up
from loadtests.engine.generator import Beside
from loadtests.engine.rows import latency_of
from loadtests.engine.study import PRODUCTS, Study
from loadtests.engine.timeline import Episode, Timeline
from loadtests.engine.trial import Load, Trial, run_trial
from loadtests.experiments.consistency import Lags, buy_and_look
from loadtests.experiments.messaging import findings, plots
from loadtests.experiments.messaging.findings import GOOD_WITHIN_MS
from loadtests.load.generator.history import read_history
from loadtests.load.generator.record import Row, Tally
from loadtests.measure import accounting, agreement
from loadtests.measure.accounting import Reading, Spent
from loadtests.measure.impact import SETTLES_S, FaultWindow, impact_of
from loadtests.report.result import Ratio, Result, Run

PLOTS = plots.PLOTS
HEADLINES = {"C7": findings.headline}
RATE = 40.0
MAIL_MS = 2000.0
WARM_UP_S = 3.0
CREATED = 201
SERVICES = ("catalog", "orders", "notifications")  # who tells and who is told
ARMS = (
    ArmSpec("monolith-event", "monolith"),
    ArmSpec("monolith-call", "monolith", {"web": {VARIANT: "direct_notification"}}),
    ArmSpec("services-event", "microservices", {part: {VARIANT: ""} for part in SERVICES}),
    ArmSpec("services-call", "microservices", {part: {VARIANT: "direct_notification"} for part in SERVICES}),
)
PAIRS = (("monolith-event", "monolith-call"), ("services-event", "services-call"))


@dataclass(frozen=True)
class Form:
    """How much is measured; seconds."""

    rounds: int = 4
    look_s: float = 10.0
    calm_s: float = 20.0
    slow_s: float = 20.0
    after_s: float = 10.0


QUICK = Form(rounds=1, look_s=5.0, calm_s=8.0, slow_s=8.0, after_s=4.0)


def run(study: Study) -> Result:
    """Load each arm in each round, with the mail server slow in the middle."""
    form = QUICK if study.quick else Form(rounds=int(study.options.get("rounds", Form.rounds)))
    arms = study.chosen("arms", ARMS)
    study.progress.plan(form.rounds * len(arms))
    rounds: list[dict[str, Any]] = []
    with outside_up(study.budget):
        for round_ in range(1, form.rounds + 1):
            for condition in arms if round_ % 2 else arms[::-1]:
                with arm_up(condition, study.budget) as arm:
                    lags = _look(arm, form.look_s) if round_ == 1 else {}
                    rounds.append(_load(study, arm, form, round_) | {"lags_ms": lags})
    comparison: dict[str, Ratio | None] = {}
    for event, call in PAIRS:
        comparison |= _compared(study.runs, event, call)
    study.notes.append(
        "Latencies by journey, CPU and the ratios are of the calm before the mail server became slow. Ratios are of "
        f"{form.rounds} rounds, and there is no A/A gate: no winner is named."
    )
    return study.result(
        answer=findings.answer(rounds, MAIL_MS),
        comparison=pairing.present(comparison),
        findings={"C7": findings.verdict(rounds, MAIL_MS)},
        next_command=f"make experiment NAME={'messaging' if study.quick else 'consistency'}",
        details={"messaging": rounds, "mail_ms": MAIL_MS},
    )


def _look(arm: Arm, look_s: float) -> dict[str, Any]:
    """Let one customer buy without other load, and return for each fact how long after the 201 it held, in ms."""
    arm.fresh_data(PRODUCTS)
    lags = Lags()
    buy_and_look(arm, look_s, lags)
    return lags.summary()


def _load(study: Study, arm: Arm, form: Form, round_: int) -> dict[str, Any]:
    """Load the arm once while the mail server is slow for a while; return what it did to buyers and to the others."""
    slow = Episode("mail-slow", "mail-slow", form.calm_s, form.slow_s, "", {"ms": MAIL_MS})
    timeline = Timeline(arm.runner, [slow])
    readings: list[Reading] = []

    def slow_mail(load: Beside) -> None:
        """Read what the stack has used when the load begins, and a moment before the fault."""
        readings.append(accounting.take(arm.runner))
        load.wait_until(form.calm_s)
        readings.append(accounting.take(arm.runner))
        timeline(load)

    rate = float(study.options.get("rate", RATE))
    load = Load(rate, form.calm_s + form.slow_s + form.after_s, WARM_UP_S, "faults")
    trial = run_trial(study, arm, load, pair=round_, seed=study.seed + round_, meanwhile=slow_mail)
    rows, run = trial.rows(), trial.run
    (window,) = timeline.windows
    calm = [row for row in rows if 0 <= row.due_s < window.began_s - SETTLES_S]
    _keep_the_calm(run, calm, accounting.between(*readings))
    outcome = impact_of(rows, window, until_s=load.duration_s).as_dict() | {
        "arm": arm.name, "run": run["number"], "rate": rate, "slow": [window.broken_s, window.healing_s],
        "cpu_ms_per_order": run["cpu_ms_per_order"], "books_closed_s": trial.closed_at - timeline.healed_at,
        "slow_mail_lags_ms": _mail_lags(arm, trial, window), "reconciled": run["reconciled"], "void": run["void"],
        **by_second(rows, load.duration_s),
    }  # fmt: skip
    outcome["good_during"] = findings.good_during(outcome)
    study.progress.tell(findings.tell(outcome))
    return outcome


def _mail_lags(arm: Arm, trial: Trial, window: FaultWindow) -> dict[str, float]:
    """Return how long after the answer the mails came of orders that were confirmed while the mail server was slow."""
    started_at = json.loads((trial.folder / "summary.json").read_text("utf-8"))["started_at"]
    placed = {
        call.order_id: call.answered_at
        for call in read_history(trial.folder / "orders.jsonl")
        if call.kind == "place" and call.status == CREATED
        and window.broken_s <= call.answered_at - started_at < window.healing_s
    }  # fmt: skip
    lags, missing = agreement.mail_lags_ms(arm.parties, placed)
    return agreement.summary(lags) | {"missing": float(missing)}


def by_second(rows: Sequence[Row], ends_s: float) -> dict[str, list[int]]:
    """Return, for each second, how many orders were due, and how many of them were answered 201 in good time."""
    orders = [row for row in rows if row.journey == "order" and row.due_s >= 0]
    due = Counter(int(row.due_s) for row in orders)
    good = Counter(int(row.due_s) for row in orders if row.code == "confirmed" and row.latency_ms <= GOOD_WITHIN_MS)
    seconds = range(int(ends_s))
    return {"due_by_second": [due[s] for s in seconds], "good_by_second": [good[s] for s in seconds]}


def _keep_the_calm(run: Run, calm: Sequence[Row], spent: Spent) -> None:
    """Let a run's latencies and CPU be those of the calm: what comes after it says nothing together with it."""
    tally = Tally()
    for row in calm:
        tally.add(row)
    run["latency_ms"] = latency_of(tally.whole().latency.summary())
    run["latency_ms_by_journey"] = {
        name: latency_of(journey.latency.summary()) for name, journey in tally.journeys.items()
    }
    run["histograms"] = {name: journey.latency.encode() for name, journey in tally.journeys.items()}
    run["cpu_ms_per_order"] = spent.per(sum(row.code == "confirmed" for row in calm))
    run["cpu_ms_per_unit"] = spent.per(len(calm))
    run["cpu_ms_by_part"] = {}  # of the calm only, and orders are counted over all: no division


def _compared(runs: Sequence[Run], event: str, call: str) -> dict[str, Ratio | None]:
    """Return what a call costs over an event while all is well, as far as there are pairs."""
    build = event.removesuffix("-event")
    figures = {
        "order_p50": ("p50 of placing an order, calm", pairing.latency("p50", "order")),
        "order_p99": ("p99 of placing an order, calm", pairing.latency("p99", "order")),
        "cpu": ("CPU per confirmed order, calm", pairing.cpu_per_order),
    }
    return {
        f"{build}_call_over_event_{name}": pairing.ratio(runs, event, call, value, f"{build}: {what}", withhold=True)
        for name, (what, value) in figures.items()
    }
