"""The open-loop user for Locust: one of it in a process sends everything that is due."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.generator.open_loop import OpenLoop
from loadtests.users.shop_user import ShopUser


class OpenArrivals(ShopUser):
    """Requests arrive at a set rate, however slowly the shop answers. The number of users does not matter."""

    abstract = True

    def loop(self, schedule: Sequence[float], *, max_in_flight: int, share: int = 0, shares: int = 1) -> OpenLoop:
        """Return the loop that sends this share of the schedule."""
        return OpenLoop(schedule, self.arrive, max_in_flight=max_in_flight, share=share, shares=shares)

    def arrive(self, index: int, due_at: float) -> None:
        """Send the request of arrival number `index`."""
        self.perform(self.journeys.draw(index), index, due_at)
