"""Settings of the catalog."""

from __future__ import annotations

from pydantic import Field

from microservices.kit.settings import ServiceSettings
from shared.seed.products import DEFAULT_COUNT, MAX_COUNT


class CatalogSettings(ServiceSettings):
    """The common ones, how many products an empty database starts with, and what the pages call this build."""

    seed_products: int = Field(default=DEFAULT_COUNT, ge=0, le=MAX_COUNT)
    storefront_badge: str = "microservices"
