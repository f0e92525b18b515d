"""What both shops start with: the products they sell and the customers of the demonstration. Deterministic."""

from shared.seed.customers import DEMO_CUSTOMERS, DemoCustomer
from shared.seed.products import DEFAULT_COUNT, DEFAULT_STOCK, SeedProduct, number_of_products, products

__all__ = [
    "DEFAULT_COUNT",
    "DEFAULT_STOCK",
    "DEMO_CUSTOMERS",
    "DemoCustomer",
    "SeedProduct",
    "number_of_products",
    "products",
]
