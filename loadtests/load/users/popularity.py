"""Which product a customer picks: a few are wanted often, most of them seldom."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

# Requests for pages follow a Zipf-like law i**-a with a from 0.64 to 0.83 in six traces: Breslau, Cao, Fan, Phillips,
# Shenker, "Web Caching and Zipf-like Distributions: Evidence and Implications", INFOCOM 1999.
ZIPF_EXPONENT = 0.8
# Which product has which rank is the same for every run and every build, whatever the seed of the load.
RANKING_SEED = 1999


class Popularity:
    """Draws from `items` so that the item of rank i has a weight of i**-ZIPF_EXPONENT."""

    def __init__(self, items: Sequence[str], exponent: float = ZIPF_EXPONENT) -> None:
        if not items:
            raise ValueError("there is nothing to choose from: is the catalogue empty?")
        self._items = list(items)
        random.Random(RANKING_SEED).shuffle(self._items)  # otherwise the popular ones are neighbours in the index
        self._cumulative = list(accumulate(rank**-exponent for rank in range(1, len(self._items) + 1)))

    @property
    def ranking(self) -> tuple[str, ...]:
        """All items, the most popular first."""
        return tuple(self._items)

    def draw(self, rng: random.Random) -> str:
        """Return one item."""
        return self._items[bisect_left(self._cumulative, rng.random() * self._cumulative[-1])]

    def draw_distinct(self, rng: random.Random, count: int) -> list[str]:
        """Return up to `count` different items (fewer only if there are fewer)."""
        most = min(count, len(self._items))
        items: dict[str, None] = {}
        while len(items) < most:
            items[self.draw(rng)] = None
        return list(items)
