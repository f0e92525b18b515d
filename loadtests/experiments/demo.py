"""A first comparison: the same shop as a monolith and as four services.

Question: What does an order cost in the monolith and in the services, and how long does a customer wait?

Hypothesis: On one machine the monolith needs less CPU and less memory for the same orders, and answers sooner. The
services pay for every call that leaves a process, and for four databases and a broker.

Load: Open arrivals (Poisson) of the mix `shopping`, in which one request in twenty places an order, at one rate: 40 %
of what the slower build took in a short ramp. Latency counts from the moment a request was due.

What is held equal: The same cores for each build, other cores for the generator and the outside world; the same
products, the same requests (one seed a pair), the same rate, fresh data before each run, one database pool in sum.
Everything that a build needs counts as the build: its databases, its broker, its edge.

How to read it: CPU per confirmed order first: it is steady on a noisy machine. It includes the browsing that surrounds
an order in this mix. Latencies are indicative: few pairs and no A/A gate, so no winner is named in them.
"""

from __future__ import annotations

from loadtests.engine import journeys_core, pairing
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.probe import probed
from loadtests.engine.study import Study
from loadtests.engine.trial import Load, Trial, once_more_if_void
from loadtests.measure import accounting, reconcile
from loadtests.measure.statistics import order_of_pairs
from loadtests.measure.verdict import Verdict
from loadtests.report.claims import NOT_SHOWN
from loadtests.report.result import Ratio, Result
from loadtests.report.words import journey_name, number, percent, sentence_of_list, times

BUILDS = LEAVES_UP = ("monolith", "microservices")
PAIRS = 3
SHARE_OF_CAPACITY = 0.4
MIX = "shopping"
DURATION_S = 10.0
WARM_UP_S = 3.0
IDLE_S = 4.0
NEXT = "make experiment NAME=steady"


def run(study: Study) -> Result:
    """Bring both builds up, prove them alike, compare them, and leave them up."""
    pairs = 2 if study.quick else PAIRS
    study.progress.plan(1 + 2 * pairs)
    with arms_up(BUILDS, study.budget, keep=True) as arms:
        study.progress.doing("Proving that both behave the same: the core of the journeys")
        proof = journeys_core.prove(arms, study.folder / "journeys.log")
        study.progress.done(f"both builds behave the same: {proof}")
        study.notes.append(f"Before the comparison the core of the journeys ran on both builds: {proof}.")
        idle = _idle(study, arms)
        capacity = {name: probed(study, arm, MIX) for name, arm in arms.items()}
        load = Load(SHARE_OF_CAPACITY * min(capacity.values()), DURATION_S, WARM_UP_S, MIX)
        trials = _interleave(study, arms, load, pairs)
    rates = " and ".join(f"{name} about {rate:.0f}/s" for name, rate in capacity.items())
    study.notes.append(f"Probed by a short ramp: {rates}. The rate was set to {load.rate:.1f}/s.")
    alike = [_ended_alike(pair) for pair in trials]
    figures = compare(study)
    return study.result(
        answer=answer(study, figures, load.rate),
        comparison=figures,
        findings=findings(figures),
        violations=[violation.as_dict() for verdict in alike for violation in verdict.violations],
        next_command=NEXT,
        details={
            "probed_capacity": capacity,
            "idle": idle,
            "looked_at": {"L8": sum(verdict.looked_at for verdict in alike)},
        },
    )


def _idle(study: Study, arms: dict[str, Arm]) -> dict[str, dict[str, float]]:
    study.progress.doing("Watching both while nobody asks anything")
    idle = accounting.idle({name: arm.runner for name, arm in arms.items()}, IDLE_S)
    uses = [f"the {name} {percent(use['cores'])} of a core and {use['memory_mb']:.0f} MB" for name, use in idle.items()]
    study.notes.append(f"Without any load, watched for {IDLE_S:.0f} s: {sentence_of_list(uses)}.")
    study.progress.tell(f"idle: {sentence_of_list(uses)}")
    return idle


def _interleave(study: Study, arms: dict[str, Arm], load: Load, pairs: int) -> list[list[Trial]]:
    a, b = BUILDS
    trials = []
    for pair, order in enumerate(order_of_pairs(pairs, study.seed), 1):
        names = [{"a": a, "b": b}[which] for which in order]
        trials.append([once_more_if_void(study, arms[name], load, pair=pair, seed=study.seed + pair) for name in names])
    return trials


def _ended_alike(pair: list[Trial]) -> Verdict:
    """L8: both arms of a pair got the same requests, so they must end in the same state."""
    one, other = (trial.books for trial in pair)
    if one is None or other is None or any(trial.run["void"] for trial in pair):
        return Verdict("L8")
    return reconcile.compare(one, other)


def compare(study: Study) -> dict[str, Ratio]:
    """Return services over monolith for cost, memory and latency; latencies without a verdict."""
    a, b = BUILDS
    figures = {
        "cpu_order_services_vs_monolith": pairing.ratio(
            study.runs, a, b, pairing.cpu_per_order, "CPU per confirmed order"
        ),
        "memory_services_vs_monolith": pairing.ratio(study.runs, a, b, pairing.memory, "memory"),
    }
    for journey, percentile in (("order", "p50"), ("list", "p50"), ("product", "p50"), ("product", "p99")):
        figures[f"latency_{journey}_{percentile}_services_vs_monolith"] = pairing.ratio(
            study.runs, a, b, pairing.latency(percentile, journey),
            f"latency {percentile}, {journey_name(journey)}", withhold=True,
        )  # fmt: skip
    return pairing.present(figures)


def answer(study: Study, figures: dict[str, Ratio], rate: float) -> list[str]:
    """Return the answer in two sentences."""
    cpu = figures.get("cpu_order_services_vs_monolith")
    memory = figures.get("memory_services_vs_monolith")
    if cpu is None or memory is None:
        return ["Too few valid runs to say anything: see which runs are void, and why."]
    pairs = cpu.get("pairs", 0)
    cost = (
        f"At {rate:.0f} arrivals per second a confirmed order, with the browsing around it, cost the services "
        f"{times(cpu)} the CPU of the monolith, and they held {number(memory['ratio'], 2)} times its memory."
    )
    middle = figures.get("latency_order_p50_services_vs_monolith")
    wait = f"The median order took {number(middle['ratio'], 2)} times as long in the services, but " if middle else ""
    return [cost, f"{wait}{pairs} pairs without an A/A gate name no winner in latency: `{NEXT}` does."]


def findings(figures: dict[str, Ratio]) -> dict[str, tuple[str, str]]:
    """Return what this says about the claims: indications only."""
    claims = {}
    if cpu := figures.get("cpu_order_services_vs_monolith"):
        claims["C3"] = (
            NOT_SHOWN,
            f"CPU per order {times(cpu)} in {cpu.get('pairs')} pairs: indicative, and of all differences between the "
            f"builds, not of the network alone. `make bench` takes the network apart, `{NEXT}` gives a verdict.",
        )
    return claims
