"""Many short slices of several arms in little time: each arm's load comes in pulses, and the arms take turns.

A generator for each arm and unit of work is up for the whole time, and all count from one moment. In a slot of a second
or so one arm gets its load, then there is a pause in which its mails and events get done, and then it is the next one's
turn. Against a machine whose speed changes from second to second, many short pairs say more than a few long ones.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from loadtests.engine import generator, rows
from loadtests.engine.arm import Arm
from loadtests.engine.study import Study
from loadtests.load.generator.record import read_rows
from loadtests.measure import accounting
from loadtests.measure.accounting import Spent

ON_S = 1.0
OFF_S = 0.4  # what an order causes is done within it
SLOT_S = ON_S + OFF_S
LEAD_S = 4.0  # for each generator: they come up together, and may have one core for that
READ_BEFORE_S = 0.06  # a reading takes some milliseconds, and must be done when the load begins
DONE = {"order": 201, "list": 200, "product": 200}  # what each unit of work is answered with


@dataclass(frozen=True)
class Pulse:
    """What one arm gets in its slots: `rate` requests/s of one kind; `unit` says which, and `mix` what sends them."""

    arm: str
    unit: str
    mix: str
    rate: float


@dataclass(frozen=True)
class Slot:
    """One turn."""

    pair: int
    pulse: Pulse
    at_s: float


def turns(pulses: Sequence[Pulse], pairs: int, seed: int) -> list[Slot]:
    """Return whose turn it is when: each pulse once in every pair, in an order drawn by the seed."""
    chance = random.Random(seed)
    drawn = [(pair, pulse) for pair in range(1, pairs + 1) for pulse in chance.sample(pulses, len(pulses))]
    return [Slot(pair, pulse, number * SLOT_S) for number, (pair, pulse) in enumerate(drawn)]


def profile_of(slots: Sequence[Slot], pulse: Pulse) -> str:
    """Return the rate over time of the generator of one pulse."""
    mine = f"{pulse.rate:.2f}x{ON_S:g},0x{OFF_S:g}"
    return ",".join(mine if slot.pulse == pulse else f"0x{SLOT_S:g}" for slot in slots)


def measure(
    study: Study, arms: Mapping[str, Arm], pulses: Sequence[Pulse], pairs: int, *, seed: int,
    folder: Callable[[str], Path], before: Callable[[str], None] = lambda _: None,
) -> None:  # fmt: skip
    """Give all arms their pulses and add a run for each to the study; raw data go to `folder(arm)`, by unit.

    `before` is told whose turn is next, a moment ahead of it. Raises GeneratorFailed.
    """
    slots = turns(pulses, pairs, seed)
    lead_s = LEAD_S * len(pulses)
    begin_at = time.time() + lead_s
    folders = {pulse: folder(pulse.arm) / pulse.unit for pulse in pulses}
    with ThreadPoolExecutor(len(pulses)) as pool:
        loads = [
            pool.submit(generator.run, _order(arms[pulse.arm], pulse, slots, own, seed, begin_at, lead_s), _nothing)
            for pulse, own in folders.items()
        ]
        spent = []
        for slot in slots:
            before(slot.pulse.arm)
            spent.append(_turn(study, arms[slot.pulse.arm], slot, begin_at))
        for load in loads:
            load.result()
    done = {pulse: _done(own, pulse.unit) for pulse, own in folders.items()}
    for slot, used in zip(slots, spent, strict=True):
        pulse = slot.pulse
        units = sum(slot.at_s <= moment < slot.at_s + SLOT_S for moment in done[pulse])
        row = rows.cost(study.next_number, pulse.arm, pulse.unit, slot.pair, units, used, ON_S)
        row["load"] = {"mix": pulse.mix, "arrivals": "constant", "seed": seed}
        study.runs.append(row | {"rate_target": pulse.rate})


def _order(
    arm: Arm, pulse: Pulse, slots: Sequence[Slot], folder: Path, seed: int, begin_at: float, lead_s: float
) -> generator.LoadSpec:
    lasts_s = len(slots) * SLOT_S + lead_s
    return arm.open_arrivals(
        folder, profile=profile_of(slots, pulse), duration_s=lasts_s, mix=pulse.mix, seed=seed,
        extra=("--arrivals", "constant", "--begin-at", f"{begin_at:.6f}"),
    )  # fmt: skip


def _turn(study: Study, arm: Arm, slot: Slot, begin_at: float) -> Spent:
    _sleep_until(begin_at + slot.at_s - READ_BEFORE_S)
    before = accounting.take(arm.runner)
    _sleep_until(begin_at + slot.at_s + SLOT_S - 2 * READ_BEFORE_S)
    after = accounting.take(arm.runner)
    study.progress.done()
    return accounting.between(before, after)


def _done(folder: Path, unit: str) -> list[float]:
    """Return when each unit of work that was done was due, in seconds since the first slot began."""
    rows = read_rows(folder / "requests.csv.gz")
    return [row.due_s for row in rows if row.journey == unit and row.status == DONE[unit]]


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def _nothing() -> None:
    """Nobody waits for the generators: all know when to begin."""
