"""A folder of models, a model of three products, and a place at which none is free to infer."""

from __future__ import annotations

from pathlib import Path

import pytest

from variants.recommendations.model import Model
from variants.recommendations.shelf import Shelf
from variants.recommendations.training import Product, train

PRODUCTS = [
    Product("LAMP", "Table Lamp, brass", "Warm light.", "Lighting"),
    Product("LANTERN", "Lantern, brass", "Warm light outside.", "Lighting"),
    Product("SOFA", "Sofa, oak", "Deep.", "Furniture"),
]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def small_model() -> Model:
    """Who looks at a lamp is shown the sofa of the same basket, and the lantern of like words."""
    return train(PRODUCTS, [("LAMP", "SOFA")] * 3, rank=8)
