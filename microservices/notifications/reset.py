"""Fresh data for the notifications: `python -m microservices.notifications.reset`."""

from __future__ import annotations

import asyncio

from microservices.kit.reset import reset
from microservices.notifications.config import NotificationsSettings
from shared.platform.settings import load_or_exit

if __name__ == "__main__":
    asyncio.run(reset(load_or_exit(NotificationsSettings), "microservices.notifications"))
