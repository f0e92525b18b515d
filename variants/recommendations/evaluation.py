"""How good a model is, measured on orders that it has not seen, against who recommends the bestsellers to everybody.

`python -m variants.recommendations.evaluation` measures it on a history that is made up from a seed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shared.seed import DEFAULT_COUNT
from shared.seed import products as seed_products
from variants.recommendations.history import history
from variants.recommendations.model import Model
from variants.recommendations.training import Basket, Product, train

HELD_OUT = 0.2


@dataclass(frozen=True)
class Quality:
    """Of `questions` held-out products: how many were among ten guesses, and the mean of 1 / place (0 if not there)."""

    recall_at_10: float
    mrr: float
    questions: int


def split(baskets: Sequence[Basket]) -> tuple[Sequence[Basket], Sequence[Basket]]:
    """Return the earlier orders, to learn from, and the latest fifth, to be asked about."""
    at = round(len(baskets) * (1 - HELD_OUT))
    return baskets[:at], baskets[at:]


def evaluate(model: Model, held_out: Iterable[Basket]) -> tuple[Quality, Quality]:
    """Return the quality of the model, and that of popularity, at guessing the rest of an order from its first."""
    popular = model.popular[:11].tolist()  # one may be the product that is looked at
    questions = [
        (numbers[0], other)
        for basket in held_out
        if len(numbers := [model.number_of[sku] for sku in basket if sku in model.number_of]) > 1
        for other in numbers[1:]
    ]
    by_model = _quality(questions, lambda product: model.ranked(product, 10).tolist())
    return by_model, _quality(questions, lambda product: [one for one in popular if one != product][:10])


def _quality(questions: Sequence[tuple[int, int]], guess: Callable[[int], list[int]]) -> Quality:
    places = [guesses.index(other) + 1 if other in (guesses := guess(product)) else 0 for product, other in questions]
    count = max(len(questions), 1)
    hits = [place for place in places if place]
    return Quality(len(hits) / count, sum(1 / place for place in hits) / count, len(questions))


def main() -> None:
    """Print how well a model of these sizes guesses what it has not seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=DEFAULT_COUNT)
    parser.add_argument("--orders", type=int, default=12_000)
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--seed", type=int, default=22)
    options = parser.parse_args()
    known = [Product(one.sku, one.name, one.description, one.category) for one in seed_products(options.products)]
    earlier, later = split(history([product.sku for product in known], options.orders, options.seed).baskets)
    for name, quality in zip(
        ("model", "bestsellers"), evaluate(train(known, earlier, options.rank), later), strict=True
    ):
        recall, mrr = f"recall@10 {quality.recall_at_10:.3f}", f"MRR {quality.mrr:.3f}"
        sys.stdout.write(f"{name:<12} {recall}  {mrr}  of {quality.questions} held-out products\n")


if __name__ == "__main__":
    main()
