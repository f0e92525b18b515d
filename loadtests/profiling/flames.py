"""Sampled stacks as a tree: how many CPU milliseconds of a unit of work each function has, with what it calls."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

# What starts a program or a thread, and is the same for all that it does.
LAUNCHERS = (
    "_run_module_as_main ",
    "_run_code ",
    "<module> ",
    "Thread._bootstrap ",
    "Thread._bootstrap_inner ",
    "Thread.run ",
)
Stack = tuple[str, ...]  # functions, the outermost first: "place_order (monolith/orders/place_order.py:20)"


@dataclass
class Frame:
    """A function as it was called from there. `ms`: CPU per unit of work of itself and of all that it called."""

    name: str
    ms: float = 0.0
    callees: dict[str, Frame] = field(default_factory=dict)

    @property
    def self_ms(self) -> float:
        """What is left without its callees."""
        return max(0.0, self.ms - sum(callee.ms for callee in self.callees.values()))

    def callee(self, name: str) -> Frame:
        """Return what it calls by this name; it is added where it is new."""
        return self.callees.setdefault(name, Frame(name))

    def add(self, stack: Iterable[str], ms: float) -> None:
        """Add a stack below this function."""
        frame = self
        frame.ms += ms
        for name in stack:
            frame = frame.callee(name)
            frame.ms += ms

    def walk(self, above: Stack = ()) -> Iterator[tuple[Stack, Frame]]:
        """Yield it and all below it, each with the names of those above."""
        yield above, self
        for callee in self.callees.values():
            yield from callee.walk((*above, self.name))


def read_collapsed(text: str) -> Counter[Stack]:
    """Return how often each stack was seen, from py-spy's raw format: frames joined by `;`, a space, a count.

    What names a process is no function, and what starts it or a thread is none of interest.
    """
    counts: Counter[Stack] = Counter()
    for line in text.splitlines():
        frames, _, count = line.rpartition(" ")
        stack = tuple(frame for frame in frames.split(";") if not frame.startswith(("process ", *LAUNCHERS)))
        if stack:
            counts[stack] += int(count)
    return counts


def flame(build: str, cpu_ms: Mapping[str, float], samples: Mapping[str, Counter[Stack]]) -> Frame:
    """Return a build's tree: its parts, and below each part what was sampled of it.

    `cpu_ms`: CPU milliseconds of each part per unit of work, which its samples share. A part without is one box.
    """
    root = Frame(build)
    for part, part_ms in sorted(cpu_ms.items(), key=lambda item: -item[1]):
        counts = samples.get(part, Counter())
        total = counts.total()
        if not total:
            root.add((part,), part_ms)
        for stack, count in counts.items():
            root.add((part, *stack), part_ms * count / total)
    return root


@dataclass(frozen=True)
class FunctionShare:
    """A function of a part, wherever it was called: CPU milliseconds per unit of work, of itself and with callees."""

    part: str
    function: str
    self_ms: float
    ms: float


def top_functions(root: Frame, limit: int) -> list[FunctionShare]:
    """Return the functions with the most CPU of their own. A function that calls itself is counted once a stack."""
    own: defaultdict[tuple[str, str], float] = defaultdict(float)
    whole: defaultdict[tuple[str, str], float] = defaultdict(float)
    for above, frame in root.walk():
        if above:
            part = (*above, frame.name)[1]
            own[part, frame.name] += frame.self_ms
            if frame.name not in above:
                whole[part, frame.name] += frame.ms
    dearest = sorted(own, key=lambda key: -own[key])[:limit]
    return [FunctionShare(*key, self_ms=own[key], ms=whole[key]) for key in dearest if own[key] > 0]
