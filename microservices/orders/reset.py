"""Fresh data for the orders service: `python -m microservices.orders.reset`."""

from __future__ import annotations

import asyncio

from microservices.kit.reset import reset
from shared.platform.settings import CommonSettings, load_or_exit

if __name__ == "__main__":
    asyncio.run(reset(load_or_exit(CommonSettings), "microservices.orders"))
