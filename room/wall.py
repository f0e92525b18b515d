"""What the page for the back row needs: both topologies, four figures of each shop, the fault that is on, and words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from room import drawing
from room.control import PAIR, ControlRoom, Message
from room.samples import Sample

SAMPLES_SHOWN = 120  # samples: two minutes


def view(control: ControlRoom, after: int) -> Message:
    """Return what a page lacks that has the samples up to number `after`; -1 for one that has nothing yet."""
    samples = list(control.sampler.samples)
    return {
        "last": samples[-1]["n"] if samples else -1,
        "samples": [_figures(one) for one in samples[-SAMPLES_SHOWN:] if one["n"] > after],
        "looks": {stack: _looks(look) for stack, look in (samples[-1]["stacks"] if samples else {}).items()},
        "faults": control.faults,
        "story": control.story,
        "books": control.books(),
    } | ({} if after >= 0 else {"drawings": {name: drawing.of(name) for name in PAIR}})


def _looks(look: Mapping[str, Any]) -> dict[str, Any]:
    return {name: look[name] for name in ("up", "parts", "flows") if name in look}


def _figures(sample: Sample) -> dict[str, Any]:
    stacks = {stack: _of(look) for stack, look in sample["stacks"].items()}
    return {"n": sample["n"], "at": sample["at"], "broken": sample.get("broken", False), "stacks": stacks}


def _of(look: Mapping[str, Any]) -> dict[str, Any]:
    """Return orders and pending orders a second, cores, and of orders and of pages (p99 in ms, share that failed)."""
    if not look.get("recent"):
        return {}
    recent = look["recent"]
    per_s = {what: round(recent["orders"][what] / recent["looks"], 1) for what in ("confirmed", "pending")}
    return per_s | {
        "cores": round(sum(look.get("cpu", {}).values()), 2),
        **{kind: (recent[kind]["p99"], round(recent[kind]["failed"] / max(1, recent[kind]["answered"]), 3))
           for kind in ("orders", "browsing")},
    }  # fmt: skip
