"""More closed-loop users step by step: 20 more every 30 seconds."""

from locust import LoadTestShape


class Steps(LoadTestShape):
    """Where does the response time begin to grow? A closed loop slows down with the shop; open arrivals do not."""

    users_per_step = 20
    step_s = 30
    steps = 10

    def tick(self) -> tuple[int, float] | None:
        """Return (users, users to start per second) for now, or None at the end."""
        step = int(self.get_run_time() // self.step_s)  # type: ignore[no-untyped-call]
        return None if step >= self.steps else ((step + 1) * self.users_per_step, float(self.users_per_step))
