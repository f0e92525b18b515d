"""What the impacts of faults come to: lines, targets, the claim C1, two sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loadtests.measure.impact import NO_PAYMENT
from loadtests.report.claims import NOT_MEASURED, NOT_SHOWN, REFUTED, SUPPORTED
from loadtests.report.headline import Headline, share_of
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, number, percent

Impacts = Sequence[dict[str, Any]]
FIRST_ORDER_WITHIN_S = 5.0
BOOKS_WITHIN_S = 30.0
ORDERS_ACCEPTED = 0.999
P99_LOSS = 1.20


def of(impacts: Impacts, arm: str, fault: str) -> dict[str, Any] | None:
    """Return the impact of a fault on an arm, if it was measured."""
    return next((one for one in impacts if one["arm"] == arm and one["fault"] == fault), None)


def available(impact: dict[str, Any], act: str) -> float | None:
    """Return the share of right answers during the fault."""
    share: float | None = impact["acts"][act]["available_during"]
    return share


def p99_ratio(impact: dict[str, Any]) -> float | None:
    """Return the worst p99 during the fault over the p99 before, among what needs no payment.

    Looked at are these acts one by one, as far as they were asked for often enough, and all of them together.
    """
    effects = [*(impact["acts"][act] for act in NO_PAYMENT), impact["no_payment"]]
    ratios = [
        effect["p99_during_ms"] / effect["p99_before_ms"]
        for effect in effects
        if effect["p99_before_ms"] and effect["p99_during_ms"] is not None
    ]
    return max(ratios, default=None)


def tell(impact: dict[str, Any]) -> str:
    """Return an impact in one line."""
    shares = ", ".join(f"{act} {percent(available(impact, act))}" for act in impact["acts"])
    back = impact["first_good_order_s"]
    books = impact["books_closed_s"]
    recovery = f"first good order {back:.1f} s" if back is not None else "no good order"
    waits = p99_ratio(impact)
    slower = f"; p99 of what needs no payment {number(waits, 2)} times" if waits is not None else ""
    closed = f", books {books:.1f} s" if books is not None else ""
    return f"  {impact['arm']:<18} {impact['fault']:<24} {shares}; {recovery}{closed} after healing{slower}"


def targets(impacts: Impacts) -> list[dict[str, Any]]:
    """Return each figure that the project promises, what was measured, and whether it is met."""
    rows: list[dict[str, Any]] = []

    def row(figure: str, measured: float | None, target: float, met: bool, **more: Any) -> None:
        rows.append({"figure": figure, "measured": measured, "target": target, "met": bool(met), **more})

    killed, hanging = of(impacts, "microservices", "payments-killed"), of(impacts, "microservices", "provider-hanging")
    if killed is not None:
        browse, buy = available(killed, "browse"), available(killed, "buy")
        row("services, payments killed: browse answered", browse, 1.0, browse == 1.0)
        accepted = buy is not None and buy >= ORDERS_ACCEPTED
        row("services, payments killed: orders taken (201 or 202)", buy, ORDERS_ACCEPTED, accepted)
    if hanging is not None and (ratio := p99_ratio(hanging)) is not None:  # in short too little is asked for to tell
        void = " (void: the generator was late)" if hanging["void"] else ""
        control = of(impacts, "microservices", "nothing")
        row(f"services, provider hanging: worst p99 of what needs no payment, times before{void}", ratio, P99_LOSS,
            ratio <= P99_LOSS, control=p99_ratio(control) if control else None)  # fmt: skip
    for impact in impacts:
        name = f"{impact['arm']}, {impact['fault']}"
        first, books = impact["first_good_order_s"], impact["books_closed_s"]
        if impact["fault"].endswith("-killed"):  # the promise is about a part that is back
            soon = first is not None and first <= FIRST_ORDER_WITHIN_S
            row(f"{name}: first good order, s after healing", first, FIRST_ORDER_WITHIN_S, soon)
        if books is not None:
            row(f"{name}: books closed, s after healing", books, BOOKS_WITHIN_S, books <= BOOKS_WITHIN_S)
    return rows


def claims(impacts: Impacts) -> dict[str, tuple[str, str]]:
    """Return the verdict about C1, with its evidence."""
    monolith, services = (of(impacts, arm, "payments-killed") for arm in ("monolith", "microservices"))
    if monolith is None or services is None:
        return {"C1": (NOT_MEASURED, "It needs payments-killed on the monolith and on the services.")}
    down, up = available(monolith, "browse") or 0.0, available(services, "browse") or 0.0
    bought = available(services, "buy") or 0.0
    evidence = (
        f"Payments killed for {services['lasted_s']:.0f} s: in the monolith {percent(down)} of browsing and "
        f"{percent(available(monolith, 'buy') or 0.0)} of orders were answered, in the services {percent(up, 2)} and "
        f"{percent(bought, 2)} (accepted, to be paid later)."
    )
    together = of(impacts, "colocated", "payments-killed")
    if together is not None:
        evidence += f" Colocated, the same services in one process: {percent(available(together, 'browse') or 0.0)}."
    hang = [(arm, of(impacts, arm, "provider-hanging")) for arm in
            ("monolith", "monolith-bulkheads", "microservices", "services-bare")]  # fmt: skip
    hanging = [f"{build_name(arm)} {percent(available(one, 'browse') or 0.0)}" for arm, one in hang if one]
    if hanging:
        evidence += f" With the provider hanging, browsing was answered: {', '.join(hanging)}."
    if down < 0.5 and up >= 0.999 and bought >= 0.99:
        return {"C1": (SUPPORTED, evidence)}
    return {"C1": (REFUTED if down >= up else NOT_SHOWN, evidence)}


def headline(result: Result) -> Headline | None:
    """Browsing while payments was killed."""
    impacts: Impacts = detail(result, "impacts") or ()
    browsing = [one for one in impacts if one["fault"] == "payments-killed" and one["acts"]["browse"]["asked_during"]]
    if not browsing:
        return None
    values = tuple(
        share_of(one["arm"], round(effect["available_during"] * effect["asked_during"]), effect["asked_during"])
        for one in browsing
        for effect in (one["acts"]["browse"],)
    )
    basis = f"Payments was killed once in each, for {browsing[0]['lasted_s']:.0f} s; judged by content."
    return Headline("browsing that was answered rightly while payments was killed", "%", values, basis)


def answer(impacts: Impacts) -> list[str]:
    """Return the two sentences on top of the report."""
    verdict, evidence = claims(impacts)["C1"]
    first = evidence if verdict != NOT_MEASURED else "What was broken and what became of it stands in the map."
    missed = [
        f"{row['figure']} {number(row['measured'])} (promised {number(row['target'])})"
        for row in targets(impacts)
        if not row["met"] and not row["figure"].startswith("services-bare")
    ]
    if not missed:
        return [first, "Every promised figure that was measured was met."]
    return [first, f"{len(missed)} promised figures were missed: {'; '.join(missed)}."]
