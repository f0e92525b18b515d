"""What the messaging runs come to: a line for each, the claim C7, and the sentences on top of the report."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from loadtests.measure.agreement import LOOK_EVERY_S, MAIL, STOCK
from loadtests.report.claims import NOT_MEASURED, NOT_SHOWN, REFUTED, SUPPORTED
from loadtests.report.headline import Headline, single
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, number, percent, plural

Rounds = Sequence[dict[str, Any]]
AT_ONCE_MS = 2 * LOOK_EVERY_S * 1000
UNMOVED = 1.5  # times its p50 of before: then buyers do not notice the mail server
INHERITED = 0.5  # of what a mail takes, added to an order: then they do
WELL = 0.95  # share of orders answered rightly in the calm: else the run says nothing
# Half of those who wait for a page leave after three seconds (DoubleClick by Google 2016, 'The need for mobile speed').
GOOD_WITHIN_MS = 3000.0


def of(rounds: Rounds, arm: str, *path: str) -> float | None:
    """Return the median of a figure, by its path in a round, over the valid rounds of an arm; None if it has none."""
    figures = [figure for one in rounds if one["arm"] == arm and judged(one) and (figure := _at(one, path)) is not None]
    return statistics.median(figures) if figures else None


def _at(one: dict[str, Any], path: Sequence[str]) -> float | None:
    value: Any = one
    for name in path:
        if not value or value.get("count") == 0:
            return None
        value = value.get(name)
    return value  # type: ignore[no-any-return]


def judged(one: dict[str, Any]) -> bool:
    """Whether a round says anything: it is not void, and orders were well before the mail server became slow."""
    return not one["void"] and (one["acts"]["buy"]["available_before"] or 0.0) >= WELL


def good_during(one: dict[str, Any]) -> float | None:
    """Return the share of the orders due while the mail server was slow that were confirmed in good time."""
    from_s, to_s = (round(second) for second in one["slow"])
    due, good = sum(one["due_by_second"][from_s:to_s]), sum(one["good_by_second"][from_s:to_s])
    return good / due if due else None


def tell(one: dict[str, Any]) -> str:
    """Return a run in one line."""
    buy, browse = one["acts"]["buy"], one["acts"]["browse"]
    before, during = (f"p50 {number(buy[f'p50_{when}_ms'])} ms" for when in ("before", "during"))
    good = f"{percent(one['good_during'])} within {GOOD_WITHIN_MS / 1000:.0f} s"
    looked = " to ".join(number(browse[f"p50_{when}_ms"]) for when in ("before", "during"))
    return (
        f"  {one['arm']:<15} orders {before}, with slow mail {during}, {good}; browsing answered "
        f"{percent(browse['available_during'])}, p50 {looked} ms; books {number(one['books_closed_s'])} s after healing"
    )


def verdict(rounds: Rounds, mail_ms: float) -> tuple[str, str]:
    """Return the verdict about C7 and its evidence: each has its place if calls buy one thing and messages another."""
    evidence = " ".join(_evidence(rounds, build) for build in ("monolith", "services"))
    needed = [
        of(rounds, f"{build}-{how}", "acts", "buy", "p50_during_ms") for build in _BUILDS for how in ("event", "call")
    ]
    certain = [
        of(rounds, f"services-{how}", "lags_ms", fact, "p50") for fact in (STOCK, MAIL) for how in ("call", "event")
    ]
    if None in needed or None in certain:
        return NOT_MEASURED, evidence
    calls_agree = all((certain[i] or 0) <= AT_ONCE_MS < (certain[i + 1] or 0) for i in (0, 2))
    inherits = all(_inherits(rounds, f"{build}-call", mail_ms) for build in _BUILDS)
    isolates = all(_unmoved(rounds, f"{build}-event") for build in _BUILDS)
    if calls_agree and inherits and isolates:
        return SUPPORTED, evidence
    return REFUTED if not inherits and not calls_agree else NOT_SHOWN, evidence


def headline(result: Result) -> Headline | None:
    """Waits for an order while the mail server is slow."""
    rounds: Rounds = detail(result, "messaging") or ()
    values = [(arm, of(rounds, arm, "acts", "buy", "p50_during_ms")) for arm in (_ARMS if rounds else ())]
    valid = plural(min((sum(one["arm"] == arm and judged(one) for one in rounds) for arm in _ARMS), default=0), "round")
    return single("to place an order while the mail server is slow", "ms", values, f"Medians, over {valid} each.")


def answer(rounds: Rounds, mail_ms: float) -> list[str]:
    """Return the sentences on top of the report."""
    waits = {arm: of(rounds, arm, "acts", "buy", "p50_during_ms") for arm in _ARMS}
    good = {arm: of(rounds, arm, "good_during") for arm in _ARMS}
    browse = {arm: of(rounds, arm, "acts", "browse", "p50_during_ms") for arm in _ARMS}
    answered = {arm: of(rounds, arm, "acts", "browse", "available_during") for arm in _ARMS}
    having = [arm for arm in _ARMS if waits[arm] is not None]
    first = (
        f"While each mail took {mail_ms / 1000:.0f} s, placing an order took at the median (and confirmed within "
        f"{GOOD_WITHIN_MS / 1000:.0f} s were): "
        + "; ".join(f"{build_name(arm)} {number(waits[arm])} ms ({percent(good[arm])})" for arm in having)
        + "."
    )
    second = (
        "Whoever only looked around waited at the median (and was answered): "
        + "; ".join(f"{build_name(arm)} {number(browse[arm])} ms ({percent(answered[arm])})" for arm in having)
        + "."
    )
    lost = [f"run {one['run']} ({one['arm']})" for one in rounds if one["reconciled"] is False]
    books = f"The books are wrong after {', '.join(lost)}." if lost else "No order, stock or mail was lost either way."
    return [first, second, f"{_certainty(rounds, 'services')} {_lateness(rounds)} {books}".strip()]


_BUILDS = ("monolith", "services")
_ARMS = tuple(f"{build}-{how}" for build in _BUILDS for how in ("event", "call"))


def _inherits(rounds: Rounds, arm: str, mail_ms: float) -> bool:
    before, during = (of(rounds, arm, "acts", "buy", f"p50_{when}_ms") for when in ("before", "during"))
    return before is not None and during is not None and during - before >= INHERITED * mail_ms


def _unmoved(rounds: Rounds, arm: str) -> bool:
    before, during = (of(rounds, arm, "acts", "buy", f"p50_{when}_ms") for when in ("before", "during"))
    return before is not None and during is not None and during <= UNMOVED * before


def _evidence(rounds: Rounds, build: str) -> str:
    parts = []
    for how in ("event", "call"):
        before, during = (
            of(rounds, f"{build}-{how}", "acts", "buy", f"p50_{when}_ms") for when in ("before", "during")
        )
        browse = of(rounds, f"{build}-{how}", "acts", "browse", "available_during")
        parts.append(
            f"by {how} an order took {number(before)} ms and {number(during)} ms with slow mail, and "
            f"{percent(browse)} of browsing was answered then"
        )
    costs = [of(rounds, f"{build}-{how}", "cpu_ms_per_order") for how in ("event", "call")]
    cost = f"All parts used {number(costs[0])} and {number(costs[1])} ms of CPU for an order while all was well."
    return f"{build.capitalize()}: {'; '.join(parts)}. {cost} {_certainty(rounds, build)}".strip()


def _lateness(rounds: Rounds) -> str:
    """Say how late the mails came while the mail server was slow."""
    late = {arm: of(rounds, arm, "slow_mail_lags_ms", "p50") for arm in _ARMS}
    having = [f"{build_name(arm)} {_when(ms)}" for arm, ms in late.items() if ms is not None]
    return f"With slow mail the customer's mail came, at the median: {', '.join(having)}." if having else ""


def _certainty(rounds: Rounds, build: str) -> str:
    """Say when stock and mail agree, without load."""
    agreed = []
    for how in ("event", "call"):
        stock, mail = (of(rounds, f"{build}-{how}", "lags_ms", fact, "p50") for fact in (STOCK, MAIL))
        if stock is None or mail is None:
            return ""
        agreed.append(f"by {how} stock {_when(stock)}, mail {_when(mail)}")
    return f"After the 201, without load, in the {build}: {'; '.join(agreed)}."


def _when(lag_ms: float) -> str:
    return "at once" if lag_ms <= AT_ONCE_MS else f"after {number(lag_ms)} ms"
