"""Orders that were made up from a seed, of which one knows what belongs together: what a model should find again.

`python -m variants.recommendations.history` prints the baskets as JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from shared.seed import DEFAULT_COUNT, products

SET_SIZE = 3
PLANTED_SHARE = 0.5  # of what lies in a basket beside its first product; the rest is chance
EXPONENT = 0.8  # of Zipf's law, by which some products are bought often and most are not
BASKET_SIZES = (1, 2, 2, 3, 4)
BESTSELLERS_NEVER_PLANTED = 10  # else who recommends these to everybody would find sets too


@dataclass(frozen=True)
class History:
    """Baskets in the order in which they were bought, and the sets whose products were bought together on purpose."""

    baskets: list[tuple[str, ...]]
    sets: list[tuple[str, ...]]


def history(skus: Sequence[str], orders: int, seed: int) -> History:
    """Return so many orders of these products; the same for the same arguments."""
    chance = random.Random(seed)
    shuffled = sorted(skus)
    chance.shuffle(shuffled)  # who is popular has nothing to do with names
    weights = list(itertools.accumulate((place + 1) ** -EXPONENT for place in range(len(shuffled))))
    planted = shuffled[BESTSELLERS_NEVER_PLANTED:]
    chance.shuffle(planted)
    sets = [tuple(planted[at : at + SET_SIZE]) for at in range(0, len(planted) - SET_SIZE + 1, SET_SIZE)]
    partners = {sku: [other for other in one if other != sku] for one in sets for sku in one}
    return History([_basket(shuffled, weights, partners, chance) for _ in range(orders if skus else 0)], sets)


def _basket(
    skus: Sequence[str], weights: Sequence[float], partners: dict[str, list[str]], chance: random.Random
) -> tuple[str, ...]:
    basket = dict.fromkeys(chance.choices(skus, cum_weights=weights))
    first = next(iter(basket))
    for _ in range(chance.choice(BASKET_SIZES) - 1):
        if first in partners and chance.random() < PLANTED_SHARE:
            basket[chance.choice(partners[first])] = None
        else:
            basket[chance.choices(skus, cum_weights=weights)[0]] = None
    return tuple(basket)


def main() -> None:
    """Print orders of the shop's own products."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=DEFAULT_COUNT)
    parser.add_argument("--orders", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=22)
    options = parser.parse_args()
    json.dump(
        history([one.sku for one in products(options.products)], options.orders, options.seed).baskets, sys.stdout
    )


if __name__ == "__main__":
    main()
