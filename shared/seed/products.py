"""The products both shops sell: any number of them, always the same ones."""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass

from shared.seed.assortment import CATEGORIES, SERIES, ProductKind

DEFAULT_COUNT = 1_000
DEFAULT_STOCK = 1_000_000  # plenty: a load test measures the shop, not an empty shelf
MAX_COUNT = 1_000_000
CURRENCY = "EUR"

_SEED = 8001
_STEP = 6007  # prime, so that it shares no factor with a category's number of combinations: each comes up once
_SHELF_OFFSET = 797  # so that neighbours on different shelves do not all belong to one series
_ENDINGS_CENTS = (0, 50, 90, 95, 99)
_OPENINGS = (
    "Part of the {series} series, in {finish}.",
    "The {series} in {finish}, made to be used every day.",
    "From our {series} series. Finished in {finish}.",
    "A quiet classic in {finish}.",
    "Designed in our own workshop and finished in {finish}.",
)


@dataclass(frozen=True)
class SeedProduct:
    """One product. `price_cents` is in minor units of `currency`; `initial_stock` counts pieces."""

    sku: str
    name: str
    description: str
    category: str
    price_cents: int
    currency: str
    initial_stock: int


def products(count: int = DEFAULT_COUNT, *, stock: int = DEFAULT_STOCK) -> Iterator[SeedProduct]:
    """Yield `count` products in the order of their numbers, each with `stock` pieces.

    Product n is the same whatever `count` is, and categories take turns, so that any count has all of them.
    Raises ValueError for a count outside 0..1,000,000 or a negative stock.
    """
    if not 0 <= count <= MAX_COUNT:
        raise ValueError(f"count must be 0 to {MAX_COUNT:,}, not {count:,}")
    if stock < 0:
        raise ValueError(f"stock must not be negative, it is {stock}")
    return _generate(count, stock)


def _generate(count: int, stock: int) -> Iterator[SeedProduct]:
    chance = random.Random(_SEED)
    for index in range(count):
        shelf = index % len(CATEGORIES)
        category = CATEGORIES[shelf]
        kinds, finishes = category.kinds, category.finishes
        combinations = len(kinds) * len(SERIES) * len(finishes)
        turn, place = divmod(index // len(CATEGORIES), combinations)
        rest, kind_at = divmod((place + shelf * _SHELF_OFFSET) * _STEP % combinations, len(kinds))
        series_at, finish_at = divmod(rest, len(finishes))
        kind, series, finish = kinds[kind_at], SERIES[series_at], finishes[finish_at]
        edition = f" No. {turn + 1}" if turn else ""  # only beyond 115,200 products
        opening = chance.choice(_OPENINGS).format(series=series, finish=finish)
        yield SeedProduct(
            sku=f"{kind.sku_prefix}-{index + 1:06d}",
            name=f"{series} {kind.noun}{edition}, {finish}",
            description=f"{opening} {kind.purpose}",
            category=category.name,
            price_cents=_price_cents(kind, chance.random()),
            currency=CURRENCY,
            initial_stock=stock,
        )


def _price_cents(kind: ProductKind, share: float) -> int:
    """Return a price within the kind's bounds. Low prices are commoner: `share` (0..1) is spread by ratio."""
    exact = kind.low_cents * (kind.high_cents / kind.low_cents) ** share
    euros = int(exact) // 100
    ending = _ENDINGS_CENTS[int(share * 1_000_003) % len(_ENDINGS_CENTS)]
    return min(max(euros * 100 + ending, kind.low_cents), kind.high_cents)


def number_of_products(description: str | None, default: int = DEFAULT_COUNT) -> int:
    """Return what the command line of a reset says of products."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--products", type=int, default=default)
    return int(parser.parse_args().products)
