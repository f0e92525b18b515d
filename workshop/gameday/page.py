"""Draws a game day as one page that needs nothing else: injected, predicted, seen, and the books."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from loadtests.measure.verdict import PROMISES
from loadtests.report.page import HERE as REPORT
from loadtests.report.result import INDEX
from loadtests.report.words import build_name, plural
from workshop.gameday.outcome import Outcome, Second, StepOutcome

HERE = Path(__file__).parent
LEAST_TOP_MS = 100.0
MARKS = {"held": "good", "refuted": "bad", "not shown": "warn", "waiting": "warn"}


def write(outcome: Outcome, folder: Path) -> Path:
    """Write the outcome and its page into a folder, and return the page's path."""
    outcome.write(folder)
    path = folder / INDEX
    fresh = folder / f".{INDEX}.new"
    fresh.write_text(render(outcome), "utf-8")
    fresh.replace(path)
    return path


def render(outcome: Outcome) -> str:
    """Return the page; while the day is not over it loads itself anew every two seconds."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"build": build_name}
    top_ms = max([LEAST_TOP_MS, *(one.p99 for each in outcome.seconds.values() for one in each if one.p99)])
    return environment.get_template("page.html.j2").render(
        day=outcome,
        answer=answer(outcome),
        badges=_badges(outcome),
        promises=PROMISES,
        marks=MARKS,
        share=lambda second: f"{100 * min(1.0, second / max(1.0, outcome.duration_s)):.2f}%",
        lane=lambda step, build: _lane(outcome, step, build),
        answered=lambda build: _line(outcome, build, lambda one: one.answered / one.due if one.due else None, 1.0),
        latency=lambda build, name: _line(outcome, build, lambda one: getattr(one, name), top_ms),
        top_ms=f"{top_ms:,.0f}",
        css=Markup((REPORT / "page.css").read_text("utf-8") + (HERE / "page.css").read_text("utf-8")),  # noqa: S704
        script=Markup((REPORT / "page.js").read_text("utf-8")),  # noqa: S704  (files of ours)
    )


def answer(outcome: Outcome) -> list[str]:
    """Return what came of it, in lines."""
    lines = []
    if outcome.stopped:
        lines.append(f"The day was aborted after {outcome.stopped_at_s:.0f} s, and all was healed: {outcome.stopped}.")
    elif not outcome.now_s:
        lines.append(
            "It is being prepared: what a fault needs is started again, so that customers meet the fault alone."
        )
    elif not outcome.is_over:
        lines.append(f"It runs: {outcome.now_s:.0f} of {outcome.duration_s:.0f} s.")
    for build in outcome.builds:
        mine = [one.verdict for one in outcome.predictions if one.build == build]
        if mine:
            held = (
                f"{mine.count('held')} of {plural(len(mine), 'hypothesis').replace('hypothesiss', 'hypotheses')} held"
            )
            rest = len(mine) - mine.count("held") - mine.count("refuted")
            lines.append(f"{build_name(build)}: {held}, {mine.count('refuted')} refuted, "
                        f"{rest} {'not shown' if outcome.is_over else 'still open'}.")  # fmt: skip
    return lines


def _badges(outcome: Outcome) -> list[tuple[str, str]]:
    badges = [("", f"seed {outcome.seed}"), ("", f"{outcome.load['profile']} arrivals/s, {outcome.load['mix']}")]
    for build in outcome.builds:
        name, books = build_name(build), outcome.books.get(build)
        if books is None:
            badges.append(("warn", f"{name}: books not checked"))
        elif books["violations"]:
            badges.append(("bad", f"{name}: {plural(len(books['violations']), 'promise')} broken"))
        else:
            badges.append(("good", f"{name}: books right, {books['confirmed']:,} confirmed orders"))
        if reasons := outcome.void.get(build):
            badges.append(("warn", f"{name}: the load was not what was planned ({'; '.join(reasons)})"))
    return badges


def _lane(outcome: Outcome, step: StepOutcome, build: str) -> dict[str, Any] | None:
    """Return where the bar of a step begins and how long it is, in per cent of the day; None if it did not happen."""
    window = step.windows.get(build)
    if window is None:
        return None
    whole, ends_s = max(1.0, outcome.duration_s), window.healed_s or max(outcome.now_s, window.began_s)
    start_percent, width = 100 * min(1.0, window.began_s / whole), 100 * (ends_s - window.began_s) / whole
    return {"left": f"{start_percent:.2f}%", "width": f"{max(0.6, min(100 - start_percent, width)):.2f}%",
            "from": f"{window.broken_s:.1f}", "to": f"{ends_s:.1f}", "on": not window.healed_s}  # fmt: skip


def _line(outcome: Outcome, build: str, value: Any, top: float) -> str:
    """Return the points of a line in a box of 1000 by 100, one stretch for each unbroken row of seconds."""
    seconds: Sequence[Second] = outcome.seconds.get(build, ())
    step, path, is_down = 1000 / max(1.0, outcome.duration_s), [], False
    for number, one in enumerate(seconds):
        height = value(one)
        if height is None:
            is_down = False
            continue
        path.append(f"{'L' if is_down else 'M'}{(number + 0.5) * step:.1f},{98 - 96 * min(1.0, height / top):.1f}")
        is_down = True
    return " ".join(path)
