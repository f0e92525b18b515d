"""What the instrument costs what it measures: the same orders while the parts count, and while they count nothing.

Question: How much of the CPU that is measured is used by the measuring itself?

Hypothesis: Under 3 % in either build. A part adds to some counters and one histogram for each request; all else (CPU,
memory, latencies, books) is read from outside, by processes on other cores.

Load: Orders alone, one every so many milliseconds, at half of what the build takes, in pulses of 1 s that go to
counting and not counting and to both builds in turns, in rounds of random order (`--set rounds=75`).

What is held equal: Everything: they are the same processes with the same connections, data and load; only a file says
whether they count. What turns it costs an attribute's look-up, on both sides.

How to read it: CPU of all parts per confirmed order, counting over not counting, pair by pair, with its 95 % interval.
Kept is the bound only where the whole interval is below 1.03. Reading the counters is not in it: they are read before
and after what is measured.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from deploy.local.runner import LocalRunner
from deploy.model.errors import Unsupported
from deploy.model.parts import VARIANT
from loadtests.engine.ablation import Ablation, Contrast, Variant, Work
from loadtests.engine.arm import Arm
from loadtests.engine.declaration import Conclusion
from loadtests.report.result import Ratio, Run
from loadtests.report.words import build_name, percent, sentence_of_list

BUILDS = ("monolith", "microservices")
SETTING = "COUNTING_OFF_FILE"  # the parts look at it fifty times a second
TARGET = 1.03


@contextlib.contextmanager
def switch(arm: Arm) -> Iterator[Callable[[Variant], None]]:
    """Restart a build's applications with a file that turns their counting off; afterwards without."""
    if not isinstance(arm.runner, LocalRunner):
        raise Unsupported("Counting can be switched where stacks run as processes, not in containers.")
    off_file = Path(arm.runner.site.data) / arm.runner.stack.name / "uncounted"
    parts = [part.name for part in arm.runner.stack.parts if "uncounted" in part.variants]

    def turn(variant: Variant) -> None:
        off_file.touch() if variant.name.endswith("-uncounted") else off_file.unlink(missing_ok=True)

    try:
        for part in parts:
            arm.runner.configure(part, {VARIANT: "uncounted", SETTING: str(off_file)})
        yield turn
    finally:
        off_file.unlink(missing_ok=True)
        for part in parts:
            arm.runner.configure(part, {VARIANT: None, SETTING: None})


def conclude(_: Sequence[Run], figures: Mapping[str, Ratio]) -> Conclusion:
    """Return the answer in two sentences."""
    if not figures:
        return Conclusion(["Too few valid slices to say anything."])
    costs = [
        f"the {build_name(str(row.get('b'))).lower()} {percent(row['ratio'] - 1)} ({percent(row['low'] - 1)} to "
        f"{percent(row['high'] - 1)})"
        for row in figures.values()
    ]
    is_precise = len(figures) == len(BUILDS) and all(row["high"] < TARGET for row in figures.values())
    return Conclusion(
        [
            f"Counting costs {sentence_of_list(costs)} of the CPU of a confirmed order.",
            f"That it is under {percent(TARGET - 1, 0)} is {'shown' if is_precise else 'not shown'}.",
        ]
    )


EXPERIMENT = Ablation(
    variants=tuple(
        Variant(f"{build}{ending}", build, what)
        for build in BUILDS
        for ending, what in (("", "counting"), ("-uncounted", "not counting"))
    ),
    works=(Work("order", 1.0, rate=0.5),),
    contrasts=tuple(
        Contrast(f"cpu_order_{build}_vs_uncounted", f"{build}-uncounted", build, target=TARGET) for build in BUILDS
    ),
    conclude=conclude,
    detects=TARGET,
    toggle=switch,
    quick_rounds=8,
)
