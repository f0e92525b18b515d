"""Figures in words: ratios with their intervals, money, milliseconds, and names that people use."""

from __future__ import annotations

from loadtests.report.result import Ratio

BUILD_NAMES = {
    "floor": "Floor (pgbench)",
    "monolith": "Monolith",
    "monolith-again": "Monolith, again",
    "monolith-twin": "Monolith, restarted twin",
    "microservices-twin": "Microservices, restarted twin",
    "microservices": "Microservices",
    "colocated": "Colocated",
    "monolith-1%": "Monolith, 1 % traced",
    "monolith-100%": "Monolith, all traced",
    "microservices-again": "Microservices, again",
    "microservices-1%": "Microservices, 1 % traced",
    "microservices-100%": "Microservices, all traced",
    "direct": "Without Envoy between",
    "no-tokens": "Without service tokens",
    "monolith-uncounted": "Monolith, uncounted",
    "microservices-uncounted": "Microservices, uncounted",
    "no-events": "Events put off",
    "plain-httpx": "httpx as it comes",
    "monolith-1-out": "Monolith, 1 out",
    "monolith-2-out": "Monolith, 2 out",
    "monolith-3-out": "Monolith, 3 out",
    "monolith-4-out": "Monolith, 4 out",
    "monolith-bulkheads": "Monolith, bulkheads",
    "services-bare": "Microservices, bare",
    "monolith-event": "Monolith, by event",
    "monolith-call": "Monolith, by call",
    "services-event": "Microservices, by event",
    "services-call": "Microservices, by call",
    "closed-loop": "Closed loop",
    "open-from-send": "Open, from the send",
    "open-from-due": "Open, from when due",
}
JOURNEY_NAMES = {
    "all": "all requests",
    "order": "place an order",
    "cancel": "cancel an order",
    "list": "list 20 products",
    "category": "list a category",
    "categories": "categories",
    "search": "search",
    "product": "product page",
    "own_orders": "own orders",
    "notifications": "notifications",
}


def build_name(build: str) -> str:
    """Return the name of a build as a person would write it."""
    return BUILD_NAMES.get(build, build)


def journey_name(journey: str) -> str:
    """Return what a customer does on this journey."""
    return JOURNEY_NAMES.get(journey, journey)


def plural(count: int, thing: str) -> str:
    """Return a count with the name of what is counted."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def number(value: float | None, digits: int = 3) -> str:
    """Return a figure with about this many digits that mean something; an en dash for none."""
    if value is None:
        return "–"  # noqa: RUF001
    if value == 0:
        return "0"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    places = digits - 1
    magnitude = abs(value)
    while magnitude >= 10:
        magnitude /= 10
        places -= 1
    while magnitude < 1 and places < 6:
        magnitude *= 10
        places += 1
    return f"{value:.{places}f}"


def count(value: float) -> str:
    """Return a whole number as it is counted, and any other as `number` does."""
    return f"{value:,.0f}" if float(value).is_integer() else number(value)


def times(figure: Ratio) -> str:
    """Return a ratio with its interval: `2.9 times (2.6 to 3.2)`."""
    return f"{number(figure['ratio'], 2)} times ({number(figure['low'], 2)} to {number(figure['high'], 2)})"


def interval(figure: Ratio) -> str:
    """Return the interval of a ratio; where it spans more than a hundredfold it says nothing, and is not shown."""
    if figure["high"] > 100 * figure["low"]:
        return "too wide to tell"
    told = f"{number(figure['low'])} to {number(figure['high'])}"
    # Of a single pair there is no interval: an experiment that gives bounds knows them otherwise, and says how.
    return f"bounds {told}" if figure.get("pairs") == 1 else told


def percent(share: float, places: int = 1) -> str:
    """Return a share of 0..1 as per cent."""
    return f"{share * 100:.{places}f} %"


def sentence_of_list(items: list[str]) -> str:
    """Join as people do: `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
