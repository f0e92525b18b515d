"""The traffic mixes: what share of requests each journey has."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

Journey = Literal[
    "list",
    "category",
    "categories",
    "search",
    "product",
    "recommendations",
    "own_orders",
    "notifications",
    "order",
    "cancel",
    "price",
    "restock",
]

# The rows of Locust's statistics: one a journey, however many products there are.
ROWS: dict[str, str] = {
    "list": "GET /products",
    "category": "GET /products?category=",
    "categories": "GET /categories",
    "search": "GET /products?query=",
    "product": "GET /products/{sku}",
    "recommendations": "GET /products/{sku}/recommendations",  # of a shop that was started with them
    "own_orders": "GET /orders",
    "notifications": "GET /notifications",
    "order": "POST /orders",
    "cancel": "POST /orders/{id}/cancel",
    "price": "PUT /products/{sku}",
    "restock": "POST /products/{sku}/restock",
}

# How the requests that are not orders divide: an assumption of ours, the same for all mixes but `boutique`. Product
# pages lead, lists and search follow. A shop's own shares make a mix of one's own.
BROWSING_WEIGHTS: dict[Journey, float] = {
    "product": 42,
    "list": 20,
    "search": 15,
    "category": 10,
    "categories": 4,
    "own_orders": 7,
    "notifications": 2,
}


@dataclass(frozen=True)
class Mix:
    """A named set of weights; they need not add up to anything."""

    name: str
    weights: dict[Journey, float]

    @property
    def order_share(self) -> float:
        """The share of POST /orders in all requests."""
        return self.weights.get("order", 0.0) / sum(self.weights.values())

    @property
    def needs_admin(self) -> bool:
        """Whether products are changed, which only an admin may."""
        return bool(self.weights.get("price") or self.weights.get("restock"))


def _with_orders(name: str, order_share: float, **others: float) -> Mix:
    """Return orders and `others` at these shares, by journey, with browsing for the rest."""
    rest = (1 - order_share - sum(others.values())) / sum(BROWSING_WEIGHTS.values())
    weights = {journey: weight * rest for journey, weight in BROWSING_WEIGHTS.items()}
    return Mix(name, weights | {"order": order_share} | cast("dict[Journey, float]", others))


MIXES: dict[str, Mix] = {
    mix.name: mix
    for mix in (
        _with_orders("browsing", 0.01),
        _with_orders("shopping", 0.05),
        _with_orders("rush", 0.20),
        _with_orders("ordering", 0.50),
        # GoogleCloudPlatform/microservices-demo, src/loadgenerator/locustfile.py: index 1, browseProduct 10, checkout 1
        # (setCurrency, addToCart and viewCart have no counterpart here).
        Mix("boutique", {"list": 1, "product": 10, "order": 1}),
        # Not for comparisons of speed: for faults and recovery, where refunds have to be in the play.
        _with_orders("cancelling", 0.40, cancel=0.10),
        _with_orders("faults", 0.25, cancel=0.05),
        # An admin changes prices and restocks what sells most while it is bought: see market.py.
        _with_orders("market", 0.25, cancel=0.02, price=0.05, restock=0.03),
        # One request each, for figures by unit of work.
        Mix("orders-only", {"order": 1}),
        Mix("lists-only", {"list": 1}),
        Mix("products-only", {"product": 1}),
        Mix("recommendations-only", {"recommendations": 1}),
        Mix("product-pages", {"product": 1, "recommendations": 1}),
    )
}
DEFAULT_MIX = "shopping"
MIX_HELP = f"{', '.join(MIXES)}, or a JSON file of weights by journey"


def mix_of(name: str) -> Mix:
    """Return the mix of this name, or of the weights in this JSON file. Raises ValueError that says what is wrong."""
    if name in MIXES:
        return MIXES[name]
    if not name.endswith(".json"):
        raise ValueError(f"there is no mix '{name}'; there are {MIX_HELP}")
    try:
        weights = json.loads(Path(name).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"the mix {name} cannot be read: {error}") from error
    known = [isinstance(weights, dict) and journey in ROWS and _is_weight(weights[journey]) for journey in weights]
    if not known or not all(known) or not sum(weights.values()):
        raise ValueError(f'{name}: want weights such as {{"product": 10, "order": 1}}, of {", ".join(ROWS)}')
    return Mix(name, weights)


def mix_name(text: str) -> str:
    """Return the text if it names a mix; a type of argparse, which shows what is wrong."""
    try:
        return mix_of(text).name
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
