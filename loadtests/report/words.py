"""Figures in words: ratios with their intervals, money, milliseconds, and names that people use."""

from __future__ import annotations

import re

from loadtests.report.result import Ratio

FAMILIES = {"floor": "Floor (pgbench)", "monolith": "Monolith", "colocated": "Colocated", "services": "Microservices",
            "microservices": "Microservices"}  # fmt: skip
VARIANTS = {
    "again": "again",
    "fastapi": "behind FastAPI",
    "twin": "restarted twin",
    "1%": "1 % traced",
    "100%": "all traced",
}
TWIN = "-twin"
_NOTATION = re.compile(r"[:+@]| on (?:local|compose)")  # of an arm, as `twinshop compare` is given it
JOURNEY_NAMES = {
    "all": "all requests",
    "order": "place an order",
    "cancel": "cancel an order",
    "list": "list 20 products",
    "category": "list a category",
    "categories": "categories",
    "search": "search",
    "product": "product page",
    "recommendations": "recommendations",
    "own_orders": "own orders",
    "notifications": "notifications",
    "price": "change a price",
    "restock": "restock a product",
}

FACTOR_NAMES = {"hop_ms": "ms between services", "db_ms": "ms to the databases", "risk_ms": "ms of risk score",
                "provider_ms": "ms at the provider"}  # fmt: skip


def is_twin(arm: str) -> bool:
    """Whether this is the restarted twin of an arm."""
    return arm.endswith(TWIN)


def without_twin(arm: str) -> str:
    """Return the arm that this is, or that it is the twin of."""
    return arm.removesuffix(TWIN)


def family(arm: str) -> str:
    """Return which build an arm is of: `services` for `services-bare`; an arm of none is its own family."""
    first = _NOTATION.split(arm)[0].partition("-")[0]
    return first if first in FAMILIES else arm


def build_name(arm: str) -> str:
    """Return the name of an arm as a person would write it: `monolith-twin` is `Monolith, restarted twin`.

    What somebody has written in the notation of `twinshop compare` stays as it is.
    """
    if is_notation(arm):
        return f"{without_twin(arm)}, {twin_name(arm)}" if is_twin(arm) else arm
    build, _, variant = arm.partition("-")
    if build not in FAMILIES:
        return arm[:1].upper() + arm[1:].replace("-", " ")
    return f"{FAMILIES[build]}, {VARIANTS.get(variant, variant.replace('-', ' '))}" if variant else FAMILIES[build]


def is_notation(arm: str) -> bool:
    """Whether somebody has written this arm: it says more than a name."""
    return _NOTATION.search(arm) is not None


def twin_name(arm: str) -> str:
    """Return what an arm is measured beside: the same started apart, or what cannot be started once more."""
    return "second series" if "://" in arm else VARIANTS["twin"]


def slug(name: str) -> str:
    """Return a name as it can stand in a style sheet: `monolith-1%` is `monolith-1-`."""
    return re.sub(r"[^a-z0-9-]", "-", name.lower())


def journey_name(journey: str) -> str:
    """Return what a customer does on this journey."""
    return JOURNEY_NAMES.get(journey, journey)


def factor_name(factor: str) -> str:
    """Return what a factor is, with its unit."""
    return FACTOR_NAMES.get(factor, factor.replace("_", " "))


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
    bounds = f"{number(figure['low'], 2)} to {number(figure['high'], 2)}"
    return f"{number(figure['ratio'], 2)} times ({interval(figure) if _is_too_wide(figure) else bounds})"


def interval(figure: Ratio) -> str:
    """Return the interval of a ratio; what was counted has none, and one of more than a hundredfold says nothing."""
    if figure["high"] == figure["low"]:
        return "none"
    if _is_too_wide(figure):
        return "too wide to tell"
    ends = f"{number(figure['low'])} to {number(figure['high'])}"
    # Of a single pair there is no interval: an experiment that gives bounds knows them otherwise, and says how.
    return f"bounds {ends}" if figure.get("pairs") == 1 else ends


def _is_too_wide(figure: Ratio) -> bool:
    return figure["high"] > 100 * figure["low"]


def percent(share: float | None, places: int = 1) -> str:
    """Return a share of 0..1 as per cent; an en dash for none."""
    return number(None) if share is None else f"{share * 100:.{places}f} %"


def count_of(count: int, total: int) -> str:
    """Return `3 of 1,502`; of none its bound, too (95 %, three over the number): `0 of 1,502 (at most 0.20 %)`.

    Source: Hanley and Lippman-Hand, 'If nothing goes wrong, is everything all right?', JAMA 249 (1983).
    """
    bound = f" (at most {number(min(100.0, 300 / total), 2)} %)" if total and not count else ""
    return f"{count:,} of {total:,}{bound}"


def sentence_of_list(items: list[str]) -> str:
    """Join as people do: `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
