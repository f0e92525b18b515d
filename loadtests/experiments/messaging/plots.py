"""The plots of events and calls: goodput around a slow mail server, who waits for it, and when everybody knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loadtests.report.plot import Figure, axes, bars, figure, shares_over_time, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, number

WINDOW_S = 3  # that is smoothed over
_PENS = {
    "monolith-event": ("monolith", "solid"),
    "monolith-call": ("monolith", "dot"),
    "services-event": ("microservices", "solid"),
    "services-call": ("microservices", "dot"),
}
_ACTS = {"buy": "placing an order", "browse": "browsing", "order history": "one's own orders"}
_LEAST_MS = 10.0  # nothing below it can be told apart when one looks every 10 ms


def over_time(result: Result) -> Figure | None:
    """Orders confirmed in good time, as a share of those due, second by second, all rounds of an arm together."""
    if not (rounds := _valid(result)):
        return None
    counts = {arm: (_summed(rounds, arm, "good_by_second"), _summed(rounds, arm, "due_by_second")) for arm in _PENS}
    counts = {build_name(arm): sums for arm, sums in counts.items() if sums[1]}
    pens = {build_name(arm): pen for arm, pen in _PENS.items()}
    shares = shares_over_time("% of orders confirmed in 3 s", counts, rounds[0]["slow"], WINDOW_S, pens)
    reading = (
        f"The share of the orders of each second that were answered 201 within 3 s, over {WINDOW_S} s. In the band the "
        "mail server takes its time over each mail."
    )
    return figure("messaging-over-time", "Who notices a slow mail server?", reading, [shares], 430)


def _summed(rounds: Sequence[dict[str, Any]], arm: str, name: str) -> list[int]:
    return [sum(second) for second in zip(*(one[name] for one in rounds if one["arm"] == arm), strict=False)]


def waits(result: Result) -> Figure | None:
    """Median wait and share answered, before and while the mail server is slow, for each arm."""
    if not (rounds := _valid(result)):
        return None
    arms = [arm for arm in _PENS if any(one["arm"] == arm for one in rounds)]
    views = []
    for act, name in _ACTS.items():
        data = []
        for when, label, shade in (
            ("before", "before", "part-applications-3"),
            ("during", "while mail is slow", "bad"),
        ):
            effects = {arm: [one["acts"][act] for one in rounds if one["arm"] == arm] for arm in arms}
            middle = [_middle([effect[f"p50_{when}_ms"] for effect in effects[arm]]) for arm in arms]
            text = [f"{number(ms)} ms<br>{_answered(effects[arm], when)}" for arm, ms in zip(arms, middle, strict=True)]
            data.append(bars(label, [build_name(arm) for arm in arms], middle, shade, text=text))
        views.append(view(name, data, axes(y="milliseconds at the median", log_y=True, y__dtick=1)))
    reading = "The median wait of one act; on the bars, it and the share of requests that were answered rightly."
    return figure("messaging-waits", "Who waits for the mail?", reading, views)


def agreement(result: Result) -> Figure | None:
    """When stock, message and mail agree with the answer, without load."""
    rounds = [one for one in _valid(result) if one["lags_ms"]]
    if not rounds:
        return None
    facts = [fact for fact in rounds[0]["lags_ms"] if fact != "payment visible"]  # at once in every arm
    shades = ("part-databases-2", "part-applications-2", "part-broker")
    data = [
        _lags(rounds, [one["lags_ms"][fact]["p50"] for one in rounds], fact, shade)
        for fact, shade in zip(facts, shades, strict=True)
    ]
    late = [_lags(rounds, [one["slow_mail_lags_ms"]["p50"] for one in rounds], "mail received", "part-broker")]
    layout = axes(y="milliseconds after the 201, median", log_y=True, y__dtick=1)
    reading = (
        "One customer buys, nobody else: so long after the answer each part agreed. Nothing below 10 ms is told apart; "
        "'at once' is what the first or the second look found. In the second view, under load, the mails of orders "
        "that were confirmed while the mail server took its time."
    )
    views = [view("all is well", data, layout), view("mail while it is slow", late, layout)]
    return figure("messaging-agreement", "When does everybody know?", reading, views)


def _lags(rounds: Sequence[dict[str, Any]], lags: Sequence[float], name: str, shade: str) -> Figure:
    text = ["at once" if lag <= 2 * _LEAST_MS else f"{number(lag)} ms" for lag in lags]
    heights = [max(lag, _LEAST_MS) for lag in lags]
    return bars(name, [build_name(one["arm"]) for one in rounds], heights, shade, text=text)


def _valid(result: Result) -> list[dict[str, Any]]:
    return [one for one in detail(result, "messaging") or () if not one["void"]]


def _middle(values: Sequence[float | None]) -> float | None:
    known = sorted(value for value in values if value)
    return known[len(known) // 2] if known else None


def _answered(effects: Sequence[dict[str, Any]], when: str) -> str:
    requests = sum(effect[f"asked_{when}"] for effect in effects)
    right = sum((effect[f"available_{when}"] or 0.0) * effect[f"asked_{when}"] for effect in effects)
    return f"{100 * right / requests:.0f} %" if requests else ""


PLOTS = (over_time, waits, agreement)
