"""Settings of the catalog."""

from __future__ import annotations

from pydantic import Field

from microservices.kit.settings import ServiceSettings
from shared.seed.products import DEFAULT_COUNT, MAX_COUNT


class CatalogSettings(ServiceSettings):
    """The common ones, and how many products an empty database starts with."""

    seed_products: int = Field(default=DEFAULT_COUNT, ge=0, le=MAX_COUNT)
