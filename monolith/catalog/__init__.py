"""The catalog: what is sold, at which price, and how much of it is left. This is its facade."""

from monolith.catalog.routes import blueprint
from monolith.catalog.seeding import reset, seed_if_empty
from monolith.catalog.stock import Catalog

__all__ = ["Catalog", "blueprint", "reset", "seed_if_empty"]
