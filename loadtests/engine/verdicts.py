"""What sessions show together: the gates of restarted twins, the ratios that may stand, the answer, the claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_lowercase
from types import MappingProxyType
from typing import Any

from loadtests.engine import pairing
from loadtests.engine.declaration import Declaration
from loadtests.engine.loads import Figure
from loadtests.engine.study import Study
from loadtests.load.elsewhere import UNSEEN
from loadtests.measure.statistics import ALPHA, Equivalence, holm
from loadtests.report.claims import verdict_of
from loadtests.report.result import Gate, Ratio, Result, Run
from loadtests.report.words import TWIN, build_name, is_notation, percent, sentence_of_list, times, twin_name

MOST_NAMED = 4
Gates = Mapping[tuple[str, str], Equivalence | None]  # by figure and build


def result(
    study: Study, declared: Declaration, arms: Sequence[str], rates: Mapping[tuple[str, str], float], *, planted: bool,
    measured: Sequence[Mapping[str, Any]] = (), details: Mapping[str, Any] = MappingProxyType({}),
) -> Result:  # fmt: skip
    """Return the result of a study whose sessions are over; `measured`: what the values of factors came to."""
    gates = {(name, build): gate(study.runs, figure, build)
             for name, figure in declared.figures.items() for build in arms if not figure.gate}  # fmt: skip
    pairs = [(a, b) for a, b in declared.pairs if a in arms and b in arms]
    comparison = compare(study.runs, declared.figures, pairs, gates, enforced=study.budget.enforced)
    if planted:
        comparison |= pairing.present(
            {f"{name}_twin_vs_{build}": _ratio(study.runs, declared.figures[name], build, f"{build}{TWIN}", False)
             for name, build in gates}
        )  # fmt: skip
    study.notes += [
        sentence_of_gate(declared.figures[name].what, build, passed) for (name, build), passed in gates.items()
    ]
    first = next(iter(declared.figures))
    concluded = declared.conclude(study.runs, comparison, details) if declared.conclude else None
    own = concluded.details if concluded else {}
    study.notes += concluded.notes if concluded else ()
    return study.result(
        answer=concluded.answer if concluded else answer(declared, comparison, gates),
        comparison=comparison,
        findings={} if planted else findings(declared, comparison) | dict(concluded.findings if concluded else {}),
        gate=worst([gates[first, build] for build in arms], f"{first}, each arm against its twin"),
        details={
            "gates": {f"{name}_{build}": vars(passed) for (name, build), passed in gates.items() if passed},
            "rates": {f"{mix}_{build}": round(rate, 1) for (mix, build), rate in rates.items()},
        }
        | ({"elsewhere": away} if (away := [arm.name for arm in declared.arms if arm.shop]) else {})
        | ({"factors": list(measured)} if measured else {})
        | dict(details)
        | dict(own),
    )


def gate(runs: Sequence[Run], figure: Figure, build: str) -> Equivalence | None:
    """Return whether a build equals its restarted twin in this figure; None where there is nothing to compare."""
    pairs = pairing.pairs_of(runs, build, f"{build}{TWIN}", figure.value, figure.unit)
    return pairs.equivalence(figure.tolerance) if pairs.replicated else None


def compare(
    runs: Sequence[Run], figures: Mapping[str, Figure], pairs: Sequence[tuple[str, str]], gates: Gates, *,
    enforced: bool,
) -> dict[str, Ratio]:  # fmt: skip
    """Return b over a of each pair. A verdict stands where both passed the figure's gate, and after Holm."""
    short = _short_names([one for pair in pairs for one in pair])
    ratios = {
        f"{name}_{short[b]}_vs_{short[a]}": _ratio(
            runs, figure, a, b,
            withhold=(figure.is_speed and not enforced)
            or not all(_passed(gates, figure.gate or name, one) for one in (a, b)),
        )
        for name, figure in figures.items()
        for a, b in pairs
    }  # fmt: skip
    rows = pairing.present(ratios)
    corrected = holm({name: row.get("p_value", 1.0) for name, row in rows.items()})
    for name, row in rows.items():
        if corrected[name] > ALPHA and row.get("verdict") in ("higher", "lower"):
            row["verdict"] = "not shown"
    return rows


def _ratio(runs: Sequence[Run], figure: Figure, a: str, b: str, withhold: bool) -> Ratio | None:
    return pairing.ratio(runs, a, b, figure.value, figure.what, unit=figure.unit, withhold=withhold)


def _short_names(arms: Sequence[str]) -> dict[str, str]:
    """Return what arms are called in the names of figures: letters, where one is in the notation of `compare`."""
    if any(map(is_notation, arms)):
        return dict(zip(dict.fromkeys(arms), ascii_lowercase, strict=False))
    return {arm: {"microservices": "services"}.get(arm, arm) for arm in arms}


def _passed(gates: Gates, name: str, build: str) -> bool:
    passed = gates.get((name, build))
    return passed is not None and passed.passed


def answer(declared: Declaration, comparison: Mapping[str, Ratio], gates: Gates) -> list[str]:
    """Return what the first cost and the first wait say, how equal the twins were, and what is not named."""
    costs = [figure.what for figure in declared.figures.values() if not figure.is_speed]
    waits = [figure.what for figure in declared.figures.values() if figure.is_speed]
    headlines = (*costs[:1], *waits[:1])
    chosen = [row for name, row in comparison.items()
              if (name in declared.headlines if declared.headlines else row.get("what") in headlines)]  # fmt: skip
    said = [
        _upper(f"{row.get('what')}, {build_name(row['b'])} over {build_name(row['a'])}: {times(row)}{_standing(row)}.")
        for row in chosen
    ]
    first, figure = next(iter(declared.figures.items()))
    spreads = [
        f"{build_name(arm)} {percent(passed.spread)}"
        for (name, arm), passed in gates.items()
        if name == first and passed
    ]
    if spreads:
        twins = sentence_of_list([*dict.fromkeys(f"a {twin_name(arm)}" for _, arm in gates)])
        said.append(f"Against {twins}, {figure.what} stays within: {sentence_of_list(spreads)}.")
    withheld = [str(row.get("what")) for row in comparison.values() if row.get("verdict") == "withheld"]
    if withheld:
        where = sentence_of_list(withheld) if len(withheld) <= MOST_NAMED else f"{len(withheld)} figures"
        said.append(f"No winner is named in {where}: an arm did not equal its twin there.")
    away = [arm.name for arm in declared.arms if arm.shop]
    unseen = [f"{sentence_of_list(away)}: {UNSEEN[:1].lower()}{UNSEEN[1:]}"] if away else []
    nothing = "Too few sessions, or valid runs, to compare anything: the plots show what was measured."
    return [" ".join(said) or nothing, *unseen]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


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
        figures = sentence_of_list([f"{row.get('what')} {times(row)}" for row in rows])
        said[claim] = (
            verdict_of(*rows),
            f"{figures}, over {rows[0].get('sessions')} sessions. {declared.caveat}".strip(),
        )
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
        f"its {twin_name(build)} over {passed.sessions} sessions, {percent(passed.tolerance)} are tolerated."
    )
