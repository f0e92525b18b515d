"""The plots of events and calls: goodput around a slow mail server, who waits for it, and when everybody knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loadtests.report.goodput_plot import shares_over_time, smoothed_shares
from loadtests.report.plot import Figure, colour, figure, view
from loadtests.report.result import Result
from loadtests.report.words import build_name, number

WINDOW = 3  # seconds that are smoothed over
_SHADES = {
    "monolith-event": ("monolith", "solid"),
    "monolith-call": ("monolith", "dot"),
    "services-event": ("microservices", "solid"),
    "services-call": ("microservices", "dot"),
}
_ACTS = {"buy": "placing an order", "browse": "browsing", "order history": "one's own orders"}
_LEAST_MS = 10.0  # nothing below it can be told apart when one looks every 10 ms


def over_time(result: Result) -> Figure | None:
    """Orders confirmed in good time, as a share of those due, second by second, all rounds of an arm together."""
    found = _found(result)
    if not found:
        return None
    data = []
    for arm in _arms(found):
        runs = [one for one in found if one["arm"] == arm]
        due = [sum(second) for second in zip(*(one["due_by_second"] for one in runs), strict=False)]
        good = [sum(second) for second in zip(*(one["good_by_second"] for one in runs), strict=False)]
        shade, dash = _SHADES[arm]
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": build_name(arm),
                "x": list(range(len(due))),
                "y": smoothed_shares(good, due, WINDOW),
                "line": {"color": colour(shade), "width": 3, "dash": dash},
                "hovertemplate": "%{y:.0f} %<extra>" + build_name(arm) + "</extra>",
            }
        )
    layout = shares_over_time("% of orders confirmed in 3 s", found[0]["slow"])
    reading = (
        f"The share of the orders of each second that were answered 201 within 3 s, over {WINDOW} s. In the band the "
        "mail server takes its time over each mail."
    )
    return figure("messaging-over-time", "Who notices a slow mail server?", reading, [view("", data, layout)], 430)


def waits(result: Result) -> Figure | None:
    """Median wait and share answered, before and while the mail server is slow, for each arm."""
    found = _found(result)
    if not found:
        return None
    arms = _arms(found)
    views = []
    for act, name in _ACTS.items():
        data = []
        for when, told, shade in (("before", "before", "part-applications-3"), ("during", "while mail is slow", "bad")):
            middle = [_middle(found, arm, act, f"p50_{when}_ms") for arm in arms]
            labels = [
                f"{number(ms)} ms<br>{_answered(found, arm, act, when)}" for arm, ms in zip(arms, middle, strict=True)
            ]
            data.append(_bars(arms, middle, told, shade, labels))
        layout = {
            "barmode": "group",
            "yaxis": {"type": "log", "title": {"text": "milliseconds at the median"}, "dtick": 1, "tickformat": "~g"},
            "legend": {"orientation": "h", "y": 1.16},
        }
        views.append(view(name, data, layout))
    reading = "The median wait of one act; on the bars, it and the share of requests that were answered rightly."
    return figure("messaging-waits", "Who waits for the mail?", reading, views, 400)


def agreement(result: Result) -> Figure | None:
    """When stock, message and mail agree with the answer, without load."""
    found = [one for one in _found(result) if one["lags_ms"]]
    if not found:
        return None
    facts = [fact for fact in found[0]["lags_ms"] if fact != "payment visible"]  # at once in every arm
    shades = ("part-databases-2", "part-applications-2", "part-broker")
    data = [
        _bars(
            [one["arm"] for one in found],
            [max(one["lags_ms"][fact]["p50"], _LEAST_MS) for one in found],
            fact,
            shade,
            [_when(one["lags_ms"][fact]["p50"]) for one in found],
        )
        for fact, shade in zip(facts, shades, strict=True)
    ]
    layout = {
        "barmode": "group",
        "yaxis": {"type": "log", "title": {"text": "milliseconds after the 201, median"}, "dtick": 1,
                  "tickformat": "~g"},
        "legend": {"orientation": "h", "y": 1.16},
    }  # fmt: skip
    reading = (
        "One customer buys, nobody else: so long after the answer each part agreed. Nothing below 10 ms is told apart; "
        "'at once' is what the first or the second look found. In the second view, under load, the mails of orders "
        "that were confirmed while the mail server took its time."
    )
    views = [view("all is well", data, layout), view("mail while it is slow", _late_mails(found), layout)]
    return figure("messaging-agreement", "When does everybody know?", reading, views, 400)


def _late_mails(found: Sequence[dict[str, Any]]) -> list[Figure]:
    lags = [one["slow_mail_lags_ms"]["p50"] for one in found]
    arms, labels = [one["arm"] for one in found], [_when(lag) for lag in lags]
    return [_bars(arms, [max(lag, _LEAST_MS) for lag in lags], "mail received", "part-broker", labels)]


def _found(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result.get("details", {}).get("messaging", [])
    return [one for one in found if not one["void"]]


def _arms(found: Sequence[dict[str, Any]]) -> list[str]:
    having = {one["arm"] for one in found}
    return [arm for arm in _SHADES if arm in having]


def _bars(arms: list[str], values: list[float | None], name: str, shade: str, labels: Sequence[str]) -> Figure:
    return {
        "type": "bar",
        "name": name,
        "x": [build_name(arm) for arm in arms],
        "y": values,
        "text": list(labels),
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": colour(shade)},
        "hovertemplate": "%{x}: %{y:.0f} ms<extra>" + name + "</extra>",
    }


def _when(lag_ms: float) -> str:
    return "at once" if lag_ms <= 2 * _LEAST_MS else f"{number(lag_ms)} ms"


def _middle(found: Sequence[dict[str, Any]], arm: str, act: str, figure_: str) -> float | None:
    values = sorted(one["acts"][act][figure_] for one in found if one["arm"] == arm and one["acts"][act][figure_])
    return values[len(values) // 2] if values else None


def _answered(found: Sequence[dict[str, Any]], arm: str, act: str, when: str) -> str:
    effects = [one["acts"][act] for one in found if one["arm"] == arm]
    asked = sum(effect[f"asked_{when}"] for effect in effects)
    right = sum((effect[f"available_{when}"] or 0.0) * effect[f"asked_{when}"] for effect in effects)
    return f"{100 * right / asked:.0f} %" if asked else ""
