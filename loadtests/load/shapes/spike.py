"""A crowd that comes at once and leaves again: 20 closed-loop users, 300 from second 60 to 90, then 20."""

from locust import LoadTestShape


class Spike(LoadTestShape):
    """How long does the shop need until it is as fast as before?"""

    users = 20
    peak = 300
    from_s = 60
    until_s = 90
    end_s = 180

    def tick(self) -> tuple[int, float] | None:
        """Return (users, users to start per second) for now, or None at the end."""
        run_s = self.get_run_time()  # type: ignore[no-untyped-call]
        if run_s > self.end_s:
            return None
        crowd = self.from_s <= run_s < self.until_s
        return (self.peak, 100.0) if crowd else (self.users, 100.0)
