"""Lab 12: a ranking that finds twice as many of the products that it has not seen as the bestsellers do."""

from __future__ import annotations

import json
import tempfile
from collections import Counter

from deploy.runner.console import console
from workshop.checks import require
from workshop.exercise import Exercise

SEED = 1207  # another past than that of the text
COUNT = 10
LEARN_FROM = 0.8
TIMES = 2.0


def check(exercise: Exercise) -> None:
    """Ask about the latest fifth of a history, of which the program is given the rest."""
    process = exercise.python("-m", "variants.recommendations.history", "--seed", str(SEED))
    require(process.returncode == 0, f"The history could not be made:\n{process.stdout[-2000:]}")
    baskets: list[list[str]] = json.loads(process.stdout)
    at = round(LEARN_FROM * len(baskets))
    questions = [(basket[0], other) for basket in baskets[at:] for other in basket[1:]]
    products = sorted({product for product, _ in questions})

    guesses = _guesses_of(exercise, baskets[:at], products)
    bought = Counter(sku for basket in baskets[:at] for sku in basket)
    bestsellers = [sku for sku, _ in bought.most_common(COUNT)]
    ours = sum(guess in guesses[product] for product, guess in questions) / len(questions)
    theirs = sum(guess in bestsellers for _, guess in questions) / len(questions)

    console.print(f"recall@{COUNT} {ours:.3f}; of the bestsellers {theirs:.3f}; {len(questions)} held-out products")
    require(
        ours >= TIMES * theirs,
        f"Of {len(questions)} products that lay in a basket beside the first, your ranking finds {ours:.1%}, and the "
        f"bestsellers {theirs:.1%}. Wanted: {TIMES:g} times as many.",
    )


def _guesses_of(exercise: Exercise, baskets: list[list[str]], products: list[str]) -> dict[str, list[str]]:
    """Return the program's guesses by product. Raises NotYet for what are none."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"baskets": baskets, "shown": products}, file)
        file.flush()
        process = exercise.python("ranking.py", file.name)
    require(process.returncode == 0, f"`python ranking.py FILE` failed:\n{process.stdout[-2000:]}")
    try:
        rows = json.loads(process.stdout)
    except ValueError:
        rows = None
    fits = isinstance(rows, list) and len(rows) == len(products) and all(isinstance(row, list) for row in rows)
    require(fits, f"`python ranking.py FILE` must print a JSON list of {len(products)} lists:\n{process.stdout[:300]}")
    for product, row in zip(products, rows, strict=True):
        require(len(row) <= COUNT, f"{len(row)} guesses for {product}: {COUNT} at most.")
        require(product not in row, f"{product} is recommended to who looks at it.")
    return dict(zip(products, rows, strict=True))
