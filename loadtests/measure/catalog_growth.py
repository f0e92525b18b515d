"""How lists and searches slow down as the catalog grows: `python -m loadtests.measure.catalog_growth monolith`.

The stack is up; its data is replaced. Each kind of page is asked for in turn, round after round, by one client, and the
median over the rounds is divided by that at the smallest catalog. The search words have shares that the seed gives
them, so that a word with 2 % of the products has them at every size.
"""

from __future__ import annotations

import argparse
import sys
import time
from statistics import median

import httpx

from deploy.model.errors import DeployError
from deploy.stacks import runner_for
from shared.contract.queries import encode_cursor

SIZES = (1_000, 200_000)
ROUNDS = 21
MIDDLE = encode_cursor("M")  # skus begin with the product's kind
PAGES = {
    "list": "/products",
    "list of 100": "/products?limit=100",
    "list from the middle": f"/products?cursor={MIDDLE}",
    "category": "/products?category=Lighting",
    "category from the middle": f"/products?category=Lighting&cursor={MIDDLE}",
    "category of nothing": "/products?category=unobtainium",
    "word in all": "/products?query=in",
    "word in 40 %": "/products?query=series",
    "word in 5 %": "/products?query=enough",
    "word in 2 %": "/products?query=teal",
    "word in 1 %, of one kind": "/products?query=hammock",
    "word in 1 %, from the middle": f"/products?query=oven&cursor={MIDDLE}",
    "two words": "/products?query=teal+chair",
    "word and category": "/products?query=brook&category=Lighting",
    "word in none": "/products?query=unobtainium",
    "words in none together": "/products?query=hammock+chandelier",
    "categories": "/categories",
}


def medians_ms(url: str) -> dict[str, float]:
    """Return the median of each kind of page, in ms."""
    taken: dict[str, list[float]] = {name: [] for name in PAGES}
    with httpx.Client(base_url=url, timeout=30) as client:
        for number in range(ROUNDS + 3):  # the first ones warm up
            for name, target in PAGES.items():
                began = time.perf_counter()
                client.get(target).raise_for_status()
                if number >= 3:
                    taken[name].append((time.perf_counter() - began) * 1000)
    return {name: median(times) for name, times in taken.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stack", choices=("monolith", "microservices", "colocated"))
    parser.add_argument("--products", type=int, nargs="+", default=SIZES)
    asked = parser.parse_args()
    runner = runner_for(asked.stack)
    by_size = {}
    try:
        for size in asked.products:
            runner.reset(size)
            by_size[size] = medians_ms(runner.address)
        runner.reset()
    except (DeployError, httpx.HTTPError) as error:
        sys.exit(f"{asked.stack}: {error}")
    smallest = by_size[asked.products[0]]
    lines = [f"{asked.stack:30}" + "".join(f"{size:>12,} ms    ratio" for size in by_size)]
    for name in PAGES:
        row = ((times[name], times[name] / smallest[name]) for times in by_size.values())
        lines.append(f"{name:30}" + "".join(f"{taken:15.2f} {ratio:8.2f}" for taken, ratio in row))
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
