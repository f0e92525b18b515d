"""The twelve claims of the field, and what a result says about each: supported, refuted, not shown, not measured."""

from __future__ import annotations

from collections.abc import Mapping

from loadtests.report.result import Claim, Ratio

CLAIMS: dict[str, str] = {
    "C1": "One part of a monolith crashes and the whole goes down; in services the rest keeps running.",
    "C2": "A monolith scales only as a whole; services scale just the part in demand.",
    "C3": "The network between services adds latency and cost.",
    "C4": "One service is deployed alone, while the rest is untouched.",
    "C5": "A monolith is simpler: fewer parts, less to operate.",
    "C6": "A transaction becomes eventual consistency.",
    "C7": "Synchronous calls or messages: each has its place.",
    "C8": "A request must be followed through many services.",
    "C9": "Circuit breakers and degradation keep the core business working.",
    "C10": "Each service is free to choose its technology.",
    "C11": "A/B tests and canaries are easier.",
    "C12": "There is a middle ground: start with a monolith, move out part by part.",
}
SUPPORTED, REFUTED, NOT_SHOWN, NOT_MEASURED = "supported", "refuted", "not shown", "not measured"
NOTHING_HERE = "Nothing in this experiment measures it."


def table(findings: Mapping[str, tuple[str, str]]) -> list[Claim]:
    """Return all twelve rows; `findings` gives (verdict, evidence) for the claims that this experiment is about."""
    rows: list[Claim] = []
    for number, text in CLAIMS.items():
        verdict, evidence = findings.get(number, (NOT_MEASURED, NOTHING_HERE))
        rows.append({"id": number, "claim": text, "verdict": verdict, "evidence": evidence})
    return rows


def verdict_of(*figures: Ratio) -> str:
    """Return what ratios say of a claim that all of them are higher: refuted where all are shown to be lower."""
    verdicts = {row.get("verdict") for row in figures}
    return SUPPORTED if verdicts == {"higher"} else REFUTED if verdicts == {"lower"} else NOT_SHOWN


def in_words(verdict: str, *, quick: bool) -> str:
    """Return a verdict as it is told: of a quick form it is indicative, and never more."""
    return f"indicative: {verdict}" if quick and verdict in (SUPPORTED, REFUTED) else verdict
