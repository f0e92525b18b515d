"""What the instrument costs what it measures: the same orders while the parts count, and while they count nothing.

Question: How much of the CPU that is measured is used by the measuring itself?

Hypothesis: Under 3 % in either build. A part adds to some counters and one histogram for each request; all else (CPU,
memory, latencies, books) is read from outside, by processes on other cores.

Load: Open arrivals of orders alone, one every so many milliseconds, at half of what the build takes, without a break
(`--set pairs=80`, `--set slice_s=1`). Meanwhile counting is turned off and on for a second at a time, in pairs, the
order within each pair drawn at random.

What is held equal: Everything: they are the same processes with the same connections, data and load; only a file says
whether they count. What turns it costs an attribute's look-up, on both sides.

How to read it: CPU of all parts per confirmed order, counting over not counting, pair by pair, with its 95 % interval.
Kept is the bound only where the whole interval is below 1.03. Reading the counters is not in it: they are read before
and after what is measured.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local.runner import LocalRunner
from deploy.model.errors import Unsupported
from deploy.model.parts import VARIANT
from loadtests.engine import generator, pairing, probe, slices
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.closing import close_books
from loadtests.engine.study import PRODUCTS, Study
from loadtests.load.generator.record import read_rows
from loadtests.measure import accounting
from loadtests.measure.accounting import Spent
from loadtests.report.result import Ratio, Result, Run
from loadtests.report.words import build_name, percent, sentence_of_list

BUILDS = ("monolith", "microservices")
SETTING = "COUNTING_OFF_FILE"
TARGET = 1.03
SHARE_OF_CAPACITY = 0.5
TURNED_WITHIN_S = 0.1  # the parts look at the file fifty times a second
BUSY_BEFORE_S = 3.0
REST_S = 3.0  # more load than slices, since reading takes its time too


@dataclass(frozen=True)
class Form:
    """How much is measured. The number of pairs is fixed before the first."""

    pairs: int = 80
    slice_s: float = 1.0


QUICK = Form(pairs=8, slice_s=0.7)


@dataclass(frozen=True)
class Slice:
    """What all parts used while they counted, or did not. Times are seconds since the load's measured start."""

    pair: int
    counting: bool
    from_s: float
    to_s: float
    spent: Spent


def run(study: Study) -> Result:
    """Turn counting on and off in one build after the other, and check its books."""
    form = QUICK if study.quick else Form()
    form = replace(form, pairs=int(study.options.get("pairs", form.pairs)))
    form = replace(form, slice_s=float(study.options.get("slice_s", form.slice_s)))
    study.narrator.plan(2 * len(BUILDS))
    with arms_up(BUILDS, study.budget, keep=False) as arms:
        for arm in arms.values():
            if not isinstance(arm.runner, LocalRunner):
                raise Unsupported("Counting can be switched where stacks run as processes, not in containers.")
            with _switched(arm) as off_file:
                _measure(study, arm, form, off_file)
    figures = compare(study.runs)
    study.notes.append(f"{form.pairs} pairs of slices of {form.slice_s:g} s a build, fixed beforehand.")
    return study.result(answer=answer(figures), comparison=figures, findings={})


@contextlib.contextmanager
def _switched(arm: Arm) -> Iterator[Path]:
    """Restart a build's applications with a file that turns their counting off; afterwards without."""
    off_file = Path(arm.runner.site.data) / arm.runner.stack.name / "uncounted"
    parts = [part.name for part in arm.runner.stack.parts if "uncounted" in part.variants]
    try:
        for part in parts:
            arm.runner.configure(part, {VARIANT: "uncounted", SETTING: str(off_file)})
        yield off_file
    finally:
        off_file.unlink(missing_ok=True)
        for part in parts:
            arm.runner.configure(part, {VARIANT: None, SETTING: None})


def _measure(study: Study, arm: Arm, form: Form, off_file: Path) -> None:
    arm.fresh_data(PRODUCTS)
    study.narrator.doing(f"What does {arm.name} take?")
    probing = study.folder / "raw" / f"probe-{arm.name}"
    rate = SHARE_OF_CAPACITY * probe.probe(arm, probing, mix="orders-only", seed=study.seed)
    study.narrator.done(f"{arm.name:<14} {rate:.0f} orders/s")
    study.narrator.doing(f"{arm.name}: counting on and off")
    folder = study.folder / "raw" / arm.name
    taken = _under_load(study, arm, form, rate, folder, off_file)
    rows = [row for row in read_rows(folder / "requests.csv.gz") if row.journey == "order" and row.status == 201]
    due = [row.due_s for row in rows]
    for one in taken:
        units = sum(one.from_s <= moment < one.to_s for moment in due)
        name = arm.name if one.counting else f"{arm.name}-uncounted"
        row = slices.costs(study.next_number, name, "order", one.pair, units, one.spent, one.to_s - one.from_s)
        study.runs.append(row | {"rate_target": rate})
    close_books(study, arm, [*probing.rglob("orders.jsonl"), folder / "orders.jsonl"], study.runs[-1])


def _under_load(study: Study, arm: Arm, form: Form, rate: float, folder: Path, off_file: Path) -> list[Slice]:
    """Keep the load up for as long as the slices take, and return them."""
    lasts_s = form.pairs * 2 * (form.slice_s + 2 * TURNED_WITHIN_S) + REST_S
    order = generator.open_arrivals(
        arm.runner.address, arm.parties.identity, folder, profile=f"{rate:.2f}x{lasts_s:g}", duration_s=lasts_s,
        mix="orders-only", seed=study.seed, warm_up_s=BUSY_BEFORE_S, cores=study.budget.other,
        extra=("--arrivals", "constant"),
    )  # fmt: skip
    with generator.beside(order) as load:
        taken = _slices(arm, form, load.began_at, off_file, random.Random(study.seed))
        load.finish()
    return taken


def _slices(arm: Arm, form: Form, began: float, off_file: Path, chance: random.Random) -> list[Slice]:
    taken = []
    for pair in range(1, form.pairs + 1):
        for counting in chance.sample((True, False), 2):
            if counting:
                off_file.unlink(missing_ok=True)
            else:
                off_file.touch()
            time.sleep(TURNED_WITHIN_S)
            before = accounting.take(arm.runner)
            time.sleep(form.slice_s)
            after = accounting.take(arm.runner)
            spent = accounting.between(before, after)
            taken.append(Slice(pair, counting, before.taken_at - began, after.taken_at - began, spent))
    return taken


def compare(runs: Sequence[Run]) -> dict[str, Ratio]:
    """Return what an order costs while the parts count over what it costs while they do not, by build."""
    return pairing.present(
        {
            f"cpu_order_{name}_vs_uncounted": pairing.ratio(
                runs, f"{name}-uncounted", name, pairing.cpu_per_unit, "CPU per confirmed order", target=TARGET
            )
            for name in BUILDS
        }
    )


def answer(figures: dict[str, Ratio]) -> list[str]:
    """Return the answer in two sentences."""
    if not figures:
        return ["Too few valid slices to say anything."]
    told = [
        f"the {build_name(str(row.get('b'))).lower()} {percent(row['ratio'] - 1)} ({percent(row['low'] - 1)} to "
        f"{percent(row['high'] - 1)})"
        for row in figures.values()
    ]
    kept = len(figures) == len(BUILDS) and all(row["high"] < TARGET for row in figures.values())
    return [
        f"Counting costs {sentence_of_list(told)} of the CPU of a confirmed order.",
        f"That it is under {percent(TARGET - 1, 0)} is {'shown' if kept else 'not shown'}.",
    ]
