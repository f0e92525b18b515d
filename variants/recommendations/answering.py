"""What is recommended for a product: from the model that is loaded, or the bestsellers where that would take too long.

Both builds answer with these bytes; what differs is who waits for a thread, and how.
"""

from __future__ import annotations

import logging
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.contract.answers import Answer
from shared.domain.errors import NotFound, Unavailable
from variants.recommendations.model import Model, Ranked, WrongModel
from variants.recommendations.shelf import Entry, Shelf

TOGETHER, SIMILAR, POPULAR = 5, 5, 5  # as many of each at most
PATH = "/products/{sku}/recommendations"
log = logging.getLogger(__name__)


class Recommendation(BaseModel):
    """A product and why it is there. Price and stock are the catalog's to tell."""

    model_config = ConfigDict(frozen=True)

    sku: str
    name: str
    category: str
    why: Literal["bought_together", "similar", "popular"]


class Recommendations(BaseModel):
    """The best first. `model` names the model by its content: the same model answers the same."""

    model_config = ConfigDict(frozen=True)

    sku: str
    model: str
    items: list[Recommendation]


class Recommender:
    """Answers from the newest model of a shelf. `refresh` is called now and then by whoever runs it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._model: Model | None = None
        self._entry: Entry | None = None

    def refresh(self) -> bool:
        """Load the newest model if it is another; True if so. A wrong one is left where it is, for the one before it.

        Requests go on with the old model until the new one is there whole. Raises OSError.
        """
        entries = self._shelf.entries()
        if not entries or entries[-1] == self._entry:
            return False
        self._entry = entries[-1]
        for entry in reversed(entries):  # who has just started has no last one to go on with
            try:
                model = Model.load(entry.path.read_bytes())
            except WrongModel as error:
                log.error("the model %s is not taken, %s", entry.path.name, error)
                continue
            if self._model is not None and model.version == self._model.version:
                return False
            self._model = model
            log.info("model %s: %d products, rank %d", model.version, len(model.skus), model.rank)
            return True
        return False

    def infer(self, sku: str) -> Answer:
        """Return what the model says. Looks at all products. Raises NotFound, Unavailable."""
        model = self._loaded()
        product = _number_of(model, sku)
        together = model.together(product, TOGETHER)
        near = [one for one in model.similar(product, SIMILAR + TOGETHER) if one not in together][:SIMILAR]
        items = [*_items(model, together, "bought_together"), *_items(model, near, "similar")]
        return _answer(model, sku, items)

    def popular(self, sku: str) -> Answer:
        """Return the bestsellers, for which nothing is computed. Raises NotFound, Unavailable."""
        model = self._loaded()
        product = _number_of(model, sku)
        others = [one for one in model.popular[: POPULAR + 1] if one != product][:POPULAR]
        return _answer(model, sku, _items(model, others, "popular"))

    def _loaded(self) -> Model:
        if self._model is None:
            raise Unavailable("No model has been trained yet.")
        return self._model


def _number_of(model: Model, sku: str) -> int:
    if sku not in model.number_of:
        raise NotFound(f"The model knows no product '{sku}'.")
    return model.number_of[sku]


def _items(
    model: Model, products: Ranked | list[int], why: Literal["bought_together", "similar", "popular"]
) -> list[Recommendation]:
    return [
        Recommendation(sku=model.skus[one], name=model.names[one], category=model.categories[one], why=why)
        for one in products
    ]


def _answer(model: Model, sku: str, items: list[Recommendation]) -> Answer:
    return Answer.of(200, Recommendations(sku=sku, model=model.version, items=items))
