"""The catalog: what is sold, at which price, and how much of it is left. This is its facade."""

from monolith.catalog.remote import RemoteCatalog
from monolith.catalog.routes import blueprint
from monolith.catalog.seeding import seed, seed_if_empty
from monolith.catalog.service import give_back, release, reserve, sell

__all__ = ["RemoteCatalog", "blueprint", "give_back", "release", "reserve", "seed", "seed_if_empty", "sell"]
