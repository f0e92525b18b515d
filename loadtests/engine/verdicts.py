"""What sessions show together: the gates of restarted twins, the ratios that may stand, the answer, the claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loadtests.engine import pairing
from loadtests.engine.arm import TWIN
from loadtests.engine.declaration import Declaration, Figure
from loadtests.engine.study import Study
from loadtests.measure.statistics import ALPHA, Equivalence, holm
from loadtests.report.result import Gate, Ratio, Result, Run
from loadtests.report.words import build_name, percent, sentence_of_list, times

Gates = Mapping[tuple[str, str], Equivalence | None]  # by figure and build


def result(
    study: Study, declared: Declaration, arms: Sequence[str], rates: Mapping[tuple[str, str], float], *, planted: bool
) -> Result:
    """Return the result of a study whose sessions are over."""
    gates = {(name, build): gate(study.runs, figure, build)
             for name, figure in declared.figures.items() for build in arms}  # fmt: skip
    comparison = compare(study.runs, declared.figures, arms, gates, enforced=study.budget.enforced)
    if planted:
        comparison |= pairing.present(
            {f"{name}_twin_vs_{build}": _ratio(study.runs, declared.figures[name], build, f"{build}{TWIN}", False)
             for name, build in gates}
        )  # fmt: skip
    study.notes += [
        sentence_of_gate(declared.figures[name].what, build, passed) for (name, build), passed in gates.items()
    ]
    first = next(iter(declared.figures))
    return study.result(
        answer=answer(declared, comparison, gates),
        comparison=comparison,
        findings={} if planted else findings(declared, comparison),
        gate=worst([gates[first, build] for build in arms], f"{first}, each build against a restarted twin"),
        details={
            "gates": {f"{name}_{build}": vars(passed) for (name, build), passed in gates.items() if passed},
            "rates": {f"{mix}_{build}": round(rate, 1) for (mix, build), rate in rates.items()},
        },
    )


def gate(runs: Sequence[Run], figure: Figure, build: str) -> Equivalence | None:
    """Return whether a build equals its restarted twin in this figure; None where there is nothing to compare."""
    pairs = pairing.pairs_of(runs, build, f"{build}{TWIN}", figure.value, figure.unit)
    return pairs.equivalence(figure.tolerance) if pairs.replicated else None


def compare(
    runs: Sequence[Run], figures: Mapping[str, Figure], arms: Sequence[str], gates: Gates, *, enforced: bool
) -> dict[str, Ratio]:
    """Return each arm over the first. A verdict stands where both passed the figure's gate, and after Holm."""
    base = arms[0]
    ratios = {
        f"{name}_{_short(arm)}_vs_{_short(base)}": _ratio(
            runs, figure, base, arm,
            withhold=(figure.is_speed and not enforced) or not all(_passed(gates, name, one) for one in (base, arm)),
        )
        for name, figure in figures.items()
        for arm in arms[1:]
    }  # fmt: skip
    rows = pairing.present(ratios)
    corrected = holm({name: row.get("p_value", 1.0) for name, row in rows.items()})
    for name, row in rows.items():
        if corrected[name] > ALPHA and row.get("verdict") in ("higher", "lower"):
            row["verdict"] = "not shown"
    return rows


def _ratio(runs: Sequence[Run], figure: Figure, a: str, b: str, withhold: bool) -> Ratio | None:
    return pairing.ratio(runs, a, b, figure.value, figure.what, unit=figure.unit, withhold=withhold)


def _short(arm: str) -> str:
    return {"microservices": "services"}.get(arm, arm)


def _passed(gates: Gates, name: str, build: str) -> bool:
    passed = gates[name, build]
    return passed is not None and passed.passed


def answer(declared: Declaration, comparison: Mapping[str, Ratio], gates: Gates) -> list[str]:
    """Return what the first cost and the first wait say, how equal the twins were, and what is not named."""
    costs = [figure.what for figure in declared.figures.values() if not figure.is_speed]
    waits = [figure.what for figure in declared.figures.values() if figure.is_speed]
    headlines = (*costs[:1], *waits[:1])
    said = [
        f"{row.get('what')}, {build_name(row['b'])} over {build_name(row['a'])}: {times(row)}{_standing(row)}."
        for row in comparison.values()
        if row.get("what") in headlines
    ]
    first = next(iter(declared.figures))
    spreads = [
        f"{build_name(arm)} {percent(passed.spread)}"
        for (name, arm), passed in gates.items()
        if name == first and passed
    ]
    if spreads:
        said.append(f"Against a restarted twin, {costs[0]} stays within: {sentence_of_list(spreads)}.")
    withheld = [str(row.get("what")) for row in comparison.values() if row.get("verdict") == "withheld"]
    if withheld:
        said.append(f"No winner is named in {sentence_of_list(withheld)}: an arm did not equal its twin there.")
    return [" ".join(said) or "Too few valid runs to say anything."]


def _standing(row: Ratio) -> str:
    standing = {"higher": ": shown", "lower": ": shown", "not shown": ": a difference is not shown"}
    return standing.get(row.get("verdict", ""), ": indicative")


def findings(declared: Declaration, comparison: Mapping[str, Ratio]) -> dict[str, tuple[str, str]]:
    """Return what is said about each claim: supported where all its figures are higher, refuted where all are lower."""
    said = {}
    for claim, names in declared.claims.items():
        rows = [comparison[name] for name in names if name in comparison]
        if len(rows) < len(names):
            continue
        verdicts = {row.get("verdict") for row in rows}
        verdict = "supported" if verdicts == {"higher"} else "refuted" if verdicts == {"lower"} else "not shown"
        figures = sentence_of_list([f"{row.get('what')} {times(row)}" for row in rows])
        said[claim] = (verdict, f"{figures}, over {rows[0].get('sessions')} sessions. {declared.caveat}".strip())
    return said


def worst(gates: Sequence[Equivalence | None], figure: str) -> Gate | None:
    """Return the gate of one figure: passed if all of them passed, and the widest spread; None if none was measured."""
    known = [passed for passed in gates if passed is not None]
    if not known:
        return None
    widest = max(known, key=lambda passed: passed.spread)
    return {
        "passed": len(known) == len(gates) and all(passed.passed for passed in known), "spread": widest.spread,
        "tolerance": widest.tolerance, "pairs": widest.pairs, "sessions": widest.sessions, "figure": figure,
    }  # fmt: skip


def sentence_of_gate(what: str, build: str, passed: Equivalence | None) -> str:
    """Return a gate in one sentence."""
    if passed is None:
        return f"A/A gate of {what}, {build}: nothing to compare; no winner is named."
    return (
        f"A/A gate of {what}, {build}: {'passed' if passed.passed else 'failed'}; within {percent(passed.spread)} of "
        f"its restarted twin over {passed.sessions} sessions, {percent(passed.tolerance)} are tolerated."
    )
