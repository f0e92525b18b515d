"""Fresh data for the catalog: `python -m microservices.catalog.reset --products 1000`."""

from __future__ import annotations

import asyncio
from functools import partial

from microservices.catalog.config import CatalogSettings
from microservices.catalog.seeding import seed_if_empty
from microservices.kit.reset import reset
from shared.platform.settings import load_or_exit
from shared.seed import number_of_products

if __name__ == "__main__":
    settings = load_or_exit(CatalogSettings)
    seed = partial(seed_if_empty, count=number_of_products(__doc__, settings.seed_products))
    asyncio.run(reset(settings, "microservices.catalog", seed))
