"""When a model is trained, and of what: the shop's own orders, and before there are any, a past that is made up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from variants.recommendations.history import history
from variants.recommendations.settings import RecommendationSettings
from variants.recommendations.shelf import Shelf
from variants.recommendations.training import Basket, Product, train

SEED = 22
Load = Callable[[], tuple[Sequence[Product], Sequence[Basket]]]
log = logging.getLogger(__name__)


class Learner:
    """Trains for a shelf. One replica does at a time; the others find its model there."""

    def __init__(self, shelf: Shelf, settings: RecommendationSettings) -> None:
        self._shelf, self._settings = shelf, settings

    def is_due(self, orders: int, products: int) -> bool:
        """Tell whether the shop has gone on far enough since the newest model, or is another. Raises OSError."""
        last = self._shelf.newest()
        if last is None or orders < last.orders or (last.products, last.rank) != (products, self._settings.model_rank):
            return True
        return orders - last.orders >= self._settings.train_after_orders

    def learn(self, load: Load) -> bool:
        """Train on what `load` returns, and put the model on the shelf; False if another replica is at it.

        Takes seconds of CPU. Raises OSError, and what `load` raises.
        """
        with self._shelf.training() as is_ours:
            if not is_ours:
                return False
            began = time.monotonic()
            products, baskets = load()
            past = history([product.sku for product in products], self._settings.history_orders, SEED)
            model = train(products, [*past.baskets, *baskets], self._settings.model_rank)
            entry = self._shelf.put(model, len(baskets), self._settings.model_rank)
        taken_s = time.monotonic() - began
        log.info("trained model %s of %d orders in %.1f s", entry.version, entry.orders, taken_s)
        return True
