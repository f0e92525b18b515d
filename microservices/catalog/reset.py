"""Fresh data for the catalog: `python -m microservices.catalog.reset --products 1000`."""

from __future__ import annotations

import argparse
import asyncio
from functools import partial

from microservices.catalog.config import CatalogSettings
from microservices.catalog.seeding import seed_if_empty
from microservices.kit.reset import reset
from shared.platform.settings import load_or_exit


def main() -> None:
    """Empty all tables and seed again."""
    settings = load_or_exit(CatalogSettings)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=settings.seed_products)
    count = parser.parse_args().products
    asyncio.run(reset(settings, "microservices.catalog", partial(seed_if_empty, count=count)))


if __name__ == "__main__":
    main()
