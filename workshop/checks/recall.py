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
    done = exercise.python("-m", "variants.recommendations.history", "--seed", str(SEED))
    require(done.returncode == 0, f"The history could not be made:\n{done.stdout[-2000:]}")
    baskets: list[list[str]] = json.loads(done.stdout)
    at = round(LEARN_FROM * len(baskets))
    questions = [(basket[0], other) for basket in baskets[at:] for other in basket[1:]]
    shown = sorted({product for product, _ in questions})

    guesses = _asked(exercise, baskets[:at], shown)
    bought = Counter(sku for basket in baskets[:at] for sku in basket)
    bestsellers = [sku for sku, _ in bought.most_common(COUNT)]
    ours = sum(wanted in guesses[product] for product, wanted in questions) / len(questions)
    theirs = sum(wanted in bestsellers for _, wanted in questions) / len(questions)

    console.print(f"recall@{COUNT} {ours:.3f}; of the bestsellers {theirs:.3f}; {len(questions)} held-out products")
    require(
        ours >= TIMES * theirs,
        f"Of {len(questions)} products that lay in a basket beside the first, your ranking finds {ours:.1%}, and the "
        f"bestsellers {theirs:.1%}. Wanted: {TIMES:g} times as many.",
    )


def _asked(exercise: Exercise, baskets: list[list[str]], shown: list[str]) -> dict[str, list[str]]:
    """Return the program's guesses by product. Raises NotYet for what are none."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"baskets": baskets, "shown": shown}, file)
        file.flush()
        done = exercise.python("ranking.py", file.name)
    require(done.returncode == 0, f"`python ranking.py FILE` failed:\n{done.stdout[-2000:]}")
    try:
        rows = json.loads(done.stdout)
    except ValueError:
        rows = None
    fits = isinstance(rows, list) and len(rows) == len(shown) and all(isinstance(row, list) for row in rows)
    require(fits, f"`python ranking.py FILE` must print a JSON list of {len(shown)} lists:\n{done.stdout[:300]}")
    for product, row in zip(shown, rows, strict=True):
        require(len(row) <= COUNT, f"{len(row)} guesses for {product}: {COUNT} at most.")
        require(product not in row, f"{product} is recommended to who looks at it.")
    return dict(zip(shown, rows, strict=True))
