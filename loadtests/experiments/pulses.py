"""Many short slices of several arms in little time: each arm's load comes in pulses, and the arms take turns.

One generator for each stack is up for the whole time, and all count from one moment. In a slot of a second or so one
arm gets its load, then there is a pause in which its mails and events get done, and then it is the next one's turn.
Against a machine whose speed changes from second to second, many short pairs say more than a few long ones.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from loadtests.experiments import generator, slices
from loadtests.experiments.arm import Arm
from loadtests.experiments.study import Study
from loadtests.generator.record import read_rows
from loadtests.measure import accounting
from loadtests.measure.accounting import Spent

ON_S = 1.0
OFF_S = 0.4  # what an order causes is done within it
SLOT_S = ON_S + OFF_S
LEAD_S = 8.0  # in which all generators are up
READ_BEFORE_S = 0.06  # a reading takes some milliseconds, and must be done when the load begins
ORDERS = "orders-only"


@dataclass(frozen=True)
class Slot:
    """One arm's turn."""

    pair: int
    arm: str
    at_s: float


def turns(names: Sequence[str], pairs: int, seed: int) -> list[Slot]:
    """Return whose turn it is when: each arm once in every pair, in an order drawn by the seed."""
    chance = random.Random(seed)
    drawn = [(pair, name) for pair in range(1, pairs + 1) for name in chance.sample(names, len(names))]
    return [Slot(pair, name, number * SLOT_S) for number, (pair, name) in enumerate(drawn)]


def profile_of(slots: Sequence[Slot], rates: Mapping[str, float]) -> str:
    """Return the rate over time of a stack that gets a load in the slots of the arms that `rates` names."""
    segments = []
    for slot in slots:
        rate = rates.get(slot.arm, 0.0)
        segments += [f"{rate:.2f}x{ON_S:g}", f"0x{OFF_S:g}"] if rate else [f"0x{SLOT_S:g}"]
    return ",".join(segments)


def measure(
    study: Study, arms: Mapping[str, Arm], rates: Mapping[str, float], pairs: int,
    during: Callable[[str], AbstractContextManager[object]] = lambda _: contextlib.nullcontext(),
) -> dict[str, Path]:  # fmt: skip
    """Give all arms their pulses of orders, add a run for each to the study, and return each stack's history.

    `rates`: orders/s in a pulse, by arm. Arms may share a stack. `during` is entered for the length of an arm's slot.
    """
    slots = turns(list(arms), pairs, study.seed)
    begin_at = time.time() + LEAD_S
    stacks = {arm.runner.stack.name: arm for arm in arms.values()}
    folders = {stack: study.folder / "pulses" / stack for stack in stacks}
    with ThreadPoolExecutor(len(stacks)) as pool:
        loads = [
            pool.submit(generator.run, _order(study, arm, slots, _rates_of(stack, arms, rates), begin_at), _nothing)
            for stack, arm in stacks.items()
        ]
        spent = [_turn(study, arms[slot.arm], slot, begin_at, during) for slot in slots]
        for load in loads:
            load.result()
    confirmed = {stack: _confirmed(folder) for stack, folder in folders.items()}
    for slot, used in zip(slots, spent, strict=True):
        due = confirmed[arms[slot.arm].runner.stack.name]
        units = sum(slot.at_s <= moment < slot.at_s + SLOT_S for moment in due)
        row = slices.costs(study.next_number, slot.arm, "order", slot.pair, units, used, ON_S)
        study.runs.append(row | {"rate_target": rates[slot.arm]})
    return {stack: folder / "orders.jsonl" for stack, folder in folders.items()}


def _rates_of(stack: str, arms: Mapping[str, Arm], rates: Mapping[str, float]) -> dict[str, float]:
    return {name: rates[name] for name, arm in arms.items() if arm.runner.stack.name == stack}


def _order(
    study: Study, arm: Arm, slots: Sequence[Slot], rates: Mapping[str, float], begin_at: float
) -> generator.Order:
    lasts_s = len(slots) * SLOT_S
    return generator.open_arrivals(
        arm.runner.address, arm.parties.identity, study.folder / "pulses" / arm.runner.stack.name,
        profile=profile_of(slots, rates), duration_s=lasts_s + LEAD_S, mix=ORDERS, seed=study.seed,
        cores=arm.budget.other, extra=("--arrivals", "constant", "--begin-at", f"{begin_at:.6f}"),
    )  # fmt: skip


def _turn(
    study: Study, arm: Arm, slot: Slot, begin_at: float,
    during: Callable[[str], AbstractContextManager[object]],
) -> Spent:  # fmt: skip
    if slot.at_s == 0 or slot.pair % 10 == 0:
        study.narrator.doing(f"Pair {slot.pair}: {arm.name}")
    _sleep_until(begin_at + slot.at_s - READ_BEFORE_S)
    with during(slot.arm):
        before = accounting.take(arm.runner)
        _sleep_until(begin_at + slot.at_s + SLOT_S - 2 * READ_BEFORE_S)
        after = accounting.take(arm.runner)
    study.narrator.done()
    return accounting.between(before, after)


def _confirmed(folder: Path) -> list[float]:
    """Return when each confirmed order was due, in seconds since the first slot began."""
    rows = read_rows(folder / "requests.csv.gz")
    return [row.due_s for row in rows if row.journey == "order" and row.status == 201]


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def _nothing() -> None:
    """Nobody waits for the generators: all know when to begin."""
